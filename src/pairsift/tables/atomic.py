"""A file that appears whole or not at all."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pairsift.errors import OutputExistsError

_UNWRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EISDIR)


@contextmanager
def atomic_file(path: Path | None) -> Iterator[BinaryIO]:
    """Open a file under a temporary name that is renamed when the context ends well.

    Args:
        path: Where the file appears; None for standard output, which is only flushed.

    Yields:
        The open file.

    Raises:
        OutputExistsError: The place cannot be written to.
    """
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        file = temporary.open("wb")
    except OSError as error:
        if error.errno in _UNWRITABLE:
            message = f"cannot write {path}: {error.strerror}"
            raise OutputExistsError(message) from error
        raise
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
