"""Where the objects of a run folder lie: whole or not at all, and never by halves after a crash.

A few verbs that a folder and an object store both have. Nothing else in the package opens a file
of a run folder for writing.
"""

import os
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import IO, Protocol

from pairsift.objects import as_address
from pairsift.runs.bucket_store import BucketStore

SWEEP_AFTER_SECONDS = 60.0
CLAIM_WAIT_SECONDS = 0.01


class RunStore(Protocol):
    """Where the objects of one run lie: a folder, or below an address in an object store.

    Names have forward slashes and at most one folder, such as ``commits/00000.json``. Every method
    raises OSError where the place cannot be reached; a missing object is FileNotFoundError.
    Pickled, a store is its location.
    """

    @property
    def location(self) -> str:
        """What ``open_store`` takes, and what messages say."""

    def path(self, name: str) -> Path:
        """Return a file of this machine with an object's bytes: itself, or a copy."""

    def readable(self, name: str) -> Path | IO[bytes]:
        """Return what a reader of Parquet opens."""

    def exists(self, name: str) -> bool:
        """Say whether there is such an object."""

    def read(self, name: str) -> bytes:
        """Return an object's bytes."""

    def read_many(self, names: Sequence[str]) -> Iterator[bytes]:
        """Yield the bytes of objects, in order."""

    def names(self, folder: str) -> list[str]:
        """Return the names of the objects in a folder, sorted; none where it is missing."""

    def entries(self) -> list[str]:
        """Return the names of everything at the top, objects and folders, sorted."""

    def put(self, name: str, data: bytes | memoryview, *, is_durable: bool = True) -> None:
        """Write an object whole, replacing one of that name."""

    def put_if_absent(self, name: str, data: bytes | memoryview) -> bool:
        """Write an object unless there is one of that name; say whether this call wrote it."""

    def writing(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Open a large object for writing; it takes its name when the context ends well."""

    def delete(self, name: str) -> None:
        """Remove an object; none of that name is no error."""

    def delete_many(self, names: Sequence[str]) -> None:
        """Remove objects in no order; those that are not there are no error."""

    def sweep(self, folders: Sequence[str]) -> None:
        """Remove what killed writers left half written, at the top and in some folders."""


def open_store(location: str | Path) -> RunStore:
    """Return the store of a run folder, whether it is there or not.

    Args:
        location: A folder, or ``s3://BUCKET/FOLDER`` and the like.

    Raises:
        MissingExtraError: It is in an object store, and what reads those is not installed.
        UsageError: It is an address of another kind.
    """
    address = as_address(location)
    if address is None:
        return FolderStore(Path(location))
    return BucketStore(address)


class FolderStore:
    """Objects as files below one folder.

    Args:
        root: The folder; made when the first object is put.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def location(self) -> str:
        """The folder, as it was given."""
        return str(self.root)

    def path(self, name: str) -> Path:
        """Return where an object lies, whether it is there or not."""
        return self.root / name

    def readable(self, name: str) -> Path:
        """Return where an object lies."""
        return self.path(name)

    def exists(self, name: str) -> bool:
        """Say whether there is such an object."""
        return self.path(name).is_file()

    def read(self, name: str) -> bytes:
        """Return an object's bytes.

        Raises:
            FileNotFoundError: There is none.
        """
        return self.path(name).read_bytes()

    def read_many(self, names: Sequence[str]) -> Iterator[bytes]:
        """Yield the bytes of objects, in order.

        Raises:
            FileNotFoundError: One is not there.
        """
        return map(self.read, names)

    def names(self, folder: str) -> list[str]:
        """Return the names of the objects in a folder, sorted; none where it is missing."""
        try:
            found = [path.name for path in (self.root / folder).iterdir()]
        except FileNotFoundError:
            return []
        return sorted(f"{folder}/{name}" for name in found if not name.startswith("."))

    def entries(self) -> list[str]:
        """Return the names of everything in the folder, sorted; none where it is missing.

        Raises:
            NotADirectoryError: A file is in its place.
        """
        try:
            found = sorted(path.name for path in self.root.iterdir())
        except FileNotFoundError:
            return []
        return [name for name in found if not name.startswith(".")]

    def put(self, name: str, data: bytes | memoryview, *, is_durable: bool = True) -> None:
        """Write an object, replacing one of that name.

        Args:
            name: Of the object.
            data: Its bytes.
            is_durable: It has to survive a power cut, not only the end of this process.
        """
        temporary = self._write(name, data, is_durable=is_durable)
        try:
            temporary.replace(self.path(name))
        finally:
            temporary.unlink(missing_ok=True)
        if is_durable:
            _sync_folder(temporary.parent)

    def put_if_absent(self, name: str, data: bytes | memoryview) -> bool:
        """Write an object unless there is one of that name: of several writers one wins.

        Returns:
            Whether it was written by this call.
        """
        target = self.path(name)
        if target.exists():
            return False
        temporary = self._write(name, data, is_durable=True)
        try:
            target.hardlink_to(temporary)
        except FileExistsError:
            return False
        except OSError:  # a file system without hard links
            if not _claim(target, temporary):
                return False
        finally:
            temporary.unlink(missing_ok=True)
        _sync_folder(target.parent)
        return True

    @contextmanager
    def writing(self, name: str) -> Iterator[IO[bytes]]:
        """Open a large object for writing; it takes its name when the context ends well."""
        target = self.path(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = _hidden(target)
        try:
            with temporary.open("xb") as file:
                yield file
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)

    def delete(self, name: str) -> None:
        """Remove an object; none of that name is no error."""
        self.path(name).unlink(missing_ok=True)

    def delete_many(self, names: Sequence[str]) -> None:
        """Remove objects; those that are not there are no error."""
        for name in names:
            self.delete(name)

    def sweep(self, folders: Sequence[str]) -> None:
        """Remove what killed writers left half written.

        Args:
            folders: In which to look, beside the top.
        """
        for folder in ("", *folders):
            for part in (self.root / folder).glob(".*.part"):
                # A younger one may be in the hands of another process.
                with suppress(FileNotFoundError):
                    if time.time() - part.stat().st_mtime > SWEEP_AFTER_SECONDS:
                        part.unlink()

    def _write(self, name: str, data: bytes | memoryview, *, is_durable: bool) -> Path:
        target = self.path(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = _hidden(target)
        try:
            with temporary.open("xb") as file:
                file.write(data)
                if is_durable:
                    file.flush()
                    os.fsync(file.fileno())
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return temporary


def _claim(target: Path, temporary: Path) -> bool:
    """Give a file its name unless somebody else does; say whether this call did.

    Whoever creates a hidden file beside the name may give it; the others wait for the result. A
    claim of a process that was killed is taken away like any other half, after a while.
    """
    claim = target.with_name(f".{target.name}.claim.part")
    while True:
        try:
            os.close(os.open(claim, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            break
        except FileExistsError:
            if target.exists():
                return False
            with suppress(FileNotFoundError):
                if time.time() - claim.stat().st_mtime > SWEEP_AFTER_SECONDS:
                    claim.unlink()
            time.sleep(CLAIM_WAIT_SECONDS)
    try:
        if target.exists():  # by one whose claim is gone already
            return False
        temporary.replace(target)
        return True
    finally:
        claim.unlink(missing_ok=True)


def _hidden(target: Path) -> Path:
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")


def _sync_folder(folder: Path) -> None:
    # The name must reach the disk too; a system that cannot open a folder sees to it itself.
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
