"""Pairs are read again, and what cannot be read says why."""

from base64 import b64decode
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from pairsift import open_run
from pairsift.curation.rows import read_rows
from pairsift.report.pictures import ShownPair, load_pairs, make_thumbnail
from pairsift.report.selecting import read_image_keys
from tests.report.scored import score_folder, write_pictures


def load(folder: Path, *places: int) -> dict[int, ShownPair]:
    run = open_run(folder)
    return load_pairs(run, read_rows(run), places, keys=read_image_keys(run))


def test_pairs_come_with_caption_and_picture(run: Path) -> None:
    shown = load(run, 5, 2, 5)
    assert sorted(shown) == [2, 5]
    assert shown[5].caption == "a picture of thing 5"
    assert (shown[5].row, shown[5].file, shown[5].problem) == (5, None, None)
    thumbnail = shown[5].thumbnail
    assert thumbnail is not None
    picture = Image.open(BytesIO(b64decode(thumbnail.data_uri.split(",")[1])))
    assert (picture.format, picture.size) == ("WEBP", (48, 32))


def test_a_missing_picture_says_why(run: Path) -> None:
    pair = load(run, 11)[11]
    assert pair.thumbnail is None
    assert pair.problem == "no such file: pictures/none.png"
    assert np.isnan(pair.similarity)


def test_another_picture_under_the_same_name_is_told(run: Path) -> None:
    Image.new("RGB", (40, 40), "red").save(run.parent / "pictures" / "003.png")
    pair = load(run, 3)[3]
    assert pair.thumbnail is not None
    assert pair.problem == "the picture is not the one that was scored"


def test_a_damaged_picture_says_why(run: Path) -> None:
    (run.parent / "pictures" / "003.png").write_bytes(b"no picture")
    assert "not an image" in (load(run, 3)[3].problem or "")


def test_pictures_in_the_table(tmp_path: Path) -> None:
    names = write_pictures(tmp_path / "pictures", 3)
    data = [(tmp_path / "pictures" / name).read_bytes() for name in names]
    table = tmp_path / "pairs.parquet"
    pq.write_table(pa.table({"image": data, "caption": ["a", "b", "c"]}), table)
    assert load(score_folder(table, tmp_path / "run"), 1)[1].thumbnail is not None


def test_no_folder_of_pictures(
    tmp_path: Path, make_table: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = score_folder(make_table(["a", "b"]), tmp_path / "run")
    run = open_run(folder)
    monkeypatch.setitem(run.info["config"]["table"], "image_root", str(tmp_path / "gone"))
    shown = load_pairs(run, read_rows(run), [0], keys=read_image_keys(run))
    assert "no such folder" in (shown[0].problem or "")


def test_thumbnails_are_small() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (900, 1600, 3), dtype=np.uint8)
    thumbnail = make_thumbnail(Image.fromarray(noise))
    assert (thumbnail.width, thumbnail.height) == (160, 90)
    assert len(thumbnail.data_uri) < 20_000


def test_addresses_are_not_fetched_and_no_option_is_named(tmp_path: Path) -> None:
    table = tmp_path / "pairs.csv"
    table.write_text("image,caption\nhttp://127.0.0.1:9/a.png,a\ns3://bucket/b.png,b\n")
    for pair in load(score_folder(table, tmp_path / "run"), 0, 1).values():
        assert (pair.thumbnail, pair.problem) == (None, "not fetched for a report")
