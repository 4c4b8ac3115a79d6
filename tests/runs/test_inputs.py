"""An input that is read again must still be what was scored."""

import os
from pathlib import Path

import pytest
from PIL import Image

from pairsift import open_run
from pairsift.cli import run
from pairsift.config import SourceConfig
from pairsift.errors import JobError, RunFolderError
from pairsift.runs.inputs import configured

HEADER = "image,caption"
SHARD = "00000-000000000004-g0"
ROWS = [f"{number % 3}.png,caption {number}" for number in range(10)]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    for number in range(3):
        Image.new("RGB", (8, 8), (40 * number, 0, 0)).save(tmp_path / f"{number}.png")
    path = tmp_path / "pairs.csv"
    write(path, ROWS)
    assert score(path, tmp_path / "out.csv") == 0
    return path


def write(path: Path, rows: list[str]) -> None:
    path.write_text("\n".join([HEADER, *rows, ""]))


def score(path: Path, output: Path, *options: str) -> int:
    command = ["score", str(path), "-o", str(output), "--runtime", "fake", "--shard-rows", "4"]
    return run([*command, *options])


def captions(folder: Path) -> list[str]:
    batches = open_run(folder / "out.csv").table(["caption"])
    return [caption for batch in batches for caption in batch.column("caption").to_pylist()]


def test_an_input_as_it_was(table: Path) -> None:
    assert captions(table.parent) == [f"caption {number}" for number in range(10)]


def test_a_copy_of_another_time_is_read_too(table: Path) -> None:
    os.utime(table, (1, 1))
    assert len(captions(table.parent)) == 10


def test_rows_that_were_added_do_no_harm(table: Path) -> None:
    write(table, [*ROWS, "0.png,one more"])
    assert len(captions(table.parent)) == 10


@pytest.mark.parametrize(
    "rows",
    [
        ROWS[::-1],
        [*ROWS[:5], "0.png,another", *ROWS[6:]],
        ROWS[1:],
        [*ROWS[:9], "1.png,caption 9"],
        [],
    ],
    ids=["turned", "one caption", "one less", "one image", "none"],
)
def test_another_input_is_refused(table: Path, rows: list[str]) -> None:
    write(table, rows)
    with pytest.raises(JobError, match="not what was scored any more"):
        captions(table.parent)


def test_the_row_after_which_it_differs_is_named(table: Path) -> None:
    write(table, [*ROWS[:6], "0.png,another", *ROWS[7:]])
    with pytest.raises(JobError, match="at row 5 or after it"):
        captions(table.parent)


def test_a_folder_is_looked_into(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.new("RGB", (8, 8)).save(folder / "a.png")
    (folder / "a.txt").write_text("black")
    assert score(folder, tmp_path / "out.csv") == 0
    assert captions(tmp_path) == ["black"]
    before = folder.stat()
    (folder / "a.txt").write_text("white")
    os.utime(folder, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(JobError, match="not what was scored any more"):
        captions(tmp_path)


@pytest.mark.usefixtures("table")
def test_an_image_root_does_not_hang_on_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    aside = tmp_path / "elsewhere" / "pairs.csv"
    write(aside, ROWS)
    monkeypatch.chdir(tmp_path)
    assert score(aside, tmp_path / "aside.csv", "--image-root", ".") == 0
    monkeypatch.chdir(tmp_path / "elsewhere")
    sources = open_run(tmp_path / "aside.csv").open_sources(0)
    assert sources.read(b"0.png") == (tmp_path / "0.png").read_bytes()
    sources.close()


def test_a_config_comes_back_from_what_was_written_down() -> None:
    plain = {"allow_host": ["a:1"], "from_a_later_version": 1}
    assert configured(SourceConfig, plain) == SourceConfig(allow_host=("a:1",))


@pytest.mark.parametrize("name", [f"scores/{SHARD}.parquet", f"embeddings/{SHARD}-images.parquet"])
def test_a_bit_that_was_lost_is_noticed_and_mended(table: Path, name: str) -> None:
    folder = table.parent / "out.csv.pairsift"
    before = open_run(folder).scores()
    whole = (folder / name).read_bytes()
    place = 60  # within the first page
    (folder / name).write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    with pytest.raises(RunFolderError, match=r"damaged.*commits/00000-000000000004-g0\.json"):
        (open_run(folder).scores(), list(open_run(folder).embeddings()))
    (folder / "commits" / f"{SHARD}.json").unlink()
    (folder / "_SUCCESS").unlink()
    assert score(table, table.parent / "out.csv") == 0
    assert open_run(folder).scores().equals(before)
    assert len(list(open_run(folder).embeddings())) == 3
