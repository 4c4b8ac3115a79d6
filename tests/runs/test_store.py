"""Objects appear whole, and of several writers one wins."""

import subprocess
import sys
from pathlib import Path

import pytest

from pairsift.runs.store import FolderStore

RACE = """
import sys, time
from pathlib import Path
from pairsift.runs.store import FolderStore
store = FolderStore(Path(sys.argv[1]))
won = [n for n in range(200) if store.put_if_absent(f"commits/{n}", sys.argv[2].encode())]
print(len(won))
"""


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "run")


def test_what_is_put_is_read(store: FolderStore) -> None:
    store.put("a/b", b"one")
    store.put("a/b", b"two", is_durable=False)
    assert store.read("a/b") == b"two"
    assert store.names("a") == ["a/b"]
    assert store.names("nothing") == []
    store.delete("a/b")
    store.delete("a/b")
    assert not store.exists("a/b")


def test_the_first_writer_wins(store: FolderStore) -> None:
    assert store.put_if_absent("a/b", b"one")
    assert not store.put_if_absent("a/b", b"two")
    assert store.read("a/b") == b"one"
    assert [path.name for path in (store.root / "a").iterdir()] == ["b"]


def test_of_two_processes_one_wins_each_object(store: FolderStore) -> None:
    command = [sys.executable, "-c", RACE, str(store.root)]
    racers = [
        subprocess.Popen([*command, name], stdout=subprocess.PIPE, text=True) for name in "xy"
    ]
    won = [int(racer.communicate()[0]) for racer in racers]
    assert sum(won) == 200
    contents = [store.read(name) for name in store.names("commits")]
    assert [contents.count(name) for name in (b"x", b"y")] == won


def test_a_failed_write_leaves_nothing(store: FolderStore) -> None:
    with pytest.raises(TypeError):
        store.put("a/b", "text")  # type: ignore[arg-type]
    assert list((store.root / "a").iterdir()) == []
