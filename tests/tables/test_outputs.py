import os
import subprocess
import sys
from pathlib import Path

import pytest

from pairsift.errors import OutputExistsError
from pairsift.tables.outputs import open_output, take_folder_name


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_name_appears_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    with open_output(target) as file:
        file.write(b"all of it")
        assert not target.exists()
    assert target.read_bytes() == b"all of it"
    assert names(tmp_path) == ["out.csv"]


def fail_half_way(target: Path, error: type[BaseException]) -> None:
    with open_output(target) as file:
        file.write(b"half")
        raise error


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, OSError])
def test_nothing_is_left_and_the_old_file_stays(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "out.csv"
    target.write_bytes(b"old")
    with pytest.raises(error):
        fail_half_way(target, error)
    assert names(tmp_path) == ["out.csv"]
    assert target.read_bytes() == b"old"


def test_the_file_has_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    with open_output(tmp_path / "out.csv") as file:
        file.write(b"x")
    assert (tmp_path / "out.csv").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_bytes(b"old")
    (tmp_path / "link.csv").symlink_to("real.csv")
    with open_output(tmp_path / "link.csv") as file:
        file.write(b"new")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_bytes() == b"new"


def test_long_names(tmp_path: Path) -> None:
    target = tmp_path / ("n" * 251 + ".csv")
    with open_output(target) as file:
        file.write(b"x")
    assert names(tmp_path) == [target.name]


def test_a_device_is_written_to_and_stays_a_device(tmp_path: Path) -> None:
    (tmp_path / "null").symlink_to("/dev/null")
    with open_output(tmp_path / "null") as file:
        file.write(b"x")
    assert not Path("/dev/null").is_file()


@pytest.mark.parametrize("place", ["missing/out.csv", "file/out.csv", "folder"])
def test_where_nothing_can_be_written(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputExistsError, match="cannot write"), open_output(tmp_path / place):
        pytest.fail("opened")
    assert names(tmp_path) == ["file", "folder"]


def test_standard_output() -> None:
    code = (
        "from pairsift.tables.outputs import open_output\n"
        "with open_output(None) as file: file.write(b'a\\r\\n\\xff')\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, env=environment
    )
    assert done.stdout == b"a\r\n\xff"


def test_a_folder_takes_its_name_or_the_old_one_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part, folder = tmp_path / ".out.part", tmp_path / "out"
    for text in ("first", "second"):
        part.mkdir()
        (part / "table.csv").write_text(text)
        take_folder_name(part, folder)
        assert (folder / "table.csv").read_text() == text
        assert names(tmp_path) == ["out"]
    part.mkdir()
    rename = Path.rename

    def refuse(path: Path, target: Path) -> Path:
        if path == part:
            raise OSError("no")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OSError, match="no"):
        take_folder_name(part, folder)
    assert (folder / "table.csv").read_text() == "second"
