"""Objects in buckets, one plain call each: the only module beside ``sources`` that knows obstore.

Endpoint and credentials are those of the usual environment (``AWS_…``, ``GOOGLE_…``, ``AZURE_…``).
What goes wrong is an ``OSError`` with the object's address, as it would be of a file.
"""

import errno
import importlib
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from pairsift.errors import MissingExtraError, UsageError

SCHEMES: Final = ("s3", "gs", "az")

MAX_RETRIES: Final = 8
RETRY_SECONDS: Final = 120.0
PAUSES: Final = {
    "init_backoff": timedelta(seconds=0.5),
    "max_backoff": timedelta(seconds=15),
    "base": 2.5,
}
"""Each pause is drawn between the first and 2.5 times the last: 10 to 30 s in all."""

PART_BYTES: Final = 16 << 20
"""Downloaded and uploaded at once: a request has 30 s, so 4.5 Mbit/s are enough."""

AT_ONCE: Final = 16
"""Small objects that are read or removed at once."""

MAX_PARTS: Final = 9000  # S3 takes 10,000

# S3 and GCS; Azure.
_NO_BUCKET = re.compile(r"NoSuchBucket|bucket does not exist|ContainerNotFound", re.IGNORECASE)
_DENIED = re.compile(r"status code: 40[13]\b")  # which obstore tells apart everywhere but in lists
_METADATA = re.compile(r"http://(169\.254\.|metadata\.google\.internal)")
_ANSWER = re.compile(r"status code: (\d{3} [A-Za-z ]+)")
_REMOTE = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/(/?)")


@dataclass(frozen=True)
class ObjectFacts:
    """What a store says about an object.

    Args:
        key: In its bucket.
        size: In bytes.
        etag: Changes with its content.
    """

    key: str
    size: int
    etag: str


class Bucket:
    """One bucket; pickled, it is its name.

    Args:
        name: ``s3://NAME``, ``gs://NAME`` or ``az://NAME``.

    Raises:
        MissingExtraError: obstore is not installed.
        UsageError: There can be no bucket of that name.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._obstore = import_obstore()
        self._errors = self._obstore.exceptions
        scheme, _, rest = name.partition("://")
        if scheme not in SCHEMES or not rest:
            message = f"{name!r} names no bucket: give s3://NAME, gs://NAME or az://NAME"
            raise UsageError(message)
        try:
            self._store = self._obstore.store.from_url(
                name,
                # No client_options: any would undo AWS_ALLOW_HTTP, AWS_TIMEOUT and the like.
                retry_config={
                    "backoff": PAUSES,
                    "max_retries": MAX_RETRIES,
                    "retry_timeout": timedelta(seconds=RETRY_SECONDS),
                },
            )
        except (self._errors.BaseError, ValueError) as error:
            message = f"{name}: {_words(error)}"
            raise UsageError(message) from error

    def __reduce__(self) -> tuple[object, ...]:
        return Bucket, (self.name,)

    def facts(self, key: str) -> ObjectFacts | None:
        """Return what the store says about an object, or None where there is none.

        Raises:
            OSError: The store cannot be asked.
        """
        try:
            with self._plain_errors(key):
                return _facts(self._obstore.head(self._store, key))
        except FileNotFoundError:
            return None

    def read(self, key: str) -> bytes:
        """Return an object's bytes.

        Raises:
            FileNotFoundError: There is none.
            OSError: It cannot be read.
        """
        with self._plain_errors(key):
            return bytes(self._obstore.get(self._store, key).bytes())

    def read_many(self, keys: Sequence[str]) -> Iterator[bytes]:
        """Yield the bytes of objects, in order; several are on their way at once.

        Raises:
            FileNotFoundError: One is not there.
            OSError: One cannot be read.
        """
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="objects") as pool:
            for begin in range(0, len(keys), 4 * AT_ONCE):
                yield from pool.map(self.read, keys[begin : begin + 4 * AT_ONCE])

    def put(self, key: str, data: bytes | memoryview) -> None:
        """Write an object, replacing one of that key; it appears whole.

        Raises:
            OSError: It cannot be written.
        """
        with self._plain_errors(key):
            self._obstore.put(self._store, key, _as_bytes(data), use_multipart=False)

    def create(self, key: str, data: bytes | memoryview) -> bool:
        """Write an object unless there is one of that key: of several writers one wins.

        Returns:
            Whether it was written by this call.

        Raises:
            OSError: It cannot be written.
        """
        try:
            with self._plain_errors(key):
                self._obstore.put(self._store, key, _as_bytes(data), mode="create")
        except FileExistsError:
            return False
        return True

    def upload(self, key: str, path: Path) -> None:
        """Write an object from a file, in parts; it appears whole when the last one is there.

        Raises:
            OSError: It cannot be read or written.
        """
        part_bytes = max(PART_BYTES, -(-path.stat().st_size // MAX_PARTS))
        with self._plain_errors(key):
            self._obstore.put(self._store, key, path, chunk_size=part_bytes, max_concurrency=4)

    def download(self, facts: ObjectFacts, path: Path) -> None:
        """Write a file from an object, as long as the object is the one that was looked at.

        Raises:
            OSError: It cannot be read, or is another one now.
        """
        with path.open("wb") as file, self._plain_errors(facts.key):
            for begin in range(0, facts.size, PART_BYTES):
                span = (begin, min(begin + PART_BYTES, facts.size))
                options = {"range": span, "if_match": facts.etag}
                file.write(self._obstore.get(self._store, facts.key, options=options).bytes())

    def delete(self, key: str) -> None:
        """Remove an object; none of that key is no error.

        Raises:
            OSError: It cannot be removed.
        """
        try:
            with self._plain_errors(key):
                self._obstore.delete(self._store, key)
        except FileNotFoundError:  # S3 says nothing, the others do
            return

    def delete_many(self, keys: Sequence[str]) -> None:
        """Remove objects in no order; those that are not there are no error.

        Raises:
            OSError: One cannot be removed.
        """
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="objects") as pool:
            list(pool.map(self.delete, keys))

    def find(self, folder: str) -> Iterator[ObjectFacts]:
        """Yield the objects below a folder, at any depth, in no order.

        Raises:
            OSError: There is no such bucket, or it cannot be listed.
        """
        with self._plain_errors(folder):
            for page in self._obstore.list(self._store, folder or None):
                yield from map(_facts, page)

    def entries(self, folder: str) -> tuple[list[str], list[str]]:
        """Return the keys of the objects in a folder, and of the folders in it.

        Raises:
            OSError: There is no such bucket, or it cannot be listed.
        """
        with self._plain_errors(folder):
            found = self._obstore.list_with_delimiter(self._store, folder or None)
            return [entry["path"] for entry in found["objects"]], list(found["common_prefixes"])

    @contextmanager
    def _plain_errors(self, key: str) -> Iterator[None]:
        address = f"{self.name}/{key}"
        try:
            yield
        except self._errors.AlreadyExistsError as error:
            raise FileExistsError(errno.EEXIST, "exists already", address) from error
        except (self._errors.PermissionDeniedError, self._errors.UnauthenticatedError) as error:
            raise PermissionError(errno.EACCES, "access denied", address) from error
        except self._errors.PreconditionError as error:
            raise OSError(errno.ESTALE, "changed while it was read", address) from error
        except FileNotFoundError as error:
            if _NO_BUCKET.search(str(error)):
                raise OSError(errno.ENXIO, "no such bucket", self.name) from error
            if error.filename is not None:  # of a file of this machine
                raise
            raise FileNotFoundError(errno.ENOENT, "no such object", address) from error
        except (self._errors.BaseError, ValueError) as error:
            if _NO_BUCKET.search(str(error)):
                raise OSError(errno.ENXIO, "no such bucket", self.name) from error
            if _DENIED.search(str(error)) and not _METADATA.search(str(error)):
                raise PermissionError(errno.EACCES, "access denied", address) from error
            raise OSError(errno.EIO, _words(error), address) from error


def import_obstore() -> Any:
    """Return obstore.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        importlib.import_module("obstore.exceptions")
        return importlib.import_module("obstore")
    except ImportError as error:
        message = 'obstore is not installed: pip install "pairsift[cloud]"'
        raise MissingExtraError(message) from error


def as_address(place: str | Path) -> str | None:
    """Return the address of a place in an object store, or None for one on this machine.

    A ``Path`` that was made of an address has lost one of its slashes; it is put back.

    Raises:
        UsageError: It is an address of another kind.

    Example:
        >>> as_address(Path("S3://photos/a.csv"))
        's3://photos/a.csv'
        >>> as_address("photos/a.csv") is None
        True
    """
    found = _REMOTE.match(str(place))
    if found is None or not (found[2] or isinstance(place, Path)):
        return None
    scheme, rest = found[1].lower(), str(place)[found.end() :]
    if scheme in SCHEMES:
        return f"{scheme}://{rest}"
    if not found[2]:
        return None  # a folder with a colon in its name
    message = f"{place}: {scheme}:// is no place for tables and runs; accepted: s3, gs, az"
    raise UsageError(message)


def split_key(text: str) -> tuple[str, str]:
    """Return bucket and key of an address; the key is taken as it is, nothing is unescaped.

    Args:
        text: ``s3://BUCKET/KEY`` or the like.

    Example:
        >>> split_key("S3://photos/2024/a cat.jpg")
        ('s3://photos', '2024/a cat.jpg')
    """
    scheme, _, rest = text.partition("://")
    bucket, _, key = rest.partition("/")
    return f"{scheme.lower()}://{bucket}", key


def _as_bytes(data: bytes | memoryview) -> bytes | memoryview:
    # Arrow's buffers are of signed bytes, which obstore takes for an iterator of numbers.
    return data.cast("B") if isinstance(data, memoryview) else data


def _facts(plain: Any) -> ObjectFacts:
    return ObjectFacts(plain["path"], plain["size"], plain["e_tag"] or "")


def _words(error: Exception) -> str:
    """Return in short what an error says, without queries, which may hold a signature."""
    text = str(error)
    if _METADATA.search(text):
        return "no credentials in the environment (AWS_…, GOOGLE_…, AZURE_…), nor from this machine"
    if found := _ANSWER.search(text):
        return f"the store answers {found[1].strip()}"
    if "error sending request" in text:
        return "the store cannot be reached, or does not answer in time"
    lines = text.splitlines() or [type(error).__name__]
    return " ".join(re.sub(r"\?\S+", "?…", lines[0]).split())[:250]
