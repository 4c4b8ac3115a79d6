"""Sets appear whole or not at all, and the same whoever writes them."""

import hashlib
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image

from pairsift.errors import OutputExistsError, UsageError
from pairsift.storybook import writing
from pairsift.storybook.faults import DEFAULT_RATES
from pairsift.storybook.pairs import pairs
from pairsift.storybook.writing import write_storybook


def digest(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_sound_set(tmp_path: Path) -> None:
    done = write_storybook(tmp_path / "set", num_pairs=12, seed=8, image_format="png")
    lines = done.table.read_text().splitlines()
    assert lines[0] == "image,caption,category"
    assert (done.num_pairs, done.num_faults, len(lines)) == (12, {}, 13)
    for pair in pairs(8, 0, 12):
        with Image.open(done.directory / f"images/000/{pair.index:06d}.png") as image:
            assert image.tobytes() == pair.image.tobytes()
        assert pair.caption.text in lines[pair.index + 1]


def test_workers_change_nothing(tmp_path: Path) -> None:
    # Two blocks, so that two processes have something to do.
    one = write_storybook(
        tmp_path / "1", num_pairs=1040, seed=3, side=32, faults="default", workers=1
    )
    two = write_storybook(
        tmp_path / "2", num_pairs=1040, seed=3, side=32, faults="default", workers=2
    )
    assert digest(one.directory) == digest(two.directory)
    assert one.num_faults["shift"] == round(1040 * DEFAULT_RATES["shift"])


def test_parquet(tmp_path: Path) -> None:
    done = write_storybook(
        tmp_path / "set", num_pairs=150, seed=3, side=32, table_format="parquet", faults="default"
    )
    table = pq.read_table(done.table)
    assert table.column_names == ["image", "caption", "category"]
    assert table.num_rows == 150
    truth = done.truth.read_text()
    assert "cells" not in truth
    assert "invalid utf-8" not in truth


def test_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "_BLOCK", 4)
    seen: list[tuple[int, int]] = []
    write_storybook(
        tmp_path / "set", num_pairs=10, seed=1, side=32, progress=lambda *done: seen.append(done)
    )
    assert seen == [(4, 10), (8, 10), (10, 10)]


def test_a_failure_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(done: int, total: int) -> None:
        if done > total // 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(writing, "_BLOCK", 4)
    with pytest.raises(KeyboardInterrupt):
        write_storybook(tmp_path / "set", num_pairs=10, seed=1, side=32, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    assert write_storybook(tmp_path / "set", num_pairs=1, seed=1, side=32).table.is_file()


def test_a_full_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputExistsError, match="not empty"):
        write_storybook(tmp_path, num_pairs=1, seed=1)
    with pytest.raises(OutputExistsError, match="holds no storybook set"):
        write_storybook(tmp_path, num_pairs=1, seed=1, overwrite=True)
    with pytest.raises(OutputExistsError, match="is a file"):
        write_storybook(tmp_path / "notes.txt", num_pairs=1, seed=1)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_overwrite(tmp_path: Path) -> None:
    write_storybook(tmp_path / "set", num_pairs=3, seed=1, side=32)
    write_storybook(tmp_path / "set", num_pairs=2, seed=1, side=32, overwrite=True)
    assert len(list((tmp_path / "set" / "images" / "000").iterdir())) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_pairs": 0}, "at least 1"),
        ({"image_format": "bmp"}, "jpg or png"),
        ({"table_format": "xlsx"}, "csv or jsonl or parquet or webdataset"),
        ({"side": 8}, "at least 32"),
        ({"faults": "none=1"}, "no fault `none`"),
    ],
)
def test_usage(tmp_path: Path, options: dict[str, object], message: str) -> None:
    arguments: dict[str, object] = {"num_pairs": 1, "seed": 1} | options
    with pytest.raises(UsageError, match=message):
        write_storybook(tmp_path / "set", **arguments)  # type: ignore[arg-type]
    assert not (tmp_path / "set").exists()
