"""A copy of tars, byte for byte, with members of our own between."""

import tarfile
from pathlib import Path

from pairsift.tables.streams import Archive, Writable

COPY_BYTES = 1 << 20


class TarCopy:
    """Writes stretches of archives, and new members.

    Args:
        file: Open for writing.
    """

    def __init__(self, file: Writable) -> None:
        self._file = file
        self._source: tuple[Path, Archive] | None = None

    def take(self, path: Path, begin: int, end: int) -> None:
        """Append the bytes of an archive from one offset to another, padded if it ends before."""
        source = self._open(path)
        while begin < end and (chunk := source.read_at(begin, min(COPY_BYTES, end - begin))):
            self._file.write(chunk)
            begin += len(chunk)
        # The last member's padding may be missing; another one follows here.
        self._file.write(bytes(end - begin))

    def take_rest(self, path: Path, begin: int) -> None:
        """Append the bytes of an archive from an offset to its end."""
        source = self._open(path)
        while chunk := source.read_at(begin, COPY_BYTES):
            self._file.write(chunk)
            begin += len(chunk)

    def add(self, name: str, data: bytes) -> None:
        """Append a member without a time and an owner: the same rows are the same file."""
        info = tarfile.TarInfo(name)
        info.size = len(data)
        self._file.write(info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape"))
        self._file.write(data + bytes(-len(data) % tarfile.BLOCKSIZE))

    def close(self) -> None:
        """Close what is copied from."""
        if self._source is not None:
            self._source[1].close()
        self._source = None

    def _open(self, path: Path) -> Archive:
        """Return an archive, kept open: a compressed one is inflated once, member by member."""
        if self._source is None or self._source[0] != path:
            self.close()
            self._source = (path, Archive(path))
        return self._source[1]
