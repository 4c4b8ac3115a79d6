"""Paths: files below the image root.

A path in a table is somebody else's input: relative paths start at the root, and nothing outside
it is opened, whether by ``..``, by an absolute path or by a link.
"""

import errno
import os
import stat
from pathlib import Path

from pairsift.errors import ImageError, UsageError
from pairsift.statuses import RowStatus

# Not blocking, should a file become a pipe after it was looked at; not following, should it become
# a link that leads outside. Some systems lack some of these, and one needs a word for bytes.
_OPEN_FLAGS = os.O_RDONLY
for _name in ("O_NONBLOCK", "O_NOFOLLOW", "O_CLOEXEC", "O_BINARY"):
    _OPEN_FLAGS |= getattr(os, _name, 0)
MAX_PATH_BYTES = 4096  # PATH_MAX of Linux: nothing longer can be opened


class PathReader:
    """Reads files below one folder and nothing else.

    Args:
        root: Folder that relative paths start from and that no path may leave.
        max_bytes: Of a file.

    Raises:
        UsageError: The root is not a folder.
    """

    def __init__(self, root: Path, max_bytes: int) -> None:
        if not root.is_dir():
            message = f"no such folder: {root} (hint: --image-root)"
            raise UsageError(message)
        self.root = root.resolve()
        self._max_bytes = max_bytes

    def read(self, text: str) -> bytes:
        """Return the bytes of a file; safe to call from many threads.

        Args:
            text: A path, relative to the root or below it.

        Raises:
            ImageError: It cannot be read, or must not be; says why.
        """
        if len(text) > MAX_PATH_BYTES:
            raise ImageError(RowStatus.IMAGE_NOT_FOUND, f"name too long: {shown(text)}")
        try:
            return self._read_file(self._confine(text), text)
        except ImageError as error:
            # Tables made on Windows: tried only where the name as it stands is no file.
            if error.status is not RowStatus.IMAGE_NOT_FOUND or "\\" not in text:
                raise
            return self._read_file(self._confine(text.replace("\\", "/")), text)

    def _read_file(self, path: Path, text: str) -> bytes:
        name = shown(text)
        try:
            # Looked at before it is opened: opening a device can have effects.
            if not stat.S_ISREG(path.stat().st_mode):
                raise _no_file(path.stat().st_mode, name)
            handle = os.open(path, _OPEN_FLAGS)
        except OSError as error:
            raise _open_error(error, name) from error
        try:
            facts = os.fstat(handle)
            if not stat.S_ISREG(facts.st_mode):
                raise _no_file(facts.st_mode, name)
            if not self._is_inside(handle, path):
                raise _outside(name)
            if facts.st_size > self._max_bytes:
                reason = f"{facts.st_size} bytes, more than max_image_bytes {self._max_bytes}"
                raise ImageError(RowStatus.IMAGE_TOO_LARGE, reason)
            with os.fdopen(handle, "rb", closefd=False) as file:
                # The buffer is as large as asked for, so no more than the file is asked for.
                data = file.read(facts.st_size)
        except OSError as error:
            reason = f"{name}: {error.strerror}"
            raise ImageError(RowStatus.IMAGE_UNREADABLE, reason) from error
        finally:
            os.close(handle)
        if not data:
            raise ImageError(RowStatus.IMAGE_EMPTY, f"the file has no bytes: {name}")
        return data

    def _confine(self, text: str) -> Path:
        """Return the real path, or refuse one that leaves the root."""
        try:
            path = (self.root / text).resolve()
        except (OSError, RuntimeError) as error:
            # A loop of links, or a part that may not be looked into.
            reason = f"a loop of links, or a part that cannot be read: {shown(text)}"
            raise ImageError(RowStatus.IMAGE_UNREADABLE, reason) from error
        except UnicodeEncodeError as error:
            # A locale without UTF-8: no file here can have that name.
            reason = f"this system's file names have no such letters: {shown(text)}"
            raise ImageError(RowStatus.IMAGE_NOT_FOUND, reason) from error
        if not path.is_relative_to(self.root):
            raise _outside(shown(text))
        return path

    def _is_inside(self, handle: int, path: Path) -> bool:
        """Say whether an open file lies below the root.

        Between looking and opening, a folder on the way may have become a link.
        """
        try:
            opened = Path(f"/proc/self/fd/{handle}").readlink()
        except OSError:  # no /proc: a folder that is a link by now is seen as one
            opened = path.resolve()
        return opened.is_relative_to(self.root)


def shown(text: str) -> str:
    """Return a reference as an error may show it: cut where it is long."""
    return text if len(text) <= 200 else text[:60] + "…"


def _outside(name: str) -> ImageError:
    reason = f"leaves the image root: {name} (hint: --image-root)"
    return ImageError(RowStatus.IMAGE_OUTSIDE_ROOT, reason)


def _no_file(mode: int, name: str) -> ImageError:
    what = "a directory" if stat.S_ISDIR(mode) else "not a regular file"
    return ImageError(RowStatus.IMAGE_NOT_A_FILE, f"{what}: {name}")


def _open_error(error: OSError, name: str) -> ImageError:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return ImageError(RowStatus.IMAGE_NOT_FOUND, f"no such file: {name}")
    if error.errno == errno.ENAMETOOLONG:
        return ImageError(RowStatus.IMAGE_NOT_FOUND, f"name too long: {name}")
    if error.errno in (errno.ENXIO, errno.ENODEV):
        return ImageError(RowStatus.IMAGE_NOT_A_FILE, f"not a regular file: {name}")
    return ImageError(RowStatus.IMAGE_UNREADABLE, f"{name}: {error.strerror}")
