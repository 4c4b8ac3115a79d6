"""What is counted in the columns, against plain counting."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pairsift.config import TableConfig
from pairsift.planning.columns import ColumnFacts, PlannedFile, ReuseFollower, scan_columns
from pairsift.tables.formats import open_table

SHARD_ROWS = 10


def scan(folder: Path, files: Sequence[Sequence[tuple[str, str]]], slots: int = 0) -> ColumnFacts:
    planned = []
    for ordinal, rows in enumerate(files):
        path = folder / f"{ordinal}.csv"
        lines = ["image,caption", *(f"{image},{caption}" for image, caption in rows)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        reader = open_table(path, TableConfig())
        planned.append(PlannedFile(ordinal, reader, tuple(reader.plan(SHARD_ROWS))))
    return scan_columns(planned, columns=("image", "caption"), cache_slots=slots)


def test_distinct_values_are_counted_shard_by_shard(tmp_path: Path) -> None:
    # Twenty-five rows in three shards, each image in two neighbouring rows, two captions in all.
    rows = [(f"{row // 2}.jpg", f"caption {row % 2}") for row in range(25)]
    found = scan(tmp_path, [rows])
    assert (found.num_rows, found.num_shards, found.scanned_rows) == (25, 3, 25)
    assert (found.shard_references, found.shard_captions) == (5 + 5 + 3, 2 + 2 + 2)
    assert found.distinct_references == pytest.approx(13, abs=0.5)
    assert found.distinct_captions == pytest.approx(2, abs=0.1)
    assert found.read_seconds > 0


def test_no_shard_reaches_into_another_file(tmp_path: Path) -> None:
    rows = [("a.jpg", "one")] * 5
    found = scan(tmp_path, [rows, rows])
    assert (found.num_shards, found.shard_references) == (2, 2)


def test_the_cache_knows_what_an_earlier_shard_had(tmp_path: Path) -> None:
    rows = [(f"{row % 10}.jpg", f"caption {row}") for row in range(40)]
    assert scan(tmp_path, [rows], slots=10).reference_hits == pytest.approx(30 / 40)
    assert scan(tmp_path, [rows], slots=9).reference_hits == 0.0  # each gave way just before
    assert scan(tmp_path, [rows], slots=10).caption_hits == 0.0
    assert scan(tmp_path, [rows], slots=0).reference_hits == 0.0


def test_missing_cells_are_no_references(tmp_path: Path) -> None:
    path = tmp_path / "pairs.parquet"
    pq.write_table(pa.table({"image": ["a.jpg", None, None], "caption": ["x", None, "y"]}), path)
    reader = open_table(path, TableConfig())
    planned = [PlannedFile(0, reader, tuple(reader.plan(SHARD_ROWS)))]
    found = scan_columns(planned, columns=("image", "caption"), cache_slots=0)
    assert (found.shard_references, found.shard_captions) == (1, 2)


def test_a_table_that_holds_its_images_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "pairs.parquet"
    pq.write_table(pa.table({"image": [b"bytes"] * 30, "caption": ["x"] * 30}), path)
    reader = open_table(path, TableConfig())
    planned = [PlannedFile(0, reader, tuple(reader.plan(SHARD_ROWS)))]
    found = scan_columns(planned, columns=("image", "caption"), cache_slots=0)
    assert (found.num_rows, found.scanned_rows, found.distinct_references) == (30, 0, None)


def test_the_follower_is_a_cache_that_forgets_the_longest_unused() -> None:
    generator = np.random.default_rng(1)
    keys = generator.integers(0, 40, 2_000).tolist()
    follower, hits = ReuseFollower(16), 0
    kept: list[int] = []
    for key in keys:
        hits += key in kept
        kept = [*[other for other in kept if other != key][-15:], key]
    assert follower.see(keys) == hits == follower.num_hits
    assert follower.share == hits / 2_000
