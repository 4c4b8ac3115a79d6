"""A run folder in a bucket: every object is one atomic put, and commits are conditional ones."""

import io
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pairsift.objects import Bucket, split_key


class BucketStore:
    """Objects below one address; pickled, it is that address.

    Args:
        location: ``s3://BUCKET/FOLDER``, or the like with ``gs`` or ``az``.

    Raises:
        MissingExtraError: obstore is not installed.
        UsageError: It names no bucket.

    Names are as in ``FolderStore``.
    """

    def __init__(self, location: str) -> None:
        bucket, folder = split_key(location)
        self._bucket = Bucket(bucket)
        self._folder = folder.strip("/")
        self._copies: Path | None = None

    def __reduce__(self) -> tuple[object, ...]:
        return BucketStore, (self.location,)

    @property
    def location(self) -> str:
        """The address."""
        return f"{self._bucket.name}/{self._folder}"

    def path(self, name: str) -> Path:
        """Return a copy of an object on this machine, which lives as long as this store.

        Raises:
            FileNotFoundError: There is none.
            OSError: It cannot be read.
        """
        if self._copies is None:
            self._copies = Path(tempfile.mkdtemp(prefix="pairsift-run-"))
            weakref.finalize(self, shutil.rmtree, self._copies, ignore_errors=True)
        copy = self._copies / name
        if not copy.is_file():
            copy.parent.mkdir(exist_ok=True)
            copy.write_bytes(self.read(name))
        return copy

    def readable(self, name: str) -> io.BytesIO:
        """Return an object as a file to read.

        Raises:
            FileNotFoundError: There is none.
            OSError: It cannot be read.
        """
        return io.BytesIO(self.read(name))

    def exists(self, name: str) -> bool:
        """Say whether there is such an object."""
        return self._bucket.facts(self._key(name)) is not None

    def read(self, name: str) -> bytes:
        """Return an object's bytes.

        Raises:
            FileNotFoundError: There is none.
            OSError: It cannot be read.
        """
        return self._bucket.read(self._key(name))

    def read_many(self, names: Sequence[str]) -> Iterator[bytes]:
        """Yield the bytes of objects, in order; several are on their way at once.

        Raises:
            FileNotFoundError: One is not there.
            OSError: One cannot be read.
        """
        return self._bucket.read_many([self._key(name) for name in names])

    def names(self, folder: str) -> list[str]:
        """Return the names of the objects in a folder, sorted; none where it is missing."""
        objects, _ = self._bucket.entries(self._key(folder))
        return _seen(self._name(key) for key in objects)

    def entries(self) -> list[str]:
        """Return the names of everything at the top, objects and folders, sorted."""
        objects, folders = self._bucket.entries(self._folder)
        return _seen(self._name(key) for key in (*objects, *folders))

    def put(self, name: str, data: bytes | memoryview, *, is_durable: bool = True) -> None:
        """Write an object, replacing one of that name; a store keeps everything durably."""
        del is_durable
        self._bucket.put(self._key(name), data)

    def put_if_absent(self, name: str, data: bytes | memoryview) -> bool:
        """Write an object unless there is one of that name: of several writers one wins.

        Returns:
            Whether it was written by this call.
        """
        return self._bucket.create(self._key(name), data)

    @contextmanager
    def writing(self, name: str) -> Iterator[IO[bytes]]:
        """Open a large object for writing; it is put when the context ends well."""
        with tempfile.NamedTemporaryFile(prefix="pairsift-", suffix=".part") as file:
            yield file
            file.flush()
            self._bucket.upload(self._key(name), Path(file.name))

    def delete(self, name: str) -> None:
        """Remove an object; none of that name is no error."""
        self._bucket.delete(self._key(name))

    def delete_many(self, names: Sequence[str]) -> None:
        """Remove objects in no order; those that are not there are no error."""
        self._bucket.delete_many([self._key(name) for name in names])

    def sweep(self, folders: Sequence[str]) -> None:
        """Do nothing: a put that was cut off left no object."""

    def _key(self, name: str) -> str:
        return f"{self._folder}/{name}" if self._folder else name

    def _name(self, key: str) -> str:
        return key.removeprefix(f"{self._folder}/") if self._folder else key


def _seen(names: Iterable[str]) -> list[str]:
    """Return names sorted, without hidden ones, such as what a killed driver had put."""
    return sorted(name for name in names if not name.rpartition("/")[2].startswith("."))
