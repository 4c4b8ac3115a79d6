"""An output file that appears whole or not at all."""

import os
import secrets
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pairsift.errors import OutputExistsError
from pairsift.objects import Bucket, as_address, split_key


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
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    _sync_folder(target.parent)


def check_local(path: Path) -> None:
    """Refuse a place in an object store, where a command writes to this machine only.

    Raises:
        OutputExistsError: It is one.
    """
    if (address := as_address(path)) is not None:
        message = f"{address} is in an object store, where only `score` writes; name a place here"
        raise OutputExistsError(message)


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
