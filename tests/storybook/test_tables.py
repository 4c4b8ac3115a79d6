import json
import tarfile
from pathlib import Path

import pytest

from pairsift.storybook.pairs import pairs
from pairsift.storybook.writing import write_storybook


def test_json_lines(tmp_path: Path) -> None:
    done = write_storybook(
        tmp_path / "set", num_pairs=150, seed=3, side=32, table_format="jsonl", faults="default"
    )
    assert done.table.name == "pairs.jsonl"
    rows = [json.loads(line) for line in done.table.read_text(encoding="utf-8").splitlines()]
    assert [list(row) for row in rows] == [["image", "caption", "category"]] * 150


def test_a_tar_with_the_pictures(tmp_path: Path) -> None:
    done = write_storybook(
        tmp_path / "set", num_pairs=9, seed=3, side=32, table_format="webdataset"
    )
    expected = list(pairs(3, 0, 9))
    with tarfile.open(done.table) as archive:
        names = archive.getnames()
        for row, pair in enumerate(expected):
            assert names[3 * row : 3 * row + 3] == [
                f"{row:09d}.{e}" for e in ("jpg", "txt", "json")
            ]
            found = [archive.extractfile(name) for name in names[3 * row : 3 * row + 2]]
            picture, caption = (file.read() for file in found if file is not None)
            assert picture == (done.directory / f"images/000/{row:06d}.jpg").read_bytes()
            assert caption.decode() == pair.caption.text


@pytest.mark.parametrize("rate", ["broken-image=0.5", "default"])
def test_rows_without_a_picture_stay_rows(tmp_path: Path, rate: str) -> None:
    done = write_storybook(
        tmp_path / "set", num_pairs=60, seed=3, side=32, table_format="webdataset", faults=rate
    )
    with tarfile.open(done.table) as archive:
        names = archive.getnames()
        keys = {name.partition(".")[0] for name in names}
        assert len(keys) == 60
        assert all(member.isreg() for member in archive.getmembers())
