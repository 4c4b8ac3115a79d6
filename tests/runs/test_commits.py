"""Commits survive writing, merge, and are put once."""

import json
from pathlib import Path

import numpy as np
import pytest

from pairsift.errors import RunFolderError
from pairsift.histograms import Histogram
from pairsift.runs.commits import (
    Work,
    add_sparse,
    commit_from_bytes,
    merged_counts,
    merged_work,
    sparse_histogram,
)
from pairsift.runs.layout import ShardKey
from pairsift.runs.store import FolderStore
from pairsift.statuses import RowStatus
from tests.runs.shards import make_shard, put_shard, replaced

MISSING = "image_not_found"


def test_a_commit_comes_back_as_it_was(tmp_path: Path) -> None:
    commit = put_shard(FolderStore(tmp_path), make_shard(ShardKey(2, 40), ["ok", MISSING, "ok"]))
    assert commit is not None
    assert commit_from_bytes(commit.to_bytes(), source="x") == commit
    assert commit.counts == {RowStatus.OK: 2, RowStatus.IMAGE_NOT_FOUND: 1}
    assert commit.examples == {RowStatus.IMAGE_NOT_FOUND: (41, "row 41")}
    light = commit_from_bytes(commit.to_bytes(), source="x", with_histograms=False)
    assert light.histograms == {}


def test_sparse_histograms_lose_nothing() -> None:
    values = np.random.default_rng(1).uniform(-1, 1, 5000).astype(np.float32)
    whole, merged = Histogram(-1.0, 1.0), Histogram(-1.0, 1.0)
    whole.add(values)
    for part in np.array_split(values, 7):
        add_sparse(merged, json.loads(json.dumps(sparse_histogram(part, (-1.0, 1.0)))))
    assert np.array_equal(whole.counts, merged.counts)
    with pytest.raises(RunFolderError):
        add_sparse(Histogram(0.0, 1.0), sparse_histogram(values, (-1.0, 1.0)))


def test_an_overlay_takes_off_what_it_replaces(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    base = put_shard(store, make_shard(ShardKey(0, 0), ["ok", MISSING, MISSING]))
    was = replaced(RowStatus.IMAGE_NOT_FOUND)
    shard = make_shard(
        ShardKey(0, 0, 1),
        ["ok"],
        rows=[1],
        replaced=was,
        replaced_truncated=1,
        work=Work(encoded_images=1, truncated_captions=1),
    )
    over = put_shard(store, shard)
    assert base is not None
    assert over is not None
    assert merged_counts([base, over]) == {RowStatus.OK: 2, RowStatus.IMAGE_NOT_FOUND: 1}
    assert merged_work([base, over]) == Work(encoded_images=2)


def test_a_shard_that_another_process_committed_is_dropped(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    first = put_shard(store, make_shard(ShardKey(0, 0), ["ok", "ok"]))
    assert first is not None
    assert put_shard(store, make_shard(ShardKey(0, 0), [MISSING, "ok"])) is None
    assert commit_from_bytes(store.read(first.key.commit), source="x") == first


def test_files_of_others_are_never_written_over(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    key = ShardKey(0, 0)
    # Somebody is about to commit this shard, with other bytes.
    store.put(key.scores, b"somebody else's")
    commit = put_shard(store, make_shard(key, ["ok"]))
    assert commit is not None
    assert store.read(key.scores) == b"somebody else's"
    assert commit.scores.name != key.scores
    assert store.exists(commit.scores.name)


def test_a_damaged_commit_is_named() -> None:
    for data in (b"", b"{}", b'{"format_version": 1}', b'{"format_version": 7}'):
        with pytest.raises(RunFolderError, match=r"commits/x\.json"):
            commit_from_bytes(data, source="commits/x.json")
