"""A file system without hard links: still one of several writers wins."""

import os
from pathlib import Path

import pytest

from pairsift.runs.store import FolderStore
from tests.contracts.test_store_contract import RACE, race

WITHOUT_LINKS = f"""
import pathlib
def refuse(*_):
    raise PermissionError(1, "Operation not permitted")
pathlib.Path.hardlink_to = refuse
{RACE}
"""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FolderStore:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    return FolderStore(tmp_path / "run")


def test_of_two_processes_one_wins_each_object(store: FolderStore) -> None:
    won = race(store, WITHOUT_LINKS)
    assert sum(won) == 50
    contents = [store.read(name) for name in store.names("commits")]
    assert [contents.count(name) for name in (b"x", b"y")] == won


def test_one_that_came_between_looking_and_writing_wins(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = FolderStore._write

    def come_between(
        self: FolderStore, name: str, data: bytes | memoryview, *, is_durable: bool
    ) -> Path:
        path = write(self, name, data, is_durable=is_durable)
        self.path(name).write_bytes(b"theirs")
        return path

    monkeypatch.setattr(FolderStore, "_write", come_between)
    assert not store.put_if_absent("commits/1", b"ours")
    assert store.read("commits/1") == b"theirs"
    assert [path.name for path in (store.root / "commits").iterdir()] == ["1"]


def test_the_claim_of_a_killed_process_does_not_stand_for_ever(store: FolderStore) -> None:
    store.put("commits/0", b"")
    claim = store.root / "commits" / ".1.claim.part"
    claim.touch()
    os.utime(claim, (0, 0))
    assert store.put_if_absent("commits/1", b"ours")
    assert not claim.exists()
