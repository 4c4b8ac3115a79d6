"""Reference to bytes: what a cell of the image column refers to.

A path in a table is somebody else's input: relative paths start at the root, and nothing outside
it is opened, whether by ``..``, by an absolute path or by a link.
"""

import errno
import os
import re
import stat
from pathlib import Path

from pairsift.config import ImageConfig
from pairsift.errors import ImageError, UsageError
from pairsift.statuses import RowStatus

_SCHEME = re.compile(r"^([a-zA-Z][a-zA-Z0-9+.-]+):")


class Sources:
    """Reads the images that a table refers to.

    Args:
        root: Folder that relative paths start from and that no path may leave.
        config: The limit of bytes.

    Raises:
        UsageError: The root is not a folder.
    """

    def __init__(self, root: Path, config: ImageConfig) -> None:
        if not root.is_dir():
            message = f"no such folder: {root} (hint: --image-root)"
            raise UsageError(message)
        self.root = root.resolve()
        self._max_bytes = config.max_image_bytes

    def read(self, reference: bytes) -> bytes:
        """Return the bytes that a reference stands for; safe to call from many threads.

        Args:
            reference: The cell, UTF-8.

        Raises:
            ImageError: It cannot be read, or must not be; says why.
        """
        text = _text(reference)
        if scheme := _SCHEME.match(text):
            name = scheme.group(1).lower()
            reason = f"{name}: references are not enabled; only paths below the image root are"
            raise ImageError(RowStatus.IMAGE_NOT_ALLOWED, reason)
        path = self._confine(text)
        try:
            # Not blocking: a pipe without a writer would wait for ever.
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise _open_error(error, text) from error
        try:
            facts = os.fstat(handle)
            if stat.S_ISDIR(facts.st_mode):
                raise ImageError(RowStatus.IMAGE_NOT_A_FILE, f"a directory: {text}")
            if not stat.S_ISREG(facts.st_mode):
                raise ImageError(RowStatus.IMAGE_NOT_A_FILE, f"not a regular file: {text}")
            if facts.st_size > self._max_bytes:
                reason = f"{facts.st_size} bytes, more than max_image_bytes {self._max_bytes}"
                raise ImageError(RowStatus.IMAGE_TOO_LARGE, reason)
            with os.fdopen(handle, "rb", closefd=False) as file:
                data = file.read(self._max_bytes + 1)
        except OSError as error:
            reason = f"{text}: {error.strerror}"
            raise ImageError(RowStatus.IMAGE_UNREADABLE, reason) from error
        finally:
            os.close(handle)
        if not data:
            raise ImageError(RowStatus.IMAGE_EMPTY, f"the file has no bytes: {text}")
        return data

    def _confine(self, text: str) -> Path:
        """Return the real path, or refuse one that leaves the root."""
        try:
            path = (self.root / text).resolve()
        except (OSError, RuntimeError) as error:
            # A loop of links, or a part that may not be looked into.
            raise ImageError(RowStatus.IMAGE_UNREADABLE, f"{text}: {error}") from error
        if not path.is_relative_to(self.root):
            reason = f"leaves the image root: {text} (hint: --image-root)"
            raise ImageError(RowStatus.IMAGE_OUTSIDE_ROOT, reason)
        return path


def _text(reference: bytes) -> str:
    try:
        text = reference.decode("utf-8")
    except UnicodeDecodeError as error:
        reason = "the image reference is not valid UTF-8"
        raise ImageError(RowStatus.IMAGE_NOT_FOUND, reason) from error
    if "\0" in text:
        reason = "the image reference holds a NUL"
        raise ImageError(RowStatus.IMAGE_NOT_FOUND, reason)
    text = text.strip()
    if not text:
        raise ImageError(RowStatus.IMAGE_NULL, "the image cell is empty")
    return text


def _open_error(error: OSError, text: str) -> ImageError:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return ImageError(RowStatus.IMAGE_NOT_FOUND, f"no such file: {text}")
    if error.errno == errno.ENAMETOOLONG:
        return ImageError(RowStatus.IMAGE_NOT_FOUND, f"name too long: {text[:60]}…")
    if error.errno in (errno.ENXIO, errno.ENODEV):
        return ImageError(RowStatus.IMAGE_NOT_A_FILE, f"not a regular file: {text}")
    return ImageError(RowStatus.IMAGE_UNREADABLE, f"{text}: {error.strerror}")
