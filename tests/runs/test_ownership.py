"""A commit of one run never counts in another one of the same folder."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pairsift import open_run
from pairsift.errors import JobError
from pairsift.runs import ownership
from pairsift.runs.commits import Commit
from pairsift.runs.layout import RUN, ShardKey
from pairsift.runs.ownership import check_run, current_run_id, has_commit, put_commit
from pairsift.runs.store import FolderStore
from tests.runs.shards import make_run, make_shard, put_shard

KEY = ShardKey(0, 0)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    table = tmp_path / "pairs.csv"
    table.write_text("image,caption\n")
    return make_run(tmp_path / "run", table)


def commit_of(store: FolderStore, **changed: Any) -> Commit:
    made = put_shard(store, make_shard(KEY, ["ok", "ok"]))
    assert made is not None
    store.delete(made.key.commit)
    return replace(made, **changed)


def rename_run(store: FolderStore, run_id: str) -> None:
    store.put(RUN, json.dumps(json.loads(store.read(RUN)) | {"run_id": run_id}).encode())


def test_a_commit_of_another_run_is_none(store: FolderStore) -> None:
    store.put(KEY.commit, commit_of(store, run_id="older").to_bytes())
    assert not has_commit(store, KEY, current_run_id(store))
    assert has_commit(store, KEY, "older")
    assert open_run(store.root).num_rows == 0


def test_a_commit_of_another_run_gives_way(store: FolderStore) -> None:
    own = commit_of(store)
    store.put(KEY.commit, replace(own, run_id="older").to_bytes())
    assert put_commit(store, own)
    assert open_run(store.root).num_rows == 2
    assert not put_commit(store, own)


def test_nothing_is_put_among_those_of_another_run(store: FolderStore) -> None:
    own = commit_of(store)
    rename_run(store, "newer")
    with pytest.raises(JobError, match="started anew"):
        put_commit(store, own)
    assert not store.exists(KEY.commit)
    store.delete(RUN)
    with pytest.raises(JobError, match="started anew"):
        check_run(store, own.run_id)


def test_the_commit_of_a_newer_run_stays(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = commit_of(store)
    checks: list[str] = []

    def begin_anew_after_the_check(store: FolderStore, run_id: str) -> None:
        check_run(store, run_id)
        if not checks:
            rename_run(store, "newer")
            store.put(KEY.commit, replace(own, run_id="newer").to_bytes())
        checks.append(run_id)

    monkeypatch.setattr(ownership, "check_run", begin_anew_after_the_check)
    with pytest.raises(JobError, match="started anew"):
        put_commit(store, own)
    assert has_commit(store, KEY, "newer")


def test_runs_from_before_there_were_names_are_read(store: FolderStore) -> None:
    plain = json.loads(commit_of(store).to_bytes())
    del plain["run_id"]
    manifest = json.loads(store.read(RUN))
    del manifest["run_id"]
    store.put(RUN, json.dumps(manifest).encode())
    store.put(KEY.commit, json.dumps(plain).encode())
    assert open_run(store.root).num_rows == 2
