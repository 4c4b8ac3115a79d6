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

# A colon alone is a letter of many file names; a drive letter is no scheme.
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://|(data|file|https?|s3|gs|az|ftp):", re.IGNORECASE)
_WAYS_OUT = {
    "http": "URLs are not fetched; download the images and give their paths",
    "s3": "object stores are not read; copy the images and give their paths",
    "data": "embedded images are not read from text; use a binary column of a Parquet table",
    "file": "give the path itself",
}
_WAYS_OUT |= {"https": _WAYS_OUT["http"], "gs": _WAYS_OUT["s3"], "az": _WAYS_OUT["s3"]}
# Not blocking, should a file become a pipe after it was looked at; not following, should it become
# a link that leads outside. Some systems lack some of these, and one needs a word for bytes.
_OPEN_FLAGS = os.O_RDONLY
for _name in ("O_NONBLOCK", "O_NOFOLLOW", "O_CLOEXEC", "O_BINARY"):
    _OPEN_FLAGS |= getattr(os, _name, 0)
_MAX_PATH_BYTES = 4096  # PATH_MAX of Linux: nothing longer can be opened


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
            name = (scheme[1] or scheme[2]).lower()
            way_out = _WAYS_OUT.get(name, "only paths below the image root are")
            reason = f"{name}: references are not supported yet: {way_out}"
            raise ImageError(RowStatus.IMAGE_NOT_ALLOWED, reason)
        if len(reference) > _MAX_PATH_BYTES:
            raise ImageError(RowStatus.IMAGE_NOT_FOUND, f"name too long: {_shown(text)}")
        try:
            return self._read_file(self._confine(text), text)
        except ImageError as error:
            # Tables made on Windows: tried only where the name as it stands is no file.
            if error.status is not RowStatus.IMAGE_NOT_FOUND or "\\" not in text:
                raise
            return self._read_file(self._confine(text.replace("\\", "/")), text)

    def _read_file(self, path: Path, text: str) -> bytes:
        shown = _shown(text)
        try:
            # Looked at before it is opened: opening a device can have effects.
            if not stat.S_ISREG(path.stat().st_mode):
                raise _no_file(path.stat().st_mode, shown)
            handle = os.open(path, _OPEN_FLAGS)
        except OSError as error:
            raise _open_error(error, shown) from error
        try:
            facts = os.fstat(handle)
            if not stat.S_ISREG(facts.st_mode):
                raise _no_file(facts.st_mode, shown)
            if facts.st_size > self._max_bytes:
                reason = f"{facts.st_size} bytes, more than max_image_bytes {self._max_bytes}"
                raise ImageError(RowStatus.IMAGE_TOO_LARGE, reason)
            with os.fdopen(handle, "rb", closefd=False) as file:
                # The buffer is as large as asked for, so no more than the file is asked for.
                data = file.read(facts.st_size)
        except OSError as error:
            reason = f"{shown}: {error.strerror}"
            raise ImageError(RowStatus.IMAGE_UNREADABLE, reason) from error
        finally:
            os.close(handle)
        if not data:
            raise ImageError(RowStatus.IMAGE_EMPTY, f"the file has no bytes: {shown}")
        return data

    def _confine(self, text: str) -> Path:
        """Return the real path, or refuse one that leaves the root."""
        try:
            path = (self.root / text).resolve()
        except (OSError, RuntimeError) as error:
            # A loop of links, or a part that may not be looked into.
            reason = f"a loop of links, or a part that cannot be read: {_shown(text)}"
            raise ImageError(RowStatus.IMAGE_UNREADABLE, reason) from error
        except UnicodeEncodeError as error:
            # A locale without UTF-8: no file here can have that name.
            reason = f"this system's file names have no such letters: {_shown(text)}"
            raise ImageError(RowStatus.IMAGE_NOT_FOUND, reason) from error
        if not path.is_relative_to(self.root):
            reason = f"leaves the image root: {_shown(text)} (hint: --image-root)"
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


def _shown(text: str) -> str:
    return text if len(text) <= 200 else text[:60] + "…"


def _no_file(mode: int, shown: str) -> ImageError:
    what = "a directory" if stat.S_ISDIR(mode) else "not a regular file"
    return ImageError(RowStatus.IMAGE_NOT_A_FILE, f"{what}: {shown}")


def _open_error(error: OSError, shown: str) -> ImageError:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return ImageError(RowStatus.IMAGE_NOT_FOUND, f"no such file: {shown}")
    if error.errno == errno.ENAMETOOLONG:
        return ImageError(RowStatus.IMAGE_NOT_FOUND, f"name too long: {shown}")
    if error.errno in (errno.ENXIO, errno.ENODEV):
        return ImageError(RowStatus.IMAGE_NOT_A_FILE, f"not a regular file: {shown}")
    return ImageError(RowStatus.IMAGE_UNREADABLE, f"{shown}: {error.strerror}")
