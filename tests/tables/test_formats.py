from pathlib import Path

import pyarrow as pa
import pytest

from pairsift.config import TableConfig
from pairsift.errors import TableFormatError, UsageError
from pairsift.protocols import TableBatch
from pairsift.tables import csv, jsonl, parquet
from pairsift.tables.formats import FORMATS, batch_to_arrow, format_of, open_table


@pytest.mark.parametrize(
    ("name", "found"),
    [("a.csv", csv.FORMAT), ("a.TSV", csv.FORMAT), ("a.b.parquet", parquet.FORMAT),
     ("a.pq", parquet.FORMAT), ("a.csv.gz", csv.FORMAT), ("a.tsv.ZST", csv.FORMAT),
     ("a.jsonl", jsonl.FORMAT), ("a.ndjson.gz", jsonl.FORMAT)],
)  # fmt: skip
def test_the_suffix_decides(name: str, found: object) -> None:
    assert format_of(Path(name)) is found


@pytest.mark.parametrize("name", ["a.xlsx", "a", "csv", "a.parquet.gz", "a.gz", "a.csv.bz2"])
def test_an_unknown_suffix_names_the_accepted(name: str) -> None:
    with pytest.raises(UsageError, match=r"\.csv, .*\.parquet"):
        format_of(Path(name))


def test_no_suffix_belongs_to_two_formats() -> None:
    suffixes = [suffix for table_format in FORMATS for suffix in table_format.suffixes]
    assert len(suffixes) == len(set(suffixes))


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "text.parquet").write_bytes(b"image,caption\n")
    for name, error, words in (
        ("none.csv", UsageError, "no such table"),
        ("folder.csv", UsageError, "not a file"),
        ("text.parquet", TableFormatError, "text.parquet"),
    ):
        with pytest.raises(error, match=words):
            open_table(tmp_path / name, TableConfig())


def test_rows_as_text_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b'image,caption\r\na.jpg,"x ""y"""\nshort\n1,2,3\n')
    reader = open_table(tmp_path / "a.csv", TableConfig())
    batches = reader.read_batches(image_column="image", caption_column="caption", batch_rows=9)
    assert batch_to_arrow(reader, next(batches)).to_pydict() == {
        "image": ["a.jpg", "short", "1"],
        "caption": ['x "y"', None, "2"],
    }
    nothing = pa.RecordBatch.from_pydict({})
    with pytest.raises(TypeError):
        batch_to_arrow(reader, TableBatch(0, nothing, "else"))
