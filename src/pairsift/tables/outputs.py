"""An output file that appears whole or not at all."""

import os
import secrets
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, BinaryIO

from pairsift.errors import OutputExistsError
from pairsift.objects import Bucket, as_address, split_key

Facts = dict[str, Any]
Tell = Callable[[Facts], None]

_TELL: ContextVar[Tell | None] = ContextVar("tell", default=None)


@contextmanager
def told_before_naming(tell: Tell) -> Iterator[None]:
    """Have each output's facts told just before it takes its name.

    Whoever is killed between that moment and its own note of success can then tell its file from
    one that somebody else put there.

    Args:
        tell: Called with what ``describe_file`` gives; of an object in a store, whose version is
            not known yet, with its path and its size.
    """
    token = _TELL.set(tell)
    try:
        yield
    finally:
        _TELL.reset(token)


def describe_file(path: Path, status: os.stat_result) -> Facts:
    """Return what tells a written table from a changed one.

    Args:
        path: Its real path.
        status: Its own, under whatever name.
    """
    return {"path": str(path), "size": status.st_size, "mtime_ns": status.st_mtime_ns}


@contextmanager
def open_output(path: Path | None) -> Iterator[BinaryIO]:
    """Open a file for writing that takes its name only when the context ends well.

    The bytes go to a hidden file beside the target, which is flushed to disk and renamed; after
    an exception or an interruption it is removed, and whatever had the name before is untouched.
    A target that exists and is no regular file (``/dev/null``, a pipe) is written to directly.
    One in an object store is written beside the system's temporary files and put there whole.

    Args:
        path: The target, or None for standard output. An existing file is replaced: whether that
            is wanted is for the caller to ask first.

    Yields:
        A binary file.

    Raises:
        OutputExistsError: The target is a folder, or its place cannot be written to.
        OSError: The object store cannot be written to.
    """
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if (address := as_address(path)) is not None:
        name, key = split_key(address)
        with tempfile.TemporaryDirectory(prefix="pairsift-") as folder:
            whole = Path(folder, "whole")
            with whole.open("wb") as stream:
                yield stream
            _tell({"path": address, "size": whole.stat().st_size})
            Bucket(name).upload(key, whole)
        return
    # A link is followed, so that the file it names is replaced and not the link.
    target = Path(os.path.realpath(path))
    if _is_special(target, path):
        with target.open("wb") as stream:
            yield stream
        return
    part = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.part")
    try:
        stream = part.open("xb")
    except OSError as error:
        raise OutputExistsError(f"cannot write {path}: {error.strerror}") from error
    try:
        with stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        _tell(describe_file(target, part.stat()))
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    _sync_folder(target.parent)


def take_folder_name(part: Path, folder: Path) -> None:
    """Give a finished folder its name; an earlier one is there until it has it.

    Args:
        part: The finished folder, beside the other.
        folder: Its name; what has it is replaced.
    """
    if not folder.exists():
        part.rename(folder)
        return
    old = folder.with_name(f"{part.name}.old")
    folder.rename(old)
    try:
        part.rename(folder)
    except OSError:
        old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def check_local(path: Path) -> None:
    """Refuse a place in an object store, where a command writes to this machine only.

    Raises:
        OutputExistsError: It is one.
    """
    if (address := as_address(path)) is not None:
        message = f"{address} is in an object store, where only `score` writes; name a place here"
        raise OutputExistsError(message)


def _tell(facts: Facts) -> None:
    tell = _TELL.get()
    if tell is not None:
        tell(facts)


def _is_special(target: Path, path: Path) -> bool:
    try:
        mode = target.stat().st_mode
    except OSError:
        return False
    if stat.S_ISDIR(mode):
        raise OutputExistsError(f"cannot write {path}: it is a folder")
    return not stat.S_ISREG(mode)


def _sync_folder(folder: Path) -> None:
    # The rename must reach the disk too; a system that cannot open a folder sees to it itself.
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
