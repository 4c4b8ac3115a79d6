"""Tables of object stores: what an address stands for, and the copies that are read."""

import os
import time
from pathlib import Path

import pytest

from pairsift.config import TableConfig
from pairsift.errors import JobError, UsageError
from pairsift.objects import Bucket
from pairsift.tables.formats import open_table
from pairsift.tables.inputs import find_inputs
from pairsift.tables.staging import (
    KEPT_DAYS,
    NOTE,
    keep_copies,
    local_table,
    origin_of,
    references_root,
    shown,
    stage,
    staging_folder,
)
from tests.s3_server import S3

CONFIG = TableConfig()
ROWS = b"image,caption\na.jpg,a cat\n"


@pytest.fixture
def bucket(s3: S3) -> str:
    s3.make_bucket("tables")
    for key in s3.keys("tables"):
        s3.delete("tables", key)
    for key in (
        "a/0.csv",
        "a/1.csv",
        "a/b/2.csv",
        "a/_hidden.csv",
        "a/x.pairsift/run.csv",
        "a/2.txt",
    ):
        s3.put("tables", key, ROWS)
    s3.put("tables", "odd/a b+c%20d&é=?[1].csv", ROWS)
    s3.put("tables", "folder/metadata.csv", ROWS)
    s3.put("tables", "folder/other.csv", ROWS)
    s3.put("tables", "mixed/a.csv", ROWS)
    s3.put("tables", "mixed/a.jsonl", b"{}\n")
    return "s3://tables"


@pytest.mark.cloud
@pytest.mark.parametrize(
    ("argument", "keys"),
    [
        ("a/0.csv", ["a/0.csv"]),
        ("a", ["a/0.csv", "a/1.csv", "a/b/2.csv"]),
        ("a/", ["a/0.csv", "a/1.csv", "a/b/2.csv"]),
        ("a/*.csv", ["a/0.csv", "a/1.csv", "a/_hidden.csv"]),
        ("a/**/[0-9].csv", ["a/0.csv", "a/1.csv", "a/b/2.csv"]),
        ("?/b/*", ["a/b/2.csv"]),
        ("a/{1..0}.csv", ["a/1.csv", "a/0.csv"]),
        ("a/{b/2,0}.csv", ["a/b/2.csv", "a/0.csv"]),
        ("odd/a b+c%20d&é=?[1].csv", ["odd/a b+c%20d&é=?[1].csv"]),
        ("folder", ["folder/metadata.csv"]),
    ],
)
def test_what_an_address_stands_for(bucket: str, argument: str, keys: list[str]) -> None:
    found = find_inputs(f"{bucket}/{argument}", CONFIG)
    assert [shown(path) for path in found] == [f"{bucket}/{key}" for key in keys]
    assert all(path.read_bytes() == ROWS for path in found)


@pytest.mark.cloud
@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("none", "no such table, and nothing below it"),
        ("a/*.parquet", "no object matches"),
        ("a/{0..2}.csv", "1 of 3 objects of .* are missing, such as a/2.csv"),
        ("mixed", "several formats"),
        ("a/x.pairsift/", "run.csv"),
    ],
)
def test_what_it_does_not(bucket: str, argument: str, words: str) -> None:
    if argument == "a/x.pairsift/":
        assert shown(find_inputs(f"{bucket}/{argument}", CONFIG)[0]).endswith(words)
        return
    with pytest.raises(UsageError, match=words):
        find_inputs(f"{bucket}/{argument}", CONFIG)


@pytest.mark.cloud
def test_a_version_is_copied_once(s3: S3, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = find_inputs(f"{bucket}/a/0.csv", CONFIG)[0]
    with monkeypatch.context() as patched:
        patched.setattr(Bucket, "download", None)  # which must not be asked
        assert find_inputs(f"{bucket}/a/0.csv", CONFIG)[0] == first
    s3.put("tables", "a/0.csv", ROWS.replace(b"cat", b"dog"))  # of the same size
    second = local_table(Path(f"{bucket}/a/0.csv"))
    assert second != first
    assert b"dog" in second.read_bytes()
    assert first.read_bytes() == ROWS
    first.write_bytes(b"cut")
    s3.put("tables", "a/0.csv", ROWS)
    assert find_inputs(f"{bucket}/a/0.csv", CONFIG)[0].read_bytes() == ROWS


@pytest.mark.cloud
def test_a_copy_knows_its_origin(tmp_path: Path, bucket: str) -> None:
    reader = open_table(Path(f"{bucket}/a/b/2.csv"), CONFIG)
    origin = origin_of(reader.path)
    assert origin is not None
    assert (origin.address, origin.size) == (f"{bucket}/a/b/2.csv", len(ROWS))
    assert reader.image_root == references_root(reader.path) == Path(f"{bucket}/a/b")
    assert reader.path.stat().st_mode & 0o077 == 0 or reader.path.parent.stat().st_mode & 0o077 == 0
    plain = tmp_path / "pairs.csv"
    plain.write_bytes(ROWS)
    assert origin_of(plain) is None
    assert shown(plain) == str(plain)
    assert references_root(plain) == tmp_path


@pytest.mark.cloud
def test_what_came_short_is_not_taken(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Bucket, "download", lambda _self, _facts, path: path.write_bytes(b"im"))
    with pytest.raises(JobError, match=r"a/0\.csv: 2 bytes came, not 26"):
        find_inputs(f"{bucket}/a/0.csv", CONFIG)
    assert not list(staging_folder().rglob("*.csv"))
    assert not list(staging_folder().rglob("*.part"))


@pytest.mark.cloud
def test_an_object_that_changes_meanwhile_is_noticed(s3: S3, bucket: str) -> None:
    store = Bucket(bucket)
    facts = store.facts("a/0.csv")
    assert facts is not None
    s3.put("tables", "a/0.csv", ROWS + ROWS)
    with pytest.raises(OSError, match="changed while it was read"):
        stage(store, facts)
    s3.delete("tables", "a/0.csv")
    with pytest.raises(FileNotFoundError, match="no such object"):
        stage(store, facts)
    assert not list(staging_folder().rglob("*.csv"))


@pytest.mark.cloud
def test_copies_that_nobody_uses_go(bucket: str) -> None:
    old, used = (find_inputs(f"{bucket}/a/{n}.csv", CONFIG)[0] for n in (0, 1))
    long_ago = time.time() - (KEPT_DAYS + 1) * 86400
    for copy in (old, used):
        os.utime(copy.parent / NOTE, (long_ago, long_ago))
    find_inputs(f"{bucket}/a/1.csv", CONFIG)
    find_inputs(f"{bucket}/a/b/2.csv", CONFIG)
    assert not old.exists()
    assert used.exists()


def test_copies_of_a_long_run_are_kept(tmp_path: Path) -> None:
    copy, own = tmp_path / "copy" / "pairs.csv", tmp_path / "own" / "pairs.csv"
    for path in (copy, own):
        path.parent.mkdir()
        path.touch()
    note = copy.parent / NOTE
    note.touch()
    os.utime(note, (0, 0))
    keep_copies([copy, own])
    assert time.time() - note.stat().st_mtime < 3600
    assert [path.name for path in own.parent.iterdir()] == ["pairs.csv"]


@pytest.mark.cloud
def test_large_objects_come_and_go_in_parts(
    tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pairsift.objects.PART_BYTES", 5 << 20)
    path, copy = tmp_path / "large", tmp_path / "copy"
    path.write_bytes(os.urandom((5 << 20) * 3 + 17))
    store = Bucket(bucket)
    store.upload("large.csv", path)
    facts = store.facts("large.csv")
    assert facts is not None
    assert facts.etag.rstrip('"').endswith("-4")  # as S3 writes it of four parts
    store.download(facts, copy)
    assert copy.read_bytes() == path.read_bytes()
