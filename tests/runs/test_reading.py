"""What a run folder gives to its readers."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from pairsift import open_run
from pairsift.errors import RunFolderError
from pairsift.runs.layout import RUN, ShardKey
from pairsift.runs.store import FolderStore
from pairsift.statuses import RowStatus
from tests.runs.shards import make_run, make_shard, put_shard, replaced

MISSING = "image_not_found"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.csv"
    path.write_text("image,caption\n" + "".join(f"{i}.png,caption {i}\n" for i in range(7)))
    return path


@pytest.fixture
def store(tmp_path: Path, table: Path) -> FolderStore:
    """Two shards of four and three rows; row 1 and row 5 failed."""
    store = make_run(tmp_path / "out.csv.pairsift", table)
    assert put_shard(store, make_shard(ShardKey(0, 0), ["ok", MISSING, "ok", "ok"]))
    assert put_shard(store, make_shard(ShardKey(0, 4), ["ok", MISSING, "caption_null"]))
    return store


def overlay(store: FolderStore, row: int, status: str, generation: int = 1) -> None:
    was = replaced(RowStatus.IMAGE_NOT_FOUND)
    key = ShardKey(0, 4 * (row // 4), generation)
    assert put_shard(store, make_shard(key, [status], rows=[row], replaced=was))


def test_rows_stand_in_order_with_their_identity(store: FolderStore) -> None:
    run = open_run(store.root)
    assert run.num_rows == 7
    scores = run.scores()
    assert scores["file"].to_pylist() == [0] * 7
    assert scores["row"].to_pylist() == list(range(7))
    assert scores["similarity_status"].to_pylist() == [
        *("ok", MISSING, "ok", "ok"),
        *("ok", MISSING, "caption_null"),
    ]
    assert run.scores(["similarity"]).column_names == ["similarity"]
    assert run.counts == {
        RowStatus.OK: 4,
        RowStatus.IMAGE_NOT_FOUND: 2,
        RowStatus.CAPTION_NULL: 1,
    }
    assert run.histogram().total == 4


def test_the_newest_score_of_a_row_counts(store: FolderStore) -> None:
    overlay(store, 1, "ok")
    overlay(store, 5, "image_corrupt")
    overlay(store, 5, "ok", generation=2)
    run = open_run(store.root)
    assert run.num_rows == 7
    statuses = run.scores()["similarity_status"].to_pylist()
    assert statuses == ["ok"] * 6 + ["caption_null"]
    assert run.histogram().total == 6
    rows = [found.rows.tolist() for found in run.embeddings()]
    assert rows == [[0, 1, 2, 3], [4, 5]]
    first, second = run.embeddings()
    assert first.images[:, 0].tolist() == [0, 1, 2, 3]
    assert first.images[:, 1].tolist() == [0, 1, 0, 0]  # generations
    assert second.images[:, 1].tolist() == [0, 2]
    assert np.array_equal(first.captions, -first.images)


def test_counts_follow_overlays(store: FolderStore) -> None:
    overlay(store, 1, "ok")
    assert open_run(store.root).counts[RowStatus.OK] == 5
    assert open_run(store.root).counts[RowStatus.IMAGE_NOT_FOUND] == 1


def test_score_files_hold_every_row_once(store: FolderStore) -> None:
    assert [path.parent.name for path in open_run(store.root).score_files()] == ["scores"] * 2
    overlay(store, 1, "ok")
    files = open_run(store.root).score_files()
    rows = [row for path in files for row in pq.read_table(path)["row"].to_pylist()]
    assert rows == list(range(7))
    again = [row for path in files for row in pq.read_table(path)["similarity_status"].to_pylist()]
    assert again.count("ok") == 5


def test_the_users_own_columns_come_along(store: FolderStore) -> None:
    run = open_run(store.root)
    batches = list(run.table(["caption"]))
    assert list(batches[0].schema.names) == ["file", "row", "caption"]
    assert batches[0].column("caption").to_pylist() == [f"caption {i}" for i in range(7)]


def test_only_finished_shards_are_read(store: FolderStore) -> None:
    scores = pq.read_table(store.path(ShardKey(0, 0).scores))
    pq.write_table(scores, store.path(ShardKey(0, 7).scores))  # no commit tells of it
    assert open_run(store.root).num_rows == 7


def test_an_unfinished_run_is_refused(tmp_path: Path, table: Path) -> None:
    store = make_run(tmp_path / "run", table, is_finished=False)
    with pytest.raises(RunFolderError, match="not finished"):
        open_run(store.root)
    assert open_run(store.root, allow_partial=True).num_rows == 0


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="not a run folder"):
        open_run(tmp_path)
    (tmp_path / RUN).write_text(json.dumps({"format_version": 99}))
    with pytest.raises(RunFolderError, match="format 99"):
        open_run(tmp_path)


def test_the_enriched_table_leads_to_its_run(store: FolderStore) -> None:
    output = store.root.with_suffix("")
    output.write_text("image,caption\n")
    assert open_run(output).location == str(store.root)


@pytest.mark.parametrize("kept", ["none", "sample"])
def test_fewer_embeddings(tmp_path: Path, table: Path, kept: str) -> None:
    store = make_run(tmp_path / "run", table)
    shard = make_shard(ShardKey(0, 0), ["ok"] * 400)
    put_shard(store, shard, kept)  # type: ignore[arg-type]
    found = list(open_run(store.root).embeddings())
    if kept == "none":
        assert found == []
        assert store.names("embeddings") == []
    else:
        rows = found[0].rows
        assert 5 <= len(rows) <= 60  # 25 are expected
        assert found[0].images[:, 0].tolist() == rows.tolist()
