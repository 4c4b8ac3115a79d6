"""Whose a run folder is: run.json has a name of chance, and every commit repeats it.

``--overwrite`` makes another run in the same folder. A process that is still at work on the one
before must not put its scores among those of the new one.
"""

from collections.abc import Mapping
from typing import Any

from pairsift.errors import JobError
from pairsift.runs.commits import Commit, commit_from_bytes
from pairsift.runs.layout import ShardKey
from pairsift.runs.manifest import read_manifest
from pairsift.runs.store import RunStore


def run_id_of(manifest: Mapping[str, Any]) -> str:
    """Return the name that a run's commits carry; empty for one made before there were any."""
    return str(manifest.get("run_id", ""))


def current_run_id(store: RunStore) -> str:
    """Return the name of the run that is in a folder now; empty where there is none."""
    return run_id_of(read_manifest(store) or {})


def check_run(store: RunStore, run_id: str) -> None:
    """Refuse to go on with a run that is no longer in its folder.

    Raises:
        JobError: Another one is, or none.
    """
    if current_run_id(store) != run_id:
        message = (
            f"{store.location} was started anew by another process; nothing more of this one "
            "is kept"
        )
        raise JobError(message)


def has_commit(store: RunStore, key: ShardKey, run_id: str) -> bool:
    """Say whether a shard is committed in this run; a commit of an earlier one is none."""
    try:
        data = store.read(key.commit)
    except FileNotFoundError:
        return False
    return commit_from_bytes(data, source=key.commit, with_histograms=False).run_id == run_id


def put_commit(store: RunStore, commit: Commit) -> bool:
    """Write a commit unless this run has one of that shard; say whether this call wrote it.

    Raises:
        JobError: Another run is in the folder by now.
    """
    name, data = commit.key.commit, commit.to_bytes()
    while True:
        check_run(store, commit.run_id)
        if store.put_if_absent(name, data):
            return True
        if has_commit(store, commit.key, commit.run_id):
            return False
        # Of the run before, put while this one was made. Whoever commits has put run.json first,
        # so where that is still this run's the commit is nobody's.
        check_run(store, commit.run_id)
        store.delete(name)
