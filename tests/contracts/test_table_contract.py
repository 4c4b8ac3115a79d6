"""What every table format promises, put to each through the same cases.

Faults on purpose must not pass: readers that swap rows or lose the last ones, and plans that leave
out rows or point beside them.
"""

import json
import pickle
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pytest

from pairsift import schema
from pairsift.config import TableConfig
from pairsift.errors import TableFormatError
from pairsift.protocols import Span, TableBatch, TableFormat, TableReader, TableWriter
from pairsift.tables import csv, folder, jsonl, parquet, webdataset
from pairsift.tables.formats import batch_to_arrow

ADDED = schema.output_schema(is_distance=True, is_cosine=False, details=True)
NUM_ROWS = 23


def content() -> pa.Table:
    return pa.table(
        {
            "id": [f"{i:03d}" for i in range(NUM_ROWS)],
            "words": [f'a "{i}", with ümlauts\nand lines' for i in range(NUM_ROWS)],
            "picture": [f"images/{i}.jpg" for i in range(NUM_ROWS)],
        }
    )


def write_csv(path: Path, table: pa.Table) -> None:
    with pa.output_stream(path) as file:
        arrow_csv.write_csv(table, file)


def read_csv(path: Path) -> pa.Table:
    names = content().column_names
    options = arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()))
    parse = arrow_csv.ParseOptions(newlines_in_values=True)
    return arrow_csv.read_csv(path, convert_options=options, parse_options=parse)


def write_jsonl(path: Path, table: pa.Table) -> None:
    with pa.output_stream(path) as file:
        for row in table.to_pylist():
            file.write(json.dumps(row).encode() + b"\n")


def read_jsonl(path: Path) -> pa.Table:
    with pa.input_stream(path) as file:
        rows = [json.loads(line) for line in file.read().decode().splitlines()]
    names = list(rows[0]) if rows else []
    return pa.table({name: [row[name] for row in rows] for name in names})


def write_parquet(path: Path, table: pa.Table) -> None:
    pq.write_table(table, path, row_group_size=6)


def write_tar(path: Path, table: pa.Table) -> None:
    with pa.output_stream(path) as file, tarfile.open(fileobj=file, mode="w|") as archive:
        for row in table.to_pylist():
            for extension, name in (("jpg", "picture"), ("txt", "words")):
                data = row[name].encode()
                member = tarfile.TarInfo(f"{row['id']}.{extension}")
                member.size = len(data)
                archive.addfile(member, BytesIO(data))


def read_tar(path: Path) -> pa.Table:
    rows: list[dict[str, Any]] = []
    with pa.input_stream(path) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            key, _, extension = member.name.partition(".")
            file = archive.extractfile(member)
            assert file is not None
            data = file.read().decode()
            if extension == "jpg":
                rows.append({"id": key, "picture": data})
            elif extension == "txt":
                rows[-1]["words"] = data
            else:
                assert extension == "similarity.json"
                rows[-1] |= json.loads(data)
    names = [*content().column_names, *ADDED.names] if rows else []
    return pa.table({name: [row[name] for row in rows] for name in names})


def write_folder(path: Path, table: pa.Table) -> None:
    path.mkdir(exist_ok=True)
    for row in table.to_pylist():
        (path / f"{row['id']}.jpg").write_bytes(b"")
        (path / f"{row['id']}.txt").write_text(row["words"], encoding="utf-8")


@dataclass(frozen=True)
class Case:
    suffix: str
    table_format: TableFormat
    write: Callable[[Path, pa.Table], None]
    read: Callable[[Path], pa.Table]
    has_header: bool = True
    columns: tuple[str, ...] = ("id", "words", "picture")
    image: str = "picture"
    caption: str = "words"
    image_cell: str = "reference"

    @property
    def names(self) -> dict[str, Any]:
        return {"image_column": self.image, "caption_column": self.caption}


CASES = [
    Case(".csv", csv.FORMAT, write_csv, read_csv),
    Case(".csv.gz", csv.FORMAT, write_csv, read_csv),
    Case(".csv.zst", csv.FORMAT, write_csv, read_csv),
    Case(".jsonl", jsonl.FORMAT, write_jsonl, read_jsonl, has_header=False),
    Case(".ndjson.gz", jsonl.FORMAT, write_jsonl, read_jsonl, has_header=False),
    Case(".jsonl.zst", jsonl.FORMAT, write_jsonl, read_jsonl, has_header=False),
    Case(".parquet", parquet.FORMAT, write_parquet, pq.read_table),
    *(
        Case(
            suffix,
            webdataset.FORMAT,
            write_tar,
            read_tar,
            has_header=False,
            columns=("key", "image", "caption", "json"),
            image="image",
            caption="caption",
            image_cell="content",
        )
        for suffix in (".tar", ".tar.gz", ".tar.zst")
    ),
]
FOLDER = Case(
    "",
    folder.FORMAT,
    write_folder,
    pq.read_table,
    columns=("image", "caption"),
    image="image",
    caption="caption",
)


@pytest.fixture(params=CASES, ids=lambda case: case.suffix[1:])
def case(request: pytest.FixtureRequest) -> Case:
    """Every format that is read and written."""
    found: Case = request.param
    return found


@pytest.fixture(params=[*CASES, FOLDER], ids=lambda case: case.suffix[1:] or "folder")
def readable(request: pytest.FixtureRequest) -> Case:
    """Every format that is read."""
    found: Case = request.param
    return found


def opened(case: Case, home: Path, table: pa.Table | None = None) -> TableReader:
    path = home / f"in{case.suffix}"
    case.write(path, content() if table is None else table)
    return case.table_format.open_reader(path, TableConfig())


def added_rows(begin: int, count: int) -> pa.RecordBatch:
    """Return cells that say which row of the job they belong to."""
    rows = range(begin, begin + count)
    values: dict[str, list[Any]] = {field.name: [None] * count for field in ADDED}
    values[schema.SIMILARITY] = [row / 7 for row in rows]
    values[schema.DISTANCE] = [1e-9 * row for row in rows]
    values[schema.STATUS] = ["ok" if row % 2 else "image_not_found" for row in rows]
    values[schema.ERROR] = [f'why "{row}",\r\nreally' if row % 3 else None for row in rows]
    values[schema.IMAGE_WIDTH] = list(rows)
    values[schema.CAPTION_TRUNCATED] = [row % 2 == 0 for row in rows]
    arrays = [pa.array(values[field.name], field.type) for field in ADDED]
    return pa.RecordBatch.from_arrays(arrays, schema=ADDED)


def enrich(
    case: Case, home: Path, *, batch_rows: int, rows: Sequence[int] | None = None
) -> pa.Table:
    reader = opened(case, home)
    out = home / f"out{case.suffix}"
    out.unlink(missing_ok=True)
    done = 0
    with case.table_format.open_writer(
        out, reader=reader, added_schema=ADDED, metadata={"model": "none"}
    ) as writer:
        for batch in reader.read_batches(**case.names, batch_rows=batch_rows, rows=rows):
            assert not out.exists()
            count = batch.pairs.num_rows
            writer.write(batch, added_rows(done, count))
            done += count
    return case.read(out)


def check_round_trip(case: Case, home: Path) -> None:
    for batch_rows in (1, 7, 100):
        table = enrich(case, home, batch_rows=batch_rows)
        before = content()
        assert table.column_names == [*before.column_names, *ADDED.names]
        assert table.select(before.column_names).to_pydict() == before.to_pydict()
        expected = added_rows(0, NUM_ROWS)
        read = table.column(schema.SIMILARITY).cast(pa.float32())
        assert read.to_pylist() == expected.column(schema.SIMILARITY).to_pylist()
        read = table.column(schema.DISTANCE).cast(pa.float32())
        assert read.to_pylist() == expected.column(schema.DISTANCE).to_pylist()
        for name in (schema.STATUS, schema.IMAGE_WIDTH, schema.CAPTION_TRUNCATED):
            assert table.column(name).to_pylist() == expected.column(name).to_pylist()
        reasons = [why or None for why in table.column(schema.ERROR).to_pylist()]
        assert reasons == expected.column(schema.ERROR).to_pylist()


def test_what_goes_in_comes_out_with_the_added_columns(case: Case, tmp_path: Path) -> None:
    check_round_trip(case, tmp_path)


@pytest.mark.parametrize("batch_rows", [1, 5, NUM_ROWS, 100])
def test_batches(readable: Case, tmp_path: Path, batch_rows: int) -> None:
    reader = opened(readable, tmp_path)
    assert reader.column_names == readable.columns
    assert reader.arrow_schema().names == list(readable.columns)
    assert reader.path == tmp_path / f"in{readable.suffix}"
    assert reader.image_root == (tmp_path if readable.suffix else reader.path)
    assert reader.count_rows() == NUM_ROWS
    batches = list(reader.read_batches(**readable.names, batch_rows=batch_rows))
    assert [batch.first_row for batch in batches] == list(range(0, NUM_ROWS, batch_rows))
    pairs = pa.Table.from_batches([batch.pairs for batch in batches], schema.PAIR_SCHEMA)
    pictures = content().column("picture" if readable.suffix else "id").to_pylist()
    expected = [(name if readable.suffix else f"{name}.jpg").encode() for name in pictures]
    assert pairs.column(readable.image_cell).to_pylist() == expected
    assert pairs.column("caption").to_pylist() == [
        text.encode() for text in content().column("words").to_pylist()
    ]
    other = {"reference": "content", "content": "reference"}[readable.image_cell]
    assert pairs.column(other).null_count == pairs.column("problem").null_count == NUM_ROWS


def test_reading_again_starts_again(readable: Case, tmp_path: Path) -> None:
    reader = opened(readable, tmp_path)
    half = reader.read_batches(**readable.names, batch_rows=5)
    next(half)
    again = [batch.first_row for batch in reader.read_batches(**readable.names, batch_rows=5)]
    assert again == [0, 5, 10, 15, 20]
    assert [batch.first_row for batch in half] == [5, 10, 15, 20]


@pytest.mark.parametrize("rows", [[], [0], [22], [3, 4, 5, 11, 22], [20, 21, 22, 23, 99]])
def test_some_rows(case: Case, tmp_path: Path, rows: list[int]) -> None:
    table = enrich(case, tmp_path, batch_rows=2, rows=rows)
    wanted = [row for row in rows if row < NUM_ROWS]
    if wanted or case.has_header:
        assert table.column("id").to_pylist() == [f"{row:03d}" for row in wanted]
    batches = list(opened(case, tmp_path).read_batches(**case.names, batch_rows=2, rows=rows))
    sizes = [batch.pairs.num_rows for batch in batches]
    assert all(0 < size <= 2 for size in sizes)
    assert [batch.first_row for batch in batches] == [
        wanted[sum(sizes[:index])] for index in range(len(sizes))
    ]


def test_a_range_is_as_good_as_a_list(readable: Case, tmp_path: Path) -> None:
    batches = opened(readable, tmp_path).read_batches(
        **readable.names, batch_rows=100, rows=range(4)
    )
    assert [batch.pairs.num_rows for batch in batches] == [4]


def rows_of(
    case: Case, reader: TableReader, *, batch_rows: int, span: Span | None = None
) -> list[tuple[Any, ...]]:
    """Return each row's ordinal, pair and columns."""
    found: list[tuple[Any, ...]] = []
    for batch in reader.read_batches(**case.names, batch_rows=batch_rows, span=span):
        rows = zip(batch.pairs.to_pylist(), batch_to_arrow(reader, batch).to_pylist(), strict=True)
        found += [(batch.first_row + place, *row) for place, row in enumerate(rows)]
    return found


def check_spans(case: Case, home: Path) -> None:
    reader = opened(case, home)
    whole = rows_of(case, reader, batch_rows=5)
    for shard_rows in (1, 2, 3, 7, 10, NUM_ROWS - 1, NUM_ROWS, 1000):
        spans = list(reader.plan(shard_rows))
        assert all(0 < span.num_rows <= shard_rows for span in spans)
        covered = [range(s.first_row, s.first_row + s.num_rows) for s in spans]
        assert [row for rows in covered for row in rows] == list(range(NUM_ROWS))
        for batch_rows in (1, 4, 100):
            # Backwards and by another reader: a span needs nothing that was read before it.
            parts = [
                rows_of(case, opened(case, home), batch_rows=batch_rows, span=s)
                for s in spans[::-1]
            ]
            assert [row for part in parts[::-1] for row in part] == whole


def test_span_by_span_is_the_whole(readable: Case, tmp_path: Path) -> None:
    check_spans(readable, tmp_path)


def test_the_plan_is_the_same_again(readable: Case, tmp_path: Path) -> None:
    reader = opened(readable, tmp_path)
    assert list(reader.plan(4)) == list(opened(readable, tmp_path).plan(4))
    assert next(reader.plan(4)) == next(reader.plan(4))


@pytest.mark.parametrize("rows", [[], [0], [9, 11, 12, 22], range(3, 12), [50], range(0)])
def test_rows_of_a_span_are_those_of_both(
    readable: Case, tmp_path: Path, rows: Sequence[int]
) -> None:
    reader = opened(readable, tmp_path)
    for span in reader.plan(5):
        batches = reader.read_batches(**readable.names, batch_rows=2, rows=rows, span=span)
        inside = [row for row in rows if 0 <= row - span.first_row < span.num_rows]
        ordinals: list[int] = []
        for batch in batches:
            ordinals += inside[len(ordinals) : len(ordinals) + batch.pairs.num_rows]
            assert batch.first_row in ordinals
        assert ordinals == inside


@pytest.mark.parametrize("rows", [None, range(9, 1 << 60), [0, 9, 20, 22, 90]])
def test_a_span_may_be_open_at_its_end(
    readable: Case, tmp_path: Path, rows: Sequence[int] | None
) -> None:
    reader = opened(readable, tmp_path)
    for span in reader.plan(5):
        batches = reader.read_batches(
            **readable.names, batch_rows=4, rows=rows, span=replace(span, num_rows=1 << 60)
        )
        behind = range(span.first_row, NUM_ROWS)
        wanted = [row for row in behind if rows is None or row in rows]
        assert sum(batch.pairs.num_rows for batch in batches) == len(wanted)


def test_the_spans_of_no_rows(case: Case, tmp_path: Path) -> None:
    assert list(opened(case, tmp_path, content().slice(0, 0)).plan(5)) == []


def test_no_rows(case: Case, tmp_path: Path) -> None:
    reader = opened(case, tmp_path, content().slice(0, 0))
    assert reader.count_rows() == 0
    out = tmp_path / f"out{case.suffix}"
    with case.table_format.open_writer(out, reader=reader, added_schema=ADDED, metadata={}):
        assert list(reader.read_batches(**case.names, batch_rows=5)) == []
    if case.has_header:
        assert case.read(out).column_names[-len(ADDED) :] == ADDED.names


def test_an_output_that_fails_is_not_there(case: Case, tmp_path: Path) -> None:
    reader = opened(case, tmp_path)
    before = set(tmp_path.iterdir())
    out = tmp_path / f"out{case.suffix}"
    writer = case.table_format.open_writer(out, reader=reader, added_schema=ADDED, metadata={})
    with pytest.raises(KeyboardInterrupt):
        interrupt(writer, reader, case)
    assert set(tmp_path.iterdir()) == before


def interrupt(
    opening: AbstractContextManager[TableWriter], reader: TableReader, case: Case
) -> None:
    with opening as writer:
        batch = next(reader.read_batches(**case.names, batch_rows=5))
        writer.write(batch, added_rows(0, 5))
        raise KeyboardInterrupt


def test_the_rows_of_another_format_are_refused(case: Case, tmp_path: Path) -> None:
    reader = opened(case, tmp_path)
    out = tmp_path / f"out{case.suffix}"
    batch = next(reader.read_batches(**case.names, batch_rows=5))
    opening = case.table_format.open_writer(out, reader=reader, added_schema=ADDED, metadata={})
    with pytest.raises(TypeError), opening as writer:
        writer.write(replace(batch, payload="something else"), added_rows(0, 5))


def test_the_next_file_of_a_set_goes_on(case: Case, tmp_path: Path) -> None:
    """The first file's last line has no end, as many tools write it."""
    readers = []
    for name in ("one", "two"):
        path = tmp_path / f"{name}{case.suffix}"
        case.write(path, content())
        if case.suffix in (".csv", ".jsonl"):
            path.write_bytes(path.read_bytes().rstrip(b"\n"))
        readers.append(case.table_format.open_reader(path, TableConfig()))
    out = tmp_path / f"out{case.suffix}"
    with case.table_format.open_writer(
        out, reader=readers[0], added_schema=ADDED, metadata={}
    ) as writer:
        for reader in readers:
            for batch in reader.read_batches(**case.names, batch_rows=10):
                writer.write(batch, added_rows(batch.first_row, batch.pairs.num_rows))
    assert case.read(out).column("words").to_pylist() == content()["words"].to_pylist() * 2


def test_reader_without_its_open_files(readable: Case, tmp_path: Path) -> None:
    reader = opened(readable, tmp_path)
    first, second, *_ = reader.plan(5)
    whole = (
        rows_of(readable, reader, batch_rows=100, span=first),
        rows_of(readable, reader, batch_rows=5, span=second),
    )
    again = pickle.loads(pickle.dumps(reader))  # noqa: S301 - our own bytes
    assert rows_of(readable, again, batch_rows=9, span=first) == whole[0]
    assert rows_of(readable, again, batch_rows=9, span=second) == whole[1]


def turned(payload: Any) -> Any:
    """Return a payload with its rows in the other order."""
    if isinstance(payload, pa.RecordBatch):
        return payload.take(pa.array(range(len(payload))[::-1]))
    lists = {name: value for name, value in vars(payload).items() if isinstance(value, list)}
    return replace(payload, **{name: value[::-1] for name, value in lists.items()})


def swap(batches: Iterator[TableBatch]) -> Iterator[TableBatch]:
    for batch in batches:
        yield replace(batch, payload=turned(batch.payload))


def lose(batches: Iterator[TableBatch]) -> Iterator[TableBatch]:
    held = list(batches)
    yield from held[:-1]


@pytest.mark.parametrize("fault", [swap, lose])
def test_a_faulty_reader_is_noticed(
    case: Case,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: Callable[[Iterator[TableBatch]], Iterator[TableBatch]],
) -> None:
    kind: Any = type(opened(case, tmp_path))
    read = kind.read_batches
    monkeypatch.setattr(kind, "read_batches", lambda self, **options: fault(read(self, **options)))
    with pytest.raises(AssertionError):
        check_round_trip(case, tmp_path)


def skip_one(spans: Iterator[Span]) -> Iterator[Span]:
    next(spans)
    yield from spans


def go_elsewhere(spans: Iterator[Span]) -> Iterator[Span]:
    for span in spans:
        yield replace(span, position=span.position + 1)


@pytest.mark.parametrize("fault", [skip_one, go_elsewhere])
def test_a_faulty_plan_is_noticed(
    readable: Case,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: Callable[[Iterator[Span]], Iterator[Span]],
) -> None:
    kind: Any = type(opened(readable, tmp_path))
    if fault is go_elsewhere and readable.suffix in ("", ".parquet"):
        pytest.skip("finds its rows by their ordinals")
    plan = kind.plan
    monkeypatch.setattr(kind, "plan", lambda self, size: fault(plan(self, size)))
    with pytest.raises((AssertionError, TableFormatError)):
        check_spans(readable, tmp_path)
