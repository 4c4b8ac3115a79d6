import os
from pathlib import Path
from typing import Any

import pytest

from pairsift.config import TableConfig
from pairsift.errors import ColumnError, TableFormatError, UsageError
from pairsift.tables import folder
from pairsift.tables.folder import FORMAT, FolderReader
from pairsift.tables.formats import open_table

NAMES: dict[str, Any] = {"image_column": "image", "caption_column": "caption"}


def put(path: Path, data: bytes = b"") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def rows(path: Path, **options: Any) -> list[tuple[Any, ...]]:
    reader = open_table(path, TableConfig())
    options = {"batch_rows": 2, **options}
    return [
        (row["reference"], row["caption"], row["problem"])
        for batch in reader.read_batches(**NAMES, **options)
        for row in batch.pairs.to_pylist()
    ]


def test_images_with_their_captions(tmp_path: Path) -> None:
    put(tmp_path / "b.jpg")
    put(tmp_path / "b.txt", b"\xef\xbb\xbfa bee\r\n")
    put(tmp_path / "a.x.PNG")
    put(tmp_path / "a.x.txt", b"two\nlines\n\n")
    put(tmp_path / "sub/c.webp")
    put(tmp_path / ".cache/d.jpg")
    put(tmp_path / "alone.txt", b"no image")
    assert rows(tmp_path) == [
        (b"a.x.PNG", b"two\nlines", None),
        (b"b.jpg", b"a bee", None),
        (b"sub/c.webp", None, None),
    ]
    reader = FolderReader(tmp_path)
    (batch,) = reader.read_batches(**NAMES, batch_rows=9)
    assert reader.to_arrow(batch).to_pylist()[1:] == [
        {"image": "b.jpg", "caption": "a bee"},
        {"image": "sub/c.webp", "caption": None},
    ]
    assert reader.image_root == tmp_path


def test_captions_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "MAX_CAPTION_BYTES", 100)
    (tmp_path / "secret.txt").write_bytes(b"not yours")
    home = tmp_path / "set"
    for name in "abcde":
        put(home / f"{name}.jpg")
    put(home / "a.txt", b"x" * 101)
    (home / "b.txt").mkdir()
    (home / "c.txt").symlink_to(tmp_path / "secret.txt")
    os.mkfifo(home / "d.txt")
    (home / "e.txt").symlink_to("nowhere.txt")
    found = rows(home)
    assert [caption for _, caption, _ in found] == [None] * 5
    assert [problem for _, _, problem in found] == [
        "a.txt: 101 bytes are no caption",
        "b.txt: not a regular file",
        "c.txt: a link that leaves the folder",
        "d.txt: not a regular file",
        None,
    ]


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    try:
        put(Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.jpg")))
    except OSError:
        pytest.skip("this system's names are always text")
    assert rows(tmp_path) == [(b"\xff.jpg", None, None)]


def test_spans_and_rows(tmp_path: Path) -> None:
    for index in range(7):
        put(tmp_path / f"{index}.jpg")
    reader = FolderReader(tmp_path)
    spans = list(reader.plan(3))
    assert [(span.first_row, span.num_rows) for span in spans] == [(0, 3), (3, 3), (6, 1)]
    assert rows(tmp_path, span=spans[1]) == [(b"%d.jpg" % i, None, None) for i in (3, 4, 5)]
    assert rows(tmp_path, rows=[5, 6, 9]) == [(b"5.jpg", None, None), (b"6.jpg", None, None)]


def test_what_is_refused(tmp_path: Path) -> None:
    put(tmp_path / "a.txt")
    with pytest.raises(TableFormatError, match="a folder without images"):
        open_table(tmp_path, TableConfig())
    put(tmp_path / "a.jpg")
    with pytest.raises(ColumnError, match="column text not found; available: image, caption"):
        next(
            FolderReader(tmp_path).read_batches(
                image_column="image", caption_column="text", batch_rows=1
            )
        )
    with pytest.raises(UsageError, match=r"name a file in \.csv"):
        FORMAT.open_rows_writer(tmp_path, columns=None, added_schema=None, metadata={})
