"""Tables that mean harm, or are merely broken: the right status, or one clear line."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pairsift.config import TableConfig
from pairsift.errors import PairsiftError, TableFormatError
from pairsift.tables.columns import find_columns
from pairsift.tables.formats import open_table


def read(path: Path) -> list[dict[str, Any]]:
    """Return every pair, by way of the plan."""
    config = TableConfig()
    reader = open_table(path, config)
    image, caption = find_columns(reader.column_names, config)
    found = []
    for span in reader.plan(7):
        for batch in reader.read_batches(
            image_column=image, caption_column=caption, batch_rows=3, span=span
        ):
            found += batch.pairs.to_pylist()
            reader.to_arrow(batch)
    return found


def parquet(path: Path, **columns: Any) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


@pytest.mark.parametrize(
    ("image", "caption", "words"),
    [
        ([1], ["x"], "column image has type int64"),
        (["a"], [1.5], "column caption has type double"),
        (["a"], [{"text": "x"}], "column caption has type struct"),
        ([["a"]], ["x"], "column image has type list"),
        (["a"], [["x"]], "column caption holds lists .*--caption-list"),
        ([{"bytes": 3}], ["x"], "column image has type int64"),
        ([True], ["x"], "column image has type bool"),
        ([pa.scalar(0, pa.date32())], ["x"], "column image has type date32"),
    ],
)
def test_parquet_of_wrong_types(tmp_path: Path, image: Any, caption: Any, words: str) -> None:
    with pytest.raises(TableFormatError, match=words):
        read(parquet(tmp_path / "in.parquet", image=image, caption=caption))


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.binary()])
def test_parquet_of_dictionaries(tmp_path: Path, kind: pa.DataType) -> None:
    captions = pa.array(["x", None, "x", ""], kind).dictionary_encode()
    images = pa.array(["a", "b", None, "a"]).dictionary_encode()
    found = read(parquet(tmp_path / "in.parquet", image=images, caption=captions))
    assert [row["caption"] for row in found] == [b"x", None, b"x", b""]
    assert [row["reference"] for row in found] == [b"a", b"b", None, b"a"]


def test_parquet_of_nothing_but_nulls(tmp_path: Path) -> None:
    found = read(parquet(tmp_path / "in.parquet", image=pa.nulls(3), caption=pa.nulls(3)))
    assert [list(row.values()) for row in found] == [[None] * 4] * 3


def test_parquet_whose_text_is_none(tmp_path: Path) -> None:
    raw = pa.array([b"\xff\xfe", b"ok"], pa.binary())
    text = pa.Array.from_buffers(pa.string(), 2, raw.buffers())
    found = read(parquet(tmp_path / "in.parquet", image=["a", "b"], caption=text))
    assert [row["caption"] for row in found] == [b"\xff\xfe", b"ok"]


@pytest.mark.parametrize("rows", [0, 1])
def test_parquet_without_rows_or_columns(tmp_path: Path, rows: int) -> None:
    table = pa.table({"image": ["a"][:rows], "caption": ["x"][:rows]})
    pq.write_table(table, tmp_path / "in.parquet")
    assert len(read(tmp_path / "in.parquet")) == rows
    pq.write_table(table.select([]), tmp_path / "none.parquet")
    with pytest.raises(PairsiftError, match="no image column found; available: none"):
        read(tmp_path / "none.parquet")


def test_parquet_with_an_encrypted_footer(tmp_path: Path) -> None:
    data = parquet(tmp_path / "in.parquet", image=["a"], caption=["x"]).read_bytes()
    (tmp_path / "in.parquet").write_bytes(b"PARE" + data[4:-4] + b"PARE")
    with pytest.raises(TableFormatError, match=r"^in\.parquet is not a Parquet file[^\n]*$"):
        read(tmp_path / "in.parquet")


def good_tables() -> dict[str, Callable[[Path], None]]:
    rows = [{"image": f"{i}.jpg", "caption": f'"{i}", a\nb é', "n": i / 7} for i in range(60)]
    table = pa.Table.from_pylist(rows)
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    cells = [f'{row["image"]},"""{i}"", a\nb é",{row["n"]}\r\n' for i, row in enumerate(rows)]
    text = ("image,caption,n\n" + "".join(cells)).encode()

    def packed(data: bytes) -> Callable[[Path], None]:
        def write(path: Path) -> None:
            with pa.output_stream(path) as file:
                file.write(data)

        return write

    return {
        ".csv": packed(text),
        ".csv.gz": packed(text),
        ".jsonl": packed(lines),
        ".jsonl.zst": packed(lines),
        ".parquet": lambda path: pq.write_table(table, path, row_group_size=20),
    }


@pytest.mark.parametrize("suffix", list(good_tables()))
def test_a_hundred_mutated_tables(tmp_path: Path, suffix: str) -> None:
    """Rows, or one line that names the file or the columns; never a traceback."""
    path = tmp_path / f"in{suffix}"
    good_tables()[suffix](path)
    good = path.read_bytes()
    assert len(read(path)) == 60
    outcomes = {"rows": 0, "line": 0}
    for seed in range(100):
        dice = random.Random(seed)  # noqa: S311 - test data
        data = bytearray(good)
        for _ in range(dice.randrange(1, 4)):
            at = dice.randrange(len(data))
            cut, put = dice.choice([0, 1, 2, 40]), dice.choice([0, 1, 2, 40])
            data[at : at + cut] = dice.randbytes(put)
        path.write_bytes(bytes(data))
        try:
            read(path)
            outcomes["rows"] += 1
        except PairsiftError as error:
            outcomes["line"] += str(error).count("\n") == 0
    assert sum(outcomes.values()) == 100
