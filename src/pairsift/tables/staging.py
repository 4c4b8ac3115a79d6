"""Tables in object stores are read from a copy on this machine, which is made once.

A copy's folder is named by the object's address and version and holds a note of both, so that
whoever is given the copy can tell where it came from: what messages call it, what a run writes
down, and where its relative references start.
"""

import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from pairsift.errors import JobError, UsageError
from pairsift.objects import Bucket, ObjectFacts, as_address, split_key

NOTE: Final = ".pairsift-origin.json"

KEPT_DAYS: Final = 7
"""A copy that was not used for so long goes when the next one is made."""

KEEP_SECONDS: Final = 3600.0
"""Whoever works longer than that with copies says from time to time that they are used."""


@dataclass(frozen=True)
class Origin:
    """Where a copy came from.

    Args:
        address: ``s3://BUCKET/KEY`` or the like.
        size: In bytes.
        etag: Of the version that was copied.
    """

    address: str
    size: int
    etag: str


def stage(bucket: Bucket, facts: ObjectFacts) -> Path:
    """Return a copy of an object, made unless there is one of this version.

    Raises:
        JobError: Other bytes came than the store had said.
        OSError: It cannot be read, or there is no space for it.
    """
    origin = Origin(f"{bucket.name}/{facts.key}", facts.size, facts.etag)
    name = hashlib.sha256(f"{origin.address}\n{origin.etag}".encode()).hexdigest()[:32]
    folder = staging_folder() / name
    copy = folder / origin.address.rpartition("/")[2]
    if copy.is_file() and copy.stat().st_size == facts.size:
        os.utime(folder / NOTE)
        return copy
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _sweep(folder.parent)
    (folder / NOTE).write_text(json.dumps(asdict(origin)), encoding="utf-8")
    part = folder / f".{secrets.token_hex(4)}.part"
    try:
        bucket.download(facts, part)
        if part.stat().st_size != facts.size:
            message = f"{origin.address}: {part.stat().st_size:,} bytes came, not {facts.size:,}"
            raise JobError(message)
        part.replace(copy)
    finally:
        part.unlink(missing_ok=True)
    return copy


def keep_copies(tables: Iterable[Path]) -> None:
    """Say that tables are still used, so that no process takes their copies for old ones."""
    for path in tables:
        with suppress(OSError):  # one that is no copy has no note
            os.utime(path.parent / NOTE)


def staging_folder() -> Path:
    """Return where copies lie: the user's cache (``XDG_CACHE_HOME``)."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "pairsift" / "tables"


def local_table(path: Path) -> Path:
    """Return a table's copy on this machine; one that is here is its own.

    Raises:
        UsageError: There is no such object.
        OSError: It cannot be read.
    """
    address = as_address(path)
    if address is None:
        return path
    name, key = split_key(address)
    bucket = Bucket(name)
    facts = bucket.facts(key) if key else None
    if facts is None:
        message = f"no such table: {address}"
        raise UsageError(message)
    return stage(bucket, facts)


def origin_of(path: Path) -> Origin | None:
    """Return where a copy came from, or None for a table that was here from the start."""
    try:
        plain = json.loads((path.parent / NOTE).read_text(encoding="utf-8"))
        return Origin(plain["address"], plain["size"], plain["etag"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def shown(path: Path) -> str:
    """Return what a table is called: the address that it has or was copied from, or the path."""
    if (address := as_address(path)) is not None:
        return address
    origin = origin_of(path)
    return str(path) if origin is None else origin.address


def references_root(path: Path) -> Path:
    """Return the folder that a table's relative references start from: that of its origin."""
    origin = origin_of(path)
    return path.parent if origin is None else Path(origin.address.rpartition("/")[0])


def _sweep(folder: Path) -> None:
    for note in folder.glob(f"*/{NOTE}"):
        if time.time() - note.stat().st_mtime > KEPT_DAYS * 86400:
            shutil.rmtree(note.parent, ignore_errors=True)
