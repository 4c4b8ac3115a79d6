"""What every store of run folders promises, put to each through the same cases.

A fault on purpose must not pass: a store whose commits are not conditional.
"""

import os
import pickle
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pairsift.errors import UsageError
from pairsift.runs.store import FolderStore, RunStore, open_store

RACE = """
import sys
from pairsift.runs.store import open_store
store = open_store(sys.argv[1])
won = [n for n in range(50) if store.put_if_absent(f"commits/{n:02}", sys.argv[2].encode())]
print(len(won))
"""


@pytest.fixture(params=["folder", pytest.param("bucket", marks=pytest.mark.cloud)])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty place; of buckets one below a folder that has a neighbour of nearly its name."""
    if request.param == "folder":
        yield str(tmp_path / "run")
        return
    server = request.getfixturevalue("s3")
    server.make_bucket("contract")
    name = uuid.uuid4().hex
    server.put("contract", f"runs/{name}2/commits/strange", b"")
    yield f"s3://contract/runs/{name}"
    assert server.read("contract", f"runs/{name}2/commits/strange") == b""


@pytest.fixture
def store(location: str) -> RunStore:
    return open_store(location)


def test_what_is_put_is_read(store: RunStore) -> None:
    store.put("a/b", b"one")
    store.put("a/b", memoryview(b"two"), is_durable=False)
    store.put("_SUCCESS", b"")
    store.put("a/arrow", memoryview(pa.py_buffer(b"three")))
    assert store.read("a/arrow") == b"three"
    assert store.read("a/b") == b"two"
    assert store.read("_SUCCESS") == b""
    assert store.exists("a/b")
    assert not store.exists("a")
    assert store.path("a/b").read_bytes() == b"two"


def test_names_are_sorted_and_of_one_folder(store: RunStore) -> None:
    assert store.names("commits") == []
    assert store.entries() == []
    for name in ("commits/2", "commits/1", "commits2/3", "run.json"):
        store.put(name, b"")
    assert store.names("commits") == ["commits/1", "commits/2"]
    assert store.entries() == ["commits", "commits2", "run.json"]


def test_what_is_hidden_is_nobodys(store: RunStore) -> None:
    """Such as what a killed driver of Ray had put: it must not make the folder somebody else's."""
    for name in (".probe-0a1b", "commits/.part", "commits/1"):
        store.put(name, b"")
    assert store.entries() == ["commits"]
    assert store.names("commits") == ["commits/1"]
    assert store.read(".probe-0a1b") == b""


def test_nothing_is_missing_quietly(store: RunStore) -> None:
    for read in (store.read, lambda name: open_parquet(store, name)):
        with pytest.raises(FileNotFoundError) as caught:
            read("commits/none")
        assert "commits/none" in str(caught.value)
    store.delete("commits/none")


def test_what_is_deleted_is_gone(store: RunStore) -> None:
    store.put("a/b", b"one")
    store.delete("a/b")
    assert not store.exists("a/b")
    assert store.names("a") == []


def test_many_are_read_in_order_and_deleted(store: RunStore) -> None:
    names = [f"a/{n:03}" for n in range(100)]
    for name in names:
        store.put(name, name.encode())
    assert list(store.read_many(names[::-1])) == [name.encode() for name in names[::-1]]
    with pytest.raises(FileNotFoundError):
        list(store.read_many(["a/000", "a/none"]))
    store.delete_many([*names[1:], "a/none"])
    assert store.names("a") == ["a/000"]
    store.delete_many([])


def test_the_first_writer_wins(store: RunStore) -> None:
    assert store.put_if_absent("a/b", b"one")
    assert not store.put_if_absent("a/b", b"two")
    assert not store.put_if_absent("a/b", memoryview(b"one"))
    assert store.read("a/b") == b"one"


def race(store: RunStore, script: str = RACE) -> list[int]:
    command = [sys.executable, "-c", script, store.location]
    racers = [
        subprocess.Popen([*command, name], stdout=subprocess.PIPE, text=True) for name in "xy"
    ]
    return [int(racer.communicate()[0]) for racer in racers]


def test_of_two_processes_one_wins_each_object(store: RunStore) -> None:
    won = race(store)
    assert sum(won) == 50
    contents = [store.read(name) for name in store.names("commits")]
    assert [contents.count(name) for name in (b"x", b"y")] == won


def test_a_store_that_replaces_is_noticed(store: RunStore) -> None:
    careless = RACE.replace("store.put_if_absent(", "store.put(").replace("if ", "if not ")
    assert sum(race(store, careless)) == 100


def test_a_large_object_is_whole_or_not_there(store: RunStore) -> None:
    table = pa.table({"x": range(50_000)})
    with store.writing("derived/x.parquet") as file:
        pq.write_table(table, file)
        file.flush()
        assert not store.exists("derived/x.parquet")
    assert open_parquet(store, "derived/x.parquet").equals(table)

    def fail() -> None:
        with store.writing("derived/x.parquet") as file:
            file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert open_parquet(store, "derived/x.parquet").equals(table)
    assert store.names("derived") == ["derived/x.parquet"]


def open_parquet(store: RunStore, name: str) -> pa.Table:
    with pq.ParquetFile(store.readable(name)) as file:
        return file.read()


def test_pickled_it_is_its_location(store: RunStore, location: str) -> None:
    store.put("a", b"one")
    again = pickle.loads(pickle.dumps(store))  # noqa: S301 - our own
    assert again.location == store.location == location
    assert again.read("a") == b"one"


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    with pytest.raises(TypeError):
        store.put("a/b", "text")  # type: ignore[arg-type]
    assert list((tmp_path / "a").iterdir()) == []


def test_half_files_of_killed_writers_are_swept(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    old, young = tmp_path / "a" / ".b.1.part", tmp_path / "a" / ".b.2.part"
    for path in (old, young):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    store.sweep(["a"])
    assert not old.exists()
    assert young.exists()


@pytest.mark.parametrize("location", ["ftp://host/run", "http://host/run", "file:///run"])
def test_other_addresses_are_refused(location: str) -> None:
    with pytest.raises(UsageError, match="accepted: s3, gs, az"):
        open_store(location)


def test_a_path_may_look_odd(tmp_path: Path) -> None:
    assert isinstance(open_store(tmp_path / "ab:" / "run"), FolderStore)
    assert isinstance(open_store("s3/run"), FolderStore)
    assert isinstance(open_store("s3:run"), FolderStore)
