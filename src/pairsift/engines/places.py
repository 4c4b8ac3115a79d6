"""Is it the same disk? What a worker on another machine must find as the driver sees it.

Not by names of hosts: several nodes may share a machine, and machines may share a disk.
"""

import hashlib
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from pairsift.errors import RunFolderError, UsageError
from pairsift.objects import Bucket, as_address, split_key
from pairsift.runs.store import RunStore
from pairsift.tables.staging import origin_of

EDGE_BYTES = 1 << 16
MAX_ENTRIES = 8
WAY_OUT = "a cluster of several machines needs it on a shared disk or in an object store"


@dataclass(frozen=True)
class Token:
    """An object that the driver put into the run folder a moment ago.

    Args:
        name: Of the object.
        content: What it holds: random, so that no other folder holds the same.
    """

    name: str
    content: bytes


@dataclass(frozen=True)
class Place:
    """A file or folder as the driver sees it.

    Args:
        what: It is, for the message.
        path: Absolute, or an address in an object store.
        marks: What another machine can tell it by: of a file its size and its two ends, of a
            folder a few of its entries, of an object its size and its version.
    """

    what: str
    path: str
    marks: tuple[str, ...]


def put_token(store: RunStore) -> Token:
    """Put an object into a run folder that tells it from all others."""
    token = Token(f".probe-{secrets.token_hex(4)}", secrets.token_hex(16).encode())
    store.put(token.name, token.content, is_durable=False)
    return token


def check_token(store: RunStore, token: Token, *, host: str) -> None:
    """Refuse a run folder that is not the driver's.

    Raises:
        RunFolderError: The token is not there.
    """
    try:
        found = store.read(token.name)
    except OSError:
        found = b""
    if found != token.content:
        message = f"the run folder {store.location} is not on a disk that {host} shares: {WAY_OUT}"
        raise RunFolderError(message)


def look_at(what: str, path: Path) -> Place:
    """Return a file or folder of this machine as others have to find it.

    A table that was copied from an object store is looked for there, not where the copy lies.
    """
    if (origin := origin_of(path)) is not None:
        return Place(what, origin.address, (str(origin.size), origin.etag))
    if (address := as_address(path)) is not None:  # a folder: nothing there is sure to be listed
        return Place(what, address, ())
    path = path.absolute()
    marks = _folder_marks(path) if path.is_dir() else _file_marks(path)
    return Place(what, str(path), tuple(marks))


def check_places(places: Iterable[Place], *, host: str) -> None:
    """Refuse to work where files are missing or are others of the same name.

    Raises:
        UsageError: One differs; it is named.
        OSError: An object store cannot be reached from here.
    """
    for place in places:
        if as_address(place.path) is not None:
            _check_object(place, host=host)
            continue
        path = Path(place.path)
        if path.is_dir():
            is_same = all((path / name).exists() for name in place.marks)
        else:
            is_same = path.is_file() and tuple(_file_marks(path)) == place.marks
        if not is_same:
            message = f"the {place.what} {path} is not on a disk that {host} shares: {WAY_OUT}"
            raise UsageError(message)


def _check_object(place: Place, *, host: str) -> None:
    if not place.marks:
        return
    name, key = split_key(place.path)
    facts = Bucket(name).facts(key)
    if facts is None or (str(facts.size), facts.etag) != place.marks:
        message = f"the {place.what} {place.path} is not what the driver read, seen from {host}"
        raise UsageError(message)


def _file_marks(path: Path) -> Iterable[str]:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        edges = file.read(EDGE_BYTES)
        file.seek(max(0, size - EDGE_BYTES))
        edges += file.read(EDGE_BYTES)
    return str(size), hashlib.sha256(edges).hexdigest()


def _folder_marks(path: Path) -> Iterable[str]:
    with os.scandir(path) as entries:
        return [entry.name for entry in islice(entries, MAX_ENTRIES)]
