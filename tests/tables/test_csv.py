"""Done when: a thousand generated tables come back, and without our cells they are the input."""

import csv
import io
import random
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pairsift import schema
from pairsift.config import TableConfig
from pairsift.errors import ColumnError, TableFormatError, UsageError
from pairsift.tables.csv import FORMAT, CsvReader
from tests.tables.strip_cells import strip_last_cells

NUM_TABLES = 1000
ADDED = schema.output_schema(is_distance=False, is_cosine=True, details=False)
PIECES = [
    b"007", b"1.50", b" spaced ", b"caf\xc3\xa9", b"\xf0\x9f\x90\x8b", b"x" * 300, b"", b"NULL",
    b"1e5", b"it's", b'a"b', b"\xff\xfe", b"-0", b"\xd9\x82\xd8\xb7\xd8\xa9", b"a\tb", b"tail ",
]  # fmt: skip
ENDS = [b"\n", b"\r\n", b"\r"]


def cell(dice: random.Random, delimiter: bytes) -> bytes:
    raw = dice.choice(PIECES)
    if dice.random() < 0.3:
        inner = raw + dice.choice([b"\n", b"\r\n", b"\r", delimiter, b'"', b"", b"\n\n"]) + raw
        quoted = b'"' + inner.replace(b'"', b'""') + b'"'
        return quoted + (b"after" if dice.random() < 0.1 else b"")
    plain = raw.replace(delimiter, b"_")
    return plain[1:] if plain.startswith(b'"') else plain


def generate(seed: int) -> tuple[bytes, bytes]:
    """Return a table and its delimiter."""
    dice = random.Random(seed)  # noqa: S311 - test data
    delimiter = dice.choice([b",", b";", b"\t", b"|"])
    names = [b"id", b"image", b"caption", b"note"][: dice.choice([3, 4])]
    dice.shuffle(names)
    ends = dice.choice([[dice.choice(ENDS)], ENDS])
    parts = [b"\xef\xbb\xbf"] if dice.random() < 0.2 else []
    parts += [delimiter.join(names), dice.choice(ends)]
    for _ in range(dice.randrange(0, 25)):
        if dice.random() < 0.08:
            parts.append(dice.choice(ends))
            continue
        width = len(names) + (dice.choice([-1, 1]) if dice.random() < 0.08 else 0)
        cells = [cell(dice, delimiter) for _ in range(width)]
        if not any(cells) and width == 1:
            cells = [b"x"]
        parts += [delimiter.join(cells), dice.choice(ends)]
    if dice.random() < 0.3:
        while parts and parts[-1] in ENDS:
            parts.pop()
    return b"".join(parts), delimiter


def enrich(path: Path, *, batch_rows: int) -> tuple[bytes, list[str | None]]:
    reader = FORMAT.open_reader(path, TableConfig())
    out = path.with_name("out.csv")
    problems: list[str | None] = []
    with FORMAT.open_writer(out, reader=reader, added_schema=ADDED, metadata={}) as writer:
        for batch in reader.read_batches(
            image_column="image", caption_column="caption", batch_rows=batch_rows
        ):
            num_rows = batch.pairs.num_rows
            found = batch.pairs.column(schema.PROBLEM).to_pylist()
            assert batch.first_row == len(problems)
            problems += found
            reasons = [f'why, "{index}"\n' if p else None for index, p in enumerate(found)]
            arrays = [
                pa.array([0.25] * num_rows, pa.float32()),
                pa.array(["ok"] * num_rows),
                pa.array(reasons, pa.string()),
            ]
            writer.write(batch, pa.RecordBatch.from_arrays(arrays, schema=ADDED))
    return out.read_bytes(), problems


@pytest.mark.parametrize("block", range(10))
def test_a_thousand_tables_come_back(tmp_path: Path, block: int) -> None:
    size = NUM_TABLES // 10
    for seed in range(block * size, (block + 1) * size):
        data, delimiter = generate(seed)
        (tmp_path / "in.csv").write_bytes(data)
        out, problems = enrich(tmp_path / "in.csv", batch_rows=1 + seed % 7)
        assert strip_last_cells(out, delimiter, len(ADDED)) == data, seed
        assert CsvReader(tmp_path / "in.csv", TableConfig()).count_rows() == len(problems)


def test_the_stripper_notices_a_lost_byte(tmp_path: Path) -> None:
    data, delimiter = generate(3)
    (tmp_path / "in.csv").write_bytes(data)
    out, _ = enrich(tmp_path / "in.csv", batch_rows=4)
    damaged = out.replace(b"007", b"7", 1)
    assert damaged != out
    assert strip_last_cells(damaged, delimiter, len(ADDED)) != data


@pytest.mark.parametrize("seed", range(200))
def test_cells_are_what_the_standard_library_reads(tmp_path: Path, seed: int) -> None:
    data, delimiter = generate(seed)
    (tmp_path / "in.csv").write_bytes(data)
    text = data.decode("latin-1").removeprefix("\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter.decode()))
    header, rows = rows[0], [row for row in rows[1:] if row]
    reader = CsvReader(tmp_path / "in.csv", TableConfig())
    batches = list(
        reader.read_batches(image_column="image", caption_column="caption", batch_rows=1000)
    )
    pairs = [row for batch in batches for row in batch.pairs.to_pylist()]
    assert len(pairs) == len(rows)
    for pair, row in zip(pairs, rows, strict=True):
        if "several lines" in (pair["problem"] or ""):
            # Where a quoted cell over several lines goes on behind its quote, ours is stricter.
            assert any("after" in cell and set(cell) & {"\r", "\n"} for cell in row)
            continue
        if len(row) != len(header):
            assert pair["problem"] == f"{len(row)} cells, the header has {len(header)}"
            continue
        assert pair["problem"] is None
        assert pair["reference"] == row[header.index("image")].encode("latin-1")
        assert pair["caption"] == row[header.index("caption")].encode("latin-1")


def reader_of(path: Path, data: bytes, config: TableConfig | None = None) -> CsvReader:
    path.write_bytes(data)
    return FORMAT.open_reader(path, config or TableConfig())


def pairs_of(reader: CsvReader, **options: Any) -> list[dict[str, Any]]:
    columns: dict[str, Any] = {
        "image_column": "image",
        "caption_column": "caption",
        "batch_rows": 10,
    }
    batches = reader.read_batches(**(columns | options))
    return [row for batch in batches for row in batch.pairs.to_pylist()]


@pytest.mark.parametrize(
    "data", [b"image,caption", b"image,caption\r\n", b"\xef\xbb\xbfimage,caption\n\n"]
)
def test_a_header_alone_is_fine(tmp_path: Path, data: bytes) -> None:
    out, problems = enrich_bytes(tmp_path, data)
    assert problems == []
    assert strip_last_cells(out, b",", len(ADDED)) == data


def enrich_bytes(tmp_path: Path, data: bytes) -> tuple[bytes, list[str | None]]:
    (tmp_path / "in.csv").write_bytes(data)
    return enrich(tmp_path / "in.csv", batch_rows=2)


def test_the_bytes_around_the_cells(tmp_path: Path) -> None:
    data = b'\xef\xbb\xbfimage,caption\r\n\r\n007.jpg, "x" \n\nb.jpg,"two\r\nlines"\rc,\xff,1\r\nd'
    out, problems = enrich_bytes(tmp_path, data)
    mark = b",0.25,ok,"
    names = b"similarity,similarity_status,similarity_error"
    assert out == (
        b"\xef\xbb\xbfimage,caption," + names + b'\r\n\r\n007.jpg, "x" ' + mark
        + b'\n\nb.jpg,"two\r\nlines"' + mark + b"\rc,\xff,1" + mark + b'"why, ""0""\n"\r\nd' + mark
        + b'"why, ""1""\n"'
    )  # fmt: skip
    assert problems == [None, None, "3 cells, the header has 2", "1 cells, the header has 2"]


def test_a_missing_quote_is_no_silent_loss(tmp_path: Path) -> None:
    data = b'image,caption\na.jpg,"never closed\nb.jpg,"fine"\nc.jpg,x\n'
    out, problems = enrich_bytes(tmp_path, data)
    assert [bool(problem) for problem in problems] == [True, False]
    assert strip_last_cells(out, b",", len(ADDED)) == data
    with pytest.raises(TableFormatError, match="line 3: a quote opens and never closes"):
        pairs_of(reader_of(tmp_path / "a.csv", b'image,caption\na,b\nc,"d\ne,f\n'))


def test_a_name_that_promises_another_delimiter(tmp_path: Path) -> None:
    reader = reader_of(tmp_path / "in.csv", b"image,caption\n")
    out = tmp_path / "out.tsv"
    opening = FORMAT.open_writer(out, reader=reader, added_schema=ADDED, metadata={})
    with pytest.raises(UsageError, match=r"\.csv"), opening:
        pytest.fail("opened")


def test_strict_names_the_line(tmp_path: Path) -> None:
    config = TableConfig(strict=True)
    data = b'image,caption\r\n\r\na,"b\nb"\r\nc,d,e\r\n'
    reader = reader_of(tmp_path / "a.csv", data, config)
    with pytest.raises(TableFormatError, match=r"a\.csv, line 5: 3 cells"):
        pairs_of(reader)
    assert len(pairs_of(reader, rows=[0])) == 1


def test_columns_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(ColumnError, match="available: image, caption"):
        pairs_of(reader_of(tmp_path / "a.csv", b"image,caption\n"), image_column="img")


def test_added_names_and_cells_are_quoted_for_the_delimiter(tmp_path: Path) -> None:
    reader = reader_of(tmp_path / "in.tsv", b"image\tcaption\n1\t2\n")
    fields = pa.schema([("a\tb", pa.string()), ("c,d", pa.float32()), ("e", pa.bool_())])
    with FORMAT.open_writer(
        tmp_path / "out.tsv", reader=reader, added_schema=fields, metadata={}
    ) as writer:
        for batch in reader.read_batches(
            image_column="image", caption_column="caption", batch_rows=5
        ):
            cells = [pa.array(['x\ty, "z"']), pa.array([0.1], pa.float32()), pa.array([True])]
            writer.write(batch, pa.RecordBatch.from_arrays(cells, schema=fields))
    assert (tmp_path / "out.tsv").read_bytes() == (
        b'image\tcaption\t"a\tb"\tc,d\te\n1\t2\t"x\ty, ""z"""\t0.1\ttrue\n'
    )


def test_numbers_read_back_as_the_same_float32_and_are_short(tmp_path: Path) -> None:
    dice = np.random.default_rng(0)
    bits = dice.integers(0, 2**32, 3000, dtype=np.uint64).astype(np.uint32).view(np.float32)
    usual = dice.uniform(-1, 1, 3000).astype(np.float32)
    values = np.concatenate(
        [bits[np.isfinite(bits)], usual, np.array([0, -0.0, 1, 0.1, 1e-7], np.float32)]
    )
    reader = reader_of(tmp_path / "in.csv", b"image,caption\n" + b"a,b\n" * len(values))
    fields = pa.schema([("similarity", pa.float32())])
    with FORMAT.open_writer(
        tmp_path / "out.csv", reader=reader, added_schema=fields, metadata={}
    ) as writer:
        for batch in reader.read_batches(
            image_column="image", caption_column="caption", batch_rows=len(values)
        ):
            writer.write(batch, pa.RecordBatch.from_arrays([pa.array(values)], schema=fields))
    cells = [line.rsplit(b",", 1)[1] for line in (tmp_path / "out.csv").read_bytes().split()[1:]]
    again = np.array([float(cell) for cell in cells]).astype(np.float32)
    assert (again.view(np.uint32) == values.view(np.uint32)).all()
    digits = [len(cell.split(b"e")[0].strip(b"-0.").replace(b".", b"")) for cell in cells[-3005:]]
    assert max(digits) <= 9


def test_no_more_than_a_few_chunks_are_held(tmp_path: Path) -> None:
    line = b"image_%07d.jpg," + b"a long caption " * 40 + b"\n"
    with (tmp_path / "in.csv").open("wb") as file:
        file.write(b"image,caption\n")
        file.writelines(line % index for index in range(25_000))
    reader = FORMAT.open_reader(tmp_path / "in.csv", TableConfig())
    batches = reader.read_batches(image_column="image", caption_column="caption", batch_rows=500)
    tracemalloc.start()
    num_rows = sum(batch.pairs.num_rows for batch in batches)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert num_rows == 25_000
    assert peak < 5_000_000  # of a file of 15 million bytes


def test_a_plan_needs_no_more_of_the_file_than_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes(b"image,caption\n" + b"a.jpg,x\n" * 200_000 + b'b.jpg,"never closed')
    spans = CsvReader(path, TableConfig()).plan(1000)
    assert next(spans).num_rows == 1000
    with pytest.raises(TableFormatError, match="line 200002: a quote"):
        list(spans)


@pytest.mark.parametrize("block", range(4))
def test_spans_of_generated_tables(tmp_path: Path, block: int) -> None:
    for seed in range(5000 + block * 50, 5000 + (block + 1) * 50):
        data, _ = generate(seed)
        (tmp_path / "in.csv").write_bytes(data)
        reader = CsvReader(tmp_path / "in.csv", TableConfig())
        names: dict[str, Any] = {"image_column": "image", "caption_column": "caption"}
        whole = [batch.pairs.to_pylist() for batch in reader.read_batches(**names, batch_rows=1)]
        for shard_rows in (1, 2, 5):
            spans = list(reader.plan(shard_rows))
            parts = [list(reader.read_batches(**names, batch_rows=1, span=s)) for s in spans]
            assert [batch.pairs.to_pylist() for part in parts for batch in part] == whole


def test_a_span_names_the_line_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_bytes(b'\r\nimage,caption\r\n\r\na,"x\ny"\rb,y\n\nc,z,w\nd,v\n')
    reader = CsvReader(path, TableConfig(strict=True))
    names: dict[str, Any] = {"image_column": "image", "caption_column": "caption"}
    spans = list(reader.plan(1))
    assert len(spans) == 4
    list(reader.read_batches(**names, batch_rows=1, span=spans[1]))
    with pytest.raises(TableFormatError, match=r"in\.csv, line 8: 3 cells"):
        list(reader.read_batches(**names, batch_rows=1, span=spans[2]))
