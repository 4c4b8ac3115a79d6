"""Who is at work: processes that live, also those of another user, and no others."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pairsift.runs.layout import WRITING, ShardKey
from pairsift.runs.marks import find_worker, is_at_work, make_mark
from pairsift.runs.store import FolderStore


def mark(store: FolderStore, **facts: Any) -> None:
    plain = {"pid": os.getpid(), "host": socket.gethostname(), **facts}
    store.put(ShardKey(0, 0).attempt("0123abcd"), json.dumps(plain).encode())


def test_this_process_is_at_work(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    assert not is_at_work(store)
    store.put(WRITING, make_mark())
    assert find_worker(store) == os.getpid()


def test_one_that_ended_is_not(tmp_path: Path) -> None:
    probe = [sys.executable, "-c", "import os; print(os.getpid())"]
    child = subprocess.run(probe, capture_output=True, text=True, check=True)
    store = FolderStore(tmp_path)
    mark(store, pid=int(child.stdout))
    assert not is_at_work(store)


def test_one_of_another_user_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "kill", refuse)
    store = FolderStore(tmp_path)
    mark(store)
    assert is_at_work(store)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here")
def test_a_number_that_was_used_again_is_not(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    mark(store, started="1")
    assert not is_at_work(store)


def test_another_machine_and_damage_are_not_seen(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    mark(store, host="elsewhere")
    store.put(WRITING, b"[1")
    assert not is_at_work(store)
