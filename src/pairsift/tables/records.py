"""Delimited text as bytes: records with their own terminators, cells, and nothing lost.

The standard library's reader hands out cells; what stood between them is gone. Here a record is
the exact bytes of the file, so that what goes back is what came in.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from pairsift.errors import TableFormatError

CHUNK_BYTES = 1 << 20
MAX_RECORD_BYTES = 64 << 20
"""A record longer than this is taken for a quote that never closes."""

QUOTE = b'"'


@dataclass(frozen=True)
class Dialect:
    """How the cells of a record are told apart.

    Args:
        delimiter: One byte.
    """

    delimiter: bytes

    def record_pattern(self) -> re.Pattern[bytes]:
        """Return what matches one record and, as its group, its terminator.

        A quote opens a quoted cell only at the cell's start, and after the closing quote anything
        up to the delimiter belongs to the cell, as in Python's ``csv``.
        """
        mark = re.escape(self.delimiter)
        plain = rb"[^%b\r\n]*+" % mark
        cell = rb'(?:"(?:[^"]++|"")*+"%b|[^"%b\r\n]%b)?+' % (plain, mark, plain)
        return re.compile(rb"%b(?:%b%b)*+(\r\n|\r|\n)" % (cell, mark, cell))

    def split(self, body: bytes) -> list[bytes]:
        """Return the cells of a record without its terminator, quotes removed.

        Example:
            >>> Dialect(b",").split(b'1,"a ""b"", c",')
            [b'1', b'a "b", c', b'']
        """
        if QUOTE not in body:
            return body.split(self.delimiter)
        cells = []
        at = 0
        while True:
            end, cell = self._cell(body, at)
            cells.append(cell)
            if end >= len(body):
                return cells
            at = end + 1

    def _cell(self, body: bytes, begin: int) -> tuple[int, bytes]:
        if body[begin : begin + 1] != QUOTE:
            end = body.find(self.delimiter, begin)
            end = len(body) if end < 0 else end
            return end, body[begin:end]
        at = begin + 1
        parts = []
        while True:
            close = body.index(QUOTE, at)
            parts.append(body[at:close])
            if body[close + 1 : close + 2] != QUOTE:
                break
            parts.append(QUOTE)
            at = close + 2
        end = body.find(self.delimiter, close + 1)
        end = len(body) if end < 0 else end
        return end, b"".join(parts) + body[close + 1 : end]


def split_terminator(record: bytes) -> tuple[bytes, bytes]:
    r"""Return a record's body and its terminator.

    Example:
        >>> split_terminator(b"a,b\r\n")
        (b'a,b', b'\r\n')
    """
    if record.endswith(b"\r\n"):
        return record[:-2], record[-2:]
    if record.endswith((b"\n", b"\r")):
        return record[:-1], record[-1:]
    return record, b""


def read_records(file: BinaryIO, dialect: Dialect) -> Iterator[bytes]:
    """Yield the records of a file from where it stands; joined they are the file.

    Args:
        file: Open for reading bytes.
        dialect: How cells are told apart.

    Yields:
        Each record with its terminator; blank lines are records of their own.

    Raises:
        TableFormatError: A quote never closes; its line in the rest of the file is named.
    """
    match = dialect.record_pattern().match
    buffer, at, line, size = b"", 0, 0, CHUNK_BYTES
    while True:
        chunk = file.read(size)
        if not chunk:
            break
        buffer, at = buffer[at:] + chunk, 0
        if QUOTE not in buffer and b"\r" not in buffer:
            *whole, rest = buffer.split(b"\n")
            line += len(whole)
            for body in whole:
                yield body + b"\n"
            buffer = rest
            continue
        while found := match(buffer, at):
            # A carriage return at the very end may be half of a pair.
            if found.end() == len(buffer) and found.group(1) == b"\r":
                break
            yield buffer[at : found.end()]
            line += 1
            at = found.end()
        # A record longer than the buffer is read in growing steps, so that long stays linear.
        size = max(CHUNK_BYTES, len(buffer) - at)
        if len(buffer) - at > MAX_RECORD_BYTES:
            raise _unclosed(line, f"within {MAX_RECORD_BYTES} bytes")
    rest = buffer[at:]
    while rest and (found := match(rest)):
        yield rest[: found.end()]
        line += 1
        rest = rest[found.end() :]
    if not rest:
        return
    # The last record has no terminator of its own; with one it must be a record.
    if not (found := match(rest + b"\n")) or found.end() != len(rest) + 1:
        raise _unclosed(line, "before the end of the file")
    yield rest


def _unclosed(line: int, where: str) -> TableFormatError:
    return TableFormatError(
        f"a quote that opens in record {line + 1} after the header does not close {where}; "
        "fix that record, or nothing behind it could be told apart"
    )
