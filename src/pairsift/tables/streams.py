"""A file's bytes from any place, plain or compressed, and compressed outputs.

Arrow's own codecs inflate no more than is asked for, so that a small file that would become a
huge one never does so in memory.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from pairsift.errors import TableFormatError
from pairsift.tables.outputs import open_output

CODECS = {".gz": "gzip", ".zst": "zstd", ".tgz": "gzip"}
SKIP_BYTES = 1 << 20


class Readable(Protocol):
    """What records are read from."""

    def read(self, size: int, /) -> bytes:
        """Return ``size`` bytes; fewer only at the end."""


class Writable(Protocol):
    """What records are written to."""

    def write(self, data: bytes, /) -> object:
        """Append bytes."""


def codec_of(path: Path) -> str | None:
    """Return the codec that a file's suffix names, or None for a plain file.

    Example:
        >>> codec_of(Path("pairs.csv.gz"))
        'gzip'
    """
    return CODECS.get(path.suffix.lower())


def plain_suffix(path: Path) -> str:
    """Return the suffix under the compression's, lower case.

    Example:
        >>> plain_suffix(Path("pairs.TSV.zst"))
        '.tsv'
    """
    return (Path(path.stem) if codec_of(path) else path).suffix.lower()


@contextmanager
def open_input(path: Path, position: int = 0) -> Iterator[Readable]:
    """Open a file for reading at an offset of what it holds.

    A compressed file is inflated up to there: a codec cannot begin in the middle.

    Args:
        path: Compressed where its suffix says so.
        position: Offset, uncompressed.

    Raises:
        TableFormatError: Later, on reading: the archive is damaged or cut off.
    """
    codec = codec_of(path)
    if codec is None:
        with path.open("rb") as file:
            file.seek(position)
            yield file
        return
    with path.open("rb") as file:
        inflated = _Inflated(pa.CompressedInputStream(pa.PythonFile(file, mode="r"), codec), path)
        while position > 0 and (skipped := inflated.read(min(position, SKIP_BYTES))):
            position -= len(skipped)
        yield inflated


class Archive:
    """Bytes at ascending places of a file, compressed or not.

    Going back is right but slow in a compressed one: it is inflated again from its start.

    Args:
        path: Compressed where its suffix says so.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stack = ExitStack()
        self._is_plain = codec_of(path) is None
        self._open()

    def read_at(self, position: int, size: int) -> bytes:
        """Return the bytes at a place; fewer where the file ends."""
        if not self._seek(position):
            return b""
        data = self._file.read(size)
        self._at += len(data)
        return data

    def reaches(self, position: int) -> bool:
        """Say whether the file has that many bytes."""
        if self._is_plain:
            return position <= self._size
        return self._at >= position or self._seek(position)

    def close(self) -> None:
        """Close the file."""
        self._stack.close()

    def _open(self) -> None:
        self._at = 0
        if self._is_plain:
            file = self._stack.enter_context(self._path.open("rb", buffering=0))
            self._size = os.fstat(file.fileno()).st_size
            self._file: Readable = file
            self._handle = file
        else:
            self._file = self._stack.enter_context(open_input(self._path))

    def _seek(self, position: int) -> bool:
        """Go to a place; return whether there is one."""
        if self._is_plain:
            self._handle.seek(position)
            return True
        if position < self._at:
            self._stack.close()
            self._open()
        while self._at < position:
            skipped = self._file.read(min(position - self._at, SKIP_BYTES))
            if not skipped:
                return False
            self._at += len(skipped)
        return True


@contextmanager
def open_text_output(path: Path | None) -> Iterator[Writable]:
    """Open an output that appears when the context ends well, compressed as its suffix says."""
    with open_output(path) as file:
        codec = None if path is None else codec_of(path)
        if codec is None:
            yield file
            return
        stream = pa.CompressedOutputStream(pa.PythonFile(_KeptOpen(file), mode="w"), codec)
        try:
            yield stream
        finally:
            stream.close()


class _Inflated:
    """Reads as many bytes as asked for, where Arrow's stream may give fewer."""

    def __init__(self, stream: Any, path: Path) -> None:
        self._stream = stream
        self._name = path.name

    def read(self, size: int, /) -> bytes:
        parts = []
        try:
            while size > 0 and (part := self._stream.read(size)):
                parts.append(part)
                size -= len(part)
        except (pa.ArrowException, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            words = str(error).split("\n")[0]
            message = f"{self._name}: the archive is damaged or cut off: {words}"
            raise TableFormatError(message) from error
        return b"".join(parts)


class _KeptOpen:
    """A file that outlives the codec's stream, which closes what it writes to."""

    closed = False

    def __init__(self, file: Any) -> None:
        self._file = file

    def write(self, data: bytes) -> int:
        return int(self._file.write(data))

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        pass
