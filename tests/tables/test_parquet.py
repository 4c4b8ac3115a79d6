import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pairsift import schema
from pairsift.config import TableConfig
from pairsift.errors import ColumnError, TableFormatError
from pairsift.tables import parquet
from pairsift.tables.parquet import FORMAT

ADDED = schema.output_schema(is_distance=False, is_cosine=True, details=False)
NAMES: dict[str, Any] = {"image_column": "image", "caption_column": "caption"}


def enrich(path: Path, *, batch_rows: int = 7, rows: list[int] | None = None) -> pa.Table:
    """Write the table again with a similarity that says which row of the job it belongs to."""
    out = path.with_name("out.parquet")
    reader = FORMAT.open_reader(path, TableConfig())
    with FORMAT.open_writer(
        out, reader=reader, added_schema=ADDED, metadata={"model": "fake"}
    ) as writer:
        done = 0
        for batch in reader.read_batches(**NAMES, batch_rows=batch_rows, rows=rows):
            count = batch.pairs.num_rows
            assert 0 < count <= batch_rows
            assert batch.first_row == (done if rows is None else rows[done])
            added = [
                pa.array(np.arange(done, done + count), pa.float32()),
                pa.array(["ok"] * count),
                pa.nulls(count, pa.string()),
            ]
            writer.write(batch, pa.RecordBatch.from_arrays(added, schema=ADDED))
            done += count
    return pq.read_table(out)


def many_types(num_rows: int) -> pa.Table:
    text = [f"caption {i}" if i % 5 else None for i in range(num_rows)]
    day = dt.datetime(2020, 1, 2, 3, 4, 5, 678901, tzinfo=dt.UTC)
    columns: dict[str, pa.Array] = {
        "image": pa.array([f"{i}.jpg" for i in range(num_rows)]),
        "caption": pa.array(text),
        "small": pa.array([i % 100 for i in range(num_rows)], pa.int8()),
        "unsigned": pa.array(range(num_rows), pa.uint64()),
        "half": pa.array(np.arange(num_rows, dtype=np.float16)),
        "time": pa.array([day] * num_rows, pa.timestamp("us", "Europe/Paris")),
        "money": pa.array([Decimal("1.20")] * num_rows, pa.decimal128(9, 2)),
        "labels": pa.array([["a", None], [], None][i % 3] for i in range(num_rows)),
        "deep": pa.array([{"x": i, "y": [{"z": "q"}]} for i in range(num_rows)]),
        "words": pa.array([f"w{i % 3}" for i in range(num_rows)]).dictionary_encode(),
        "large": pa.array(text, pa.large_string()),
        "nothing": pa.nulls(num_rows),
        "flag": pa.array([None, True, False][i % 3] for i in range(num_rows)),
    }
    table = pa.table(columns, metadata={"huggingface": '{"info": 1}', b"\xff": b"\x00"})
    field = table.schema.field("small").with_metadata({"unit": "none"})
    return table.cast(table.schema.set(table.schema.get_field_index("small"), field))


@pytest.mark.parametrize("group_rows", [1, 10, 1000])
def test_types_values_and_metadata_stay(tmp_path: Path, group_rows: int) -> None:
    table = many_types(53)
    pq.write_table(table, tmp_path / "in.parquet", row_group_size=group_rows)
    before = pq.read_table(tmp_path / "in.parquet")
    out = enrich(tmp_path / "in.parquet")
    assert out.num_rows == 53
    assert out.select(before.column_names).equals(before)
    for name in before.column_names:
        assert out.schema.field(name).equals(before.schema.field(name), check_metadata=True)
    assert out.column_names == [*before.column_names, *ADDED.names]
    assert out.column("similarity").to_pylist() == list(range(53))
    kept = dict(out.schema.metadata)
    assert json.loads(kept.pop(b"pairsift")) == {"model": "fake"}
    assert kept == before.schema.metadata


@pytest.mark.parametrize("codec", ["none", "snappy", "zstd", "gzip", "brotli", "lz4"])
def test_the_codec_stays(tmp_path: Path, codec: str) -> None:
    pq.write_table(many_types(9), tmp_path / "in.parquet", compression=codec)
    enrich(tmp_path / "in.parquet")
    codecs = [
        pq.ParquetFile(tmp_path / name).metadata.row_group(0).column(0).compression
        for name in ("in.parquet", "out.parquet")
    ]
    assert codecs[0] == codecs[1]


def test_a_frame_of_pandas_reads_back(tmp_path: Path) -> None:
    frame = pd.DataFrame({"image": ["a", "b"], "caption": ["x", "y"]}, index=["first", "second"])
    frame.to_parquet(tmp_path / "in.parquet")
    enrich(tmp_path / "in.parquet")
    out = pd.read_parquet(tmp_path / "out.parquet")
    assert list(out.index) == ["first", "second"]
    assert list(out.columns) == ["image", "caption", *ADDED.names]


@pytest.mark.parametrize(
    "rows", [[], [0], [4, 5, 6], [0, 9, 10, 11, 52], list(range(53)), [52, 60]]
)
@pytest.mark.parametrize("batch_rows", [1, 4, 100])
def test_some_rows(tmp_path: Path, rows: list[int], batch_rows: int) -> None:
    pq.write_table(many_types(53), tmp_path / "in.parquet", row_group_size=10)
    before = pq.read_table(tmp_path / "in.parquet")
    out = enrich(tmp_path / "in.parquet", batch_rows=batch_rows, rows=rows)
    wanted = [row for row in rows if row < 53]
    assert out.select(before.column_names).equals(before.take(pa.array(wanted, pa.int64())))


def test_a_sparse_choice_comes_in_full_batches(tmp_path: Path) -> None:
    pq.write_table(many_types(500), tmp_path / "in.parquet", row_group_size=100)
    reader = FORMAT.open_reader(tmp_path / "in.parquet", TableConfig())
    batches = reader.read_batches(**NAMES, batch_rows=8, rows=range(0, 500, 20))
    assert [batch.pairs.num_rows for batch in batches] == [8, 8, 8, 1]


def test_no_rows(tmp_path: Path) -> None:
    pq.write_table(many_types(0), tmp_path / "in.parquet")
    assert FORMAT.open_reader(tmp_path / "in.parquet", TableConfig()).count_rows() == 0
    out = enrich(tmp_path / "in.parquet")
    assert out.num_rows == 0
    assert out.column_names[-3:] == ADDED.names


def test_images_in_the_table_bound_the_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = [bytes([i]) * 10_000 for i in range(40)]
    table = pa.table({"image": pa.array(images, pa.binary()), "caption": ["x"] * 40})
    pq.write_table(table, tmp_path / "in.parquet", compression="none", use_dictionary=False)
    monkeypatch.setattr(parquet, "BATCH_BYTES", 50_000)
    reader = FORMAT.open_reader(tmp_path / "in.parquet", TableConfig())
    batches = list(reader.read_batches(**NAMES, batch_rows=40))
    assert max(batch.pairs.num_rows for batch in batches) <= 5
    assert [i for b in batches for i in b.pairs.column("content").to_pylist()] == images


def test_a_large_row_group_is_streamed(tmp_path: Path) -> None:
    dice = np.random.default_rng(0)
    table = pa.table({"image": [dice.bytes(20_000) for _ in range(2000)], "caption": ["x"] * 2000})
    options: dict[str, Any] = {"compression": "none", "use_dictionary": False}
    # The page is what a reader holds, and the writer ends one only after this many rows.
    pq.write_table(table, tmp_path / "in.parquet", write_batch_size=50, **options)
    del table
    before = pa.total_allocated_bytes()
    reader = FORMAT.open_reader(tmp_path / "in.parquet", TableConfig())
    batches = reader.read_batches(batch_rows=50, **NAMES)
    held = [pa.total_allocated_bytes() - before for _ in batches]
    assert max(held) < 8_000_000  # of 40 million in one row group


def test_row_groups_of_the_output_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "ROW_GROUP_ROWS", 20)
    pq.write_table(many_types(53), tmp_path / "in.parquet")
    enrich(tmp_path / "in.parquet")
    metadata = pq.ParquetFile(tmp_path / "out.parquet").metadata
    sizes = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
    assert sizes == [21, 21, 11]


def damaged(data: bytes) -> dict[str, bytes]:
    return {
        "empty": b"",
        "text": b"image,caption\n",
        "cut": data[: len(data) // 2],
        "footer": data[:-40] + b"\xff" * 20 + data[-20:],
        "magic": data[:-4] + b"PAR2",
    }


@pytest.mark.parametrize("what", ["empty", "text", "cut", "footer", "magic"])
def test_what_is_no_parquet(tmp_path: Path, what: str) -> None:
    pq.write_table(many_types(9), tmp_path / "good.parquet")
    data = damaged((tmp_path / "good.parquet").read_bytes())[what]
    (tmp_path / "in.parquet").write_bytes(data)
    with pytest.raises(TableFormatError, match=r"in\.parquet"):
        FORMAT.open_reader(tmp_path / "in.parquet", TableConfig())


def test_damage_behind_the_footer(tmp_path: Path) -> None:
    pq.write_table(many_types(2000), tmp_path / "in.parquet", compression="zstd")
    data = bytearray((tmp_path / "in.parquet").read_bytes())
    data[4:2000] = b"\xff" * 1996
    (tmp_path / "in.parquet").write_bytes(bytes(data))
    with pytest.raises(
        TableFormatError, match=r"in\.parquet is not a Parquet file, or it is damaged"
    ):
        enrich(tmp_path / "in.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["in.parquet"]


def test_a_column_name_that_is_no_text(tmp_path: Path) -> None:
    pq.write_table(many_types(9), tmp_path / "in.parquet")
    data = (tmp_path / "in.parquet").read_bytes()
    (tmp_path / "in.parquet").write_bytes(data.replace(b"caption", b"capti\xffn"))
    with pytest.raises(TableFormatError, match="damaged"):
        enrich(tmp_path / "in.parquet")


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_nothing_is_left_behind(tmp_path: Path, error: type[BaseException]) -> None:
    pq.write_table(many_types(9), tmp_path / "in.parquet")
    reader = FORMAT.open_reader(tmp_path / "in.parquet", TableConfig())
    options: dict[str, Any] = {"reader": reader, "added_schema": ADDED, "metadata": {}}
    with pytest.raises(error), FORMAT.open_writer(tmp_path / "out.parquet", **options):
        raise error
    assert [path.name for path in tmp_path.iterdir()] == ["in.parquet"]


def test_a_column_that_stands_twice(tmp_path: Path) -> None:
    arrays = [pa.array(["a"]), pa.array(["b"]), pa.array(["c"])]
    pq.write_table(pa.table(arrays, names=["image", "image", "caption"]), tmp_path / "in.parquet")
    with pytest.raises(ColumnError, match="2 times"):
        enrich(tmp_path / "in.parquet")


def test_spans_go_with_the_row_groups(tmp_path: Path) -> None:
    pq.write_table(many_types(100), tmp_path / "in.parquet", row_group_size=30)
    reader = FORMAT.open_reader(tmp_path / "in.parquet", TableConfig())
    for shard_rows, sizes in {
        1000: [100],
        70: [60, 40],
        30: [30, 30, 30, 10],
        29: [15, 15, 15, 15, 15, 15, 10],
        12: [10] * 10,
    }.items():
        assert [span.num_rows for span in reader.plan(shard_rows)] == sizes


def test_a_span_decodes_no_earlier_row_group(tmp_path: Path) -> None:
    pq.write_table(many_types(100), tmp_path / "in.parquet", row_group_size=50)
    place = pq.ParquetFile(tmp_path / "in.parquet").metadata.row_group(1).column(0)
    data = bytearray((tmp_path / "in.parquet").read_bytes())
    after = place.dictionary_page_offset or place.data_page_offset
    data[4:after] = b"\xff" * (after - 4)
    (tmp_path / "in.parquet").write_bytes(bytes(data))
    reader = FORMAT.open_reader(tmp_path / "in.parquet", TableConfig())
    first, second = reader.plan(50)
    (batch,) = reader.read_batches(**NAMES, batch_rows=100, span=second)
    assert batch.pairs.column("reference")[0].as_py() == b"50.jpg"
    with pytest.raises(TableFormatError):
        list(reader.read_batches(**NAMES, batch_rows=100, span=first))
