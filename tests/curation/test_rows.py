from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pairsift.curation.rows import as_text, own_columns, read_cells, read_labels, read_rows
from pairsift.errors import ColumnError
from tests.curation.runs import CATEGORIES, accept_table, run_of
from tests.curation.worlds import make_world


def test_score_columns_come_as_arrays(tmp_path: Path) -> None:
    world = make_world(50, seed=0)
    failed = np.arange(50) % 10 == 3
    run = run_of(tmp_path, world, failed=failed, shard_rows=20, widths=np.arange(50))
    rows = read_rows(run)
    assert len(rows) == 50
    assert rows.rows.tolist() == list(range(50))
    assert rows.scored.tolist() == (~failed).tolist()
    assert rows.similarities[~failed] == pytest.approx(world.similarities[~failed])
    assert np.isnan(rows.similarities[failed]).all()
    assert rows.cosines is rows.similarities
    assert rows.widths.tolist() == list(range(50))
    assert not rows.truncated.any()
    assert rows.places(0, np.array([7, 0, 49])).tolist() == [7, 0, 49]


def test_a_column_becomes_groups(tmp_path: Path) -> None:
    run = run_of(tmp_path, make_world(10, seed=0), shard_rows=4)
    found = read_labels(run, read_rows(run), "category")
    assert tuple(found.names) == CATEGORIES
    assert found.labels.tolist() == [i % 3 for i in range(10)]


def test_empty_cells_belong_to_no_group(tmp_path: Path) -> None:
    run = run_of(tmp_path, make_world(3, seed=0))
    table = tmp_path / "pairs.csv"
    table.write_text(table.read_text().replace(",food", ","))
    labels = read_labels(accept_table(run), read_rows(run), "category").labels
    assert labels.tolist() == [0, -1, 1]


def test_an_unknown_column_is_named_with_those_that_there_are(tmp_path: Path) -> None:
    run = run_of(tmp_path, make_world(3, seed=0))
    with pytest.raises(ColumnError, match=r"`theme` not found; available: image, caption, cat"):
        read_labels(run, read_rows(run), "theme")


def test_a_few_cells_in_the_order_asked_for(tmp_path: Path) -> None:
    run = run_of(tmp_path, make_world(30, seed=0), shard_rows=7)
    places = np.array([21, 3, 21, 8])
    assert read_cells(run, read_rows(run), places, "caption") == [
        f"caption number {place}" for place in places
    ]
    assert read_cells(run, read_rows(run), places[:0], "caption") == []


def test_own_columns_know_their_rows(tmp_path: Path) -> None:
    run = run_of(tmp_path, make_world(9, seed=0), shard_rows=4)
    parts = list(own_columns(run, read_rows(run), ["caption"]))
    assert np.concatenate([places for places, _ in parts]).tolist() == list(range(9))


def test_no_finished_shard(tmp_path: Path) -> None:
    run = run_of(tmp_path, make_world(0, seed=0))
    rows = read_rows(run)
    assert len(rows) == 0
    assert read_labels(run, rows, "category").names == []


BYTES = pa.array([b"caf\xc3\xa9", b"caf\xe9", None], pa.binary())


@pytest.mark.parametrize(
    ("column", "texts"),
    [
        (BYTES, ["café", "caf�", None]),
        (BYTES.view(pa.string()), ["café", "caf�", None]),
        (pa.array(["a", None]), ["a", None]),
        (pa.array(["a", "b", "a"]).dictionary_encode(), ["a", "b", "a"]),
        (pa.array([7, None]), ["7", None]),
        (pa.array([True]), ["true"]),
    ],
)
def test_cells_as_text(column: pa.Array, texts: list[str | None]) -> None:
    assert as_text(column, "theme").to_pylist() == texts


def test_lists_are_no_text() -> None:
    with pytest.raises(ColumnError, match=r"`tags` has type list<.*>; accepted: text"):
        as_text(pa.array([["a"]]), "tags")
