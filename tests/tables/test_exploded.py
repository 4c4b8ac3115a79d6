import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pairsift import schema
from pairsift.config import TableConfig
from pairsift.errors import TableFormatError, UsageError
from pairsift.protocols import Span, TableReader
from pairsift.tables.enriched import open_enriched
from pairsift.tables.formats import open_table
from pairsift.tables.parquet import FORMAT

ADDED = schema.output_schema(is_distance=False, is_cosine=True, details=False)
NAMES: dict[str, Any] = {"image_column": "image", "caption_column": "captions"}
ROWS = [
    {"image": "0.jpg", "captions": ["a", "b", "c"], "id": 0},
    {"image": "1.jpg", "captions": [], "id": 1},
    {"image": "2.jpg", "captions": None, "id": 2},
    {"image": "3.jpg", "captions": ["d", None], "id": 3},
    {"image": "4.jpg", "captions": ["e"], "id": 4},
]
FLAT = [
    ("0.jpg", "a"), ("0.jpg", "b"), ("0.jpg", "c"), ("1.jpg", None), ("2.jpg", None),
    ("3.jpg", "d"), ("3.jpg", None), ("4.jpg", "e"),
]  # fmt: skip


def config(how: Any = "rows") -> TableConfig:
    return TableConfig(caption_column="captions", caption_list=how)


def write(folder: Path, suffix: str) -> Path:
    path = folder / f"in.{suffix}"
    if suffix == "parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), path, row_group_size=2)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


def read(reader: TableReader, **options: Any) -> list[tuple[Any, ...]]:
    """Return ordinal, image and caption of every pair."""
    found = []
    for batch in reader.read_batches(**NAMES, **{"batch_rows": 4, **options}):
        for place, pair in enumerate(batch.pairs.to_pylist()):
            texts = [pair[name] and pair[name].decode() for name in ("reference", "caption")]
            found.append((batch.first_row + place, *texts))
    return found


@pytest.fixture(params=["parquet", "jsonl"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return write(tmp_path, request.param)


def test_a_row_for_each_caption(path: Path) -> None:
    reader = open_table(path, config())
    assert reader.count_rows() == len(FLAT)
    for batch_rows in (1, 4, 100):
        found = read(reader, batch_rows=batch_rows)
        assert found == [(ordinal, *pair) for ordinal, pair in enumerate(FLAT)]
    columns: list[Any] = []
    for batch in reader.read_batches(**NAMES, batch_rows=100):
        columns += reader.to_arrow(batch).to_pylist()
    assert [(row["image"], row["captions"]) for row in columns] == FLAT
    assert [row["id"] for row in columns] == [0, 0, 0, 1, 2, 3, 3, 4]


@pytest.mark.parametrize("shard_rows", [1, 2, 3, 4, 100])
def test_spans_keep_rows_together(path: Path, shard_rows: int) -> None:
    reader = open_table(path, config())
    spans = list(reader.plan(shard_rows))
    assert sum(span.num_rows for span in spans) == len(FLAT)
    assert all(span.num_rows <= max(shard_rows, 3) for span in spans)
    whole = read(reader)
    assert [row for span in spans for row in read(reader, span=span)] == whole
    for span in spans:
        behind = Span(span.first_row, 1 << 60, span.position)
        assert read(open_table(path, config()), span=behind) == whole[span.first_row :]


@pytest.mark.parametrize("rows", [[], [1], [0, 2, 6, 7], range(2, 6), [90]])
def test_some_captions(path: Path, rows: Any) -> None:
    reader = open_table(path, config())
    found = [pair[1:] for pair in read(reader, rows=rows)]
    assert found == [FLAT[row] for row in rows if row < len(FLAT)]


def enrich(path: Path, out: Path, how: str, rows: list[int] | None = None) -> None:
    """Give every caption its ordinal as a similarity, and none to null captions."""
    reader = open_table(path, config(how))
    ordinals = iter(range(len(FLAT)) if rows is None else rows)
    with open_enriched(
        out, [reader], image_column="image", added_schema=ADDED, metadata={}
    ) as writer:
        for batch in reader.read_batches(**NAMES, batch_rows=8, rows=rows):
            texts = batch.pairs.column("caption").to_pylist()
            values = [place if text else None for text, place in zip(texts, ordinals, strict=False)]
            cells = [pa.array(values, pa.float32())]
            cells += [pa.array(["ok" if t else "caption_null" for t in texts])]
            cells += [pa.nulls(len(texts), pa.string())]
            writer.write(batch, pa.RecordBatch.from_arrays(cells, schema=ADDED))


def test_best_and_mean_keep_the_table(path: Path) -> None:
    expected = {"best": [2.0, None, None, 5.0, 7.0], "mean": [1.0, None, None, 5.0, 7.0]}
    for how, values in expected.items():
        out = path.with_name(f"out{path.suffix}")
        enrich(path, out, how)
        if path.suffix == ".parquet":
            found = pq.read_table(out)
            assert found.select(["image", "captions", "id"]).equals(pq.read_table(path))
            assert found.column("similarity").to_pylist() == values
        else:
            lines = out.read_bytes().split(b"\n")
            assert [line and json.loads(line)["similarity"] for line in lines] == [*values, b""]
            before = path.read_bytes().split(b"\n")
            assert all(a.startswith(b[:-1]) for a, b in zip(lines, before, strict=True))


def test_rows_are_written_anew(path: Path) -> None:
    enrich(path, path.with_name("out.jsonl"), "rows")
    lines = path.with_name("out.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    assert [(row["image"], row["captions"]) for row in found] == FLAT
    assert [row["similarity"] for row in found] == [0, 1, 2, None, None, 5, None, 7]


def test_the_best_of_some(path: Path) -> None:
    enrich(path, path.with_name("out.parquet"), "best", rows=[0, 1, 7])
    found = pq.read_table(path.with_name("out.parquet"))
    assert found.column("id").to_pylist() == [0, 4]
    assert found.column("similarity").to_pylist() == [1.0, 7.0]


def test_without_the_option(tmp_path: Path) -> None:
    reader = FORMAT.open_reader(write(tmp_path, "parquet"), TableConfig())
    with pytest.raises(TableFormatError, match=r"holds lists \(hint: --caption-list rows, best"):
        list(reader.read_batches(**NAMES, batch_rows=9))
    lines = open_table(write(tmp_path, "jsonl"), TableConfig())
    (batch,) = lines.read_batches(**NAMES, batch_rows=9)
    problems = batch.pairs.column("problem").to_pylist()
    assert problems[0] == 'captions is no text but an array: ["a", "b", "c"] (hint: --caption-list)'
    assert problems[2] is None


def test_text_formats_have_no_lists(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"image,captions\n")
    with pytest.raises(UsageError, match="--caption-list is for JSON, Parquet and tars"):
        open_table(tmp_path / "a.csv", config())


def test_a_list_with_something_else_in_it(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b'{"image": "a", "captions": ["x", 5]}\n{"image": "b", "captions": "y"}\n')
    reader = open_table(path, config())
    assert reader.count_rows() == 2
    (batch,) = reader.read_batches(**NAMES, batch_rows=100)
    assert batch.pairs.column("problem").to_pylist() == ["captions is no text but int: 5", None]
