"""Delimited text as bytes: records, their line ends, their cells, and nothing lost.

The standard library's reader hands out cells; what stood between them is gone. Here every byte
belongs to one record, so that what goes back is what came in. The grammar is that of Python's
``csv``: a quote counts only at the start of a cell, a doubled one stands for itself, and what
follows a closing quote belongs to the cell.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pairsift.errors import TableFormatError
from pairsift.tables.streams import Readable

CHUNK_BYTES = 256 * 1024
MAX_RECORD_BYTES = 64 * 1024 * 1024
"""A quote that never closes must not pull a whole file into memory before it is noticed."""

_PLAIN_RECORD = re.compile(rb"([^\r\n]++)([\r\n]*+)")


@dataclass(frozen=True)
class Records:
    """Consecutive records of a file.

    Args:
        bodies: Each record without its line end.
        tails: Each record's line end and the blank lines after it; empty at the end of a file.
        offset: Where the first one begins in the file (in what it holds, if it is compressed).
    """

    bodies: list[bytes]
    tails: list[bytes]
    offset: int


class Dialect:
    r"""How records and cells are told apart for one delimiter.

    Args:
        delimiter: One byte.

    Example:
        >>> Dialect(b",").cut(b'a,"b\n"\r\n\nc,d', is_end=True)
        ([b'a,"b\n"', b'c,d'], [b'\r\n\n', b''], 12)
    """

    def __init__(self, delimiter: bytes) -> None:
        self.delimiter = delimiter
        mark = re.escape(delimiter)
        # Possessive where it can be: linear time, whatever the input. An optional group is not: up
        # to Python 3.11.4 one that fails behind its first byte has moved on all the same
        # (https://github.com/python/cpython/issues/106052).
        plain = rb"[^%b\r\n]*+" % mark
        cell = rb'(?:"(?:[^"]++|"")*+"%b|[^"%b\r\n]%b)?' % (plain, mark, plain)
        cells = rb"%b(?:%b%b)*+" % (cell, mark, cell)
        self._cells = re.compile(cells)
        self._record = re.compile(rb"(%b)([\r\n]++|\Z)" % cells)
        self._cell = re.compile(rb'(?:"((?:[^"]++|"")*+)"(%b)|(%b))%b' % (plain, plain, mark))

    def cut(self, text: bytes, *, is_end: bool) -> tuple[list[bytes], list[bytes], int]:
        """Cut off the records that are complete.

        Args:
            text: Begins at a record's first byte.
            is_end: Nothing follows. Otherwise a line end that the text ends with may go on.

        Returns:
            Bodies, tails (as in ``Records``), and how many bytes they cover.
        """
        if b'"' in text:
            return self._cut_quoted(text, is_end=is_end)
        used = len(text)
        if not is_end:
            body_end = len(text.rstrip(b"\r\n"))
            used = 1 + max(text.rfind(b"\n", 0, body_end), text.rfind(b"\r", 0, body_end))
        found = _PLAIN_RECORD.findall(text, 0, used)
        return [body for body, _ in found], [tail for _, tail in found], used

    def _cut_quoted(self, text: bytes, *, is_end: bool) -> tuple[list[bytes], list[bytes], int]:
        bodies: list[bytes] = []
        tails: list[bytes] = []
        used, length = 0, len(text)
        match = self._record.match
        while used < length and (found := match(text, used)):
            if found.end() == length and not is_end:
                break
            bodies.append(found[1])
            tails.append(found[2])
            used = found.end()
        return bodies, tails, used

    def first(self, text: bytes, *, is_end: bool) -> tuple[bytes, bytes]:
        """Return the first record's body and tail; both are empty where it is not complete."""
        found = self._record.match(text)
        if found is None or (found.end() == len(text) and not is_end):
            return b"", b""
        return found[1], found[2]

    def whole_cells(self, text: bytes) -> int:
        """Return where the whole cells at the start end: at a line end or at an open quote."""
        found = self._cells.match(text)
        return found.end() if found else 0

    def split(self, body: bytes) -> tuple[list[bytes], str | None]:
        r"""Return a record's cells without their quotes, and what is wrong with them, if anything.

        Text after a closing quote is wrong only where the cell spans lines: there an opening
        quote has most likely swallowed what follows it.

        Example:
            >>> Dialect(b",").split(b'1,"a ""b"", c",')
            ([b'1', b'a "b", c', b''], None)
        """
        if b'"' not in body:
            return body.split(self.delimiter), None
        cells: list[bytes] = []
        problem = None
        for quoted, rest, bare in self._cell.findall(body + self.delimiter):
            if rest.strip() and (b"\n" in quoted or b"\r" in quoted):
                problem = "text after the closing quote of a cell over several lines"
            cells.append(quoted.replace(b'""', b'"') + rest or bare)
        return cells, problem

    def raw_cells(self, body: bytes) -> list[bytes]:
        r"""Return a record's cells as they stand, quotes included; joined again they are the body.

        Example:
            >>> Dialect(b",").raw_cells(b'1,"a ""b"", c",')
            [b'1', b'"a ""b"", c"', b'']
        """
        if b'"' not in body:
            return body.split(self.delimiter)
        return [found[0][:-1] for found in self._cell.finditer(body + self.delimiter)]

    def quote(self, cell: bytes) -> bytes:
        """Return a cell, in quotes if it would be read as something else without."""
        if any(mark in cell for mark in (self.delimiter, b'"', b"\n", b"\r")):
            return b'"' + cell.replace(b'"', b'""') + b'"'
        return cell


def read_records(
    file: Readable,
    dialect: Dialect,
    *,
    offset: int,
    name: str,
    line_at: Callable[[int], int],
) -> Iterator[Records]:
    """Cut a file into records, from where it stands to its end, holding one chunk at a time.

    Args:
        file: Open for reading bytes, at a record's first byte.
        dialect: How to cut.
        offset: Where it stands.
        name: Of the file, for messages.
        line_at: Gives the line of an offset, for messages; asked only when one is raised.

    Yields:
        Some hundreds or thousands of records.

    Raises:
        TableFormatError: A quote never closes, or a record exceeds ``MAX_RECORD_BYTES``.
    """
    rest = b""
    size = CHUNK_BYTES
    while True:
        chunk = file.read(size)
        is_end = len(chunk) < size
        text = rest + chunk
        bodies, tails, used = dialect.cut(text, is_end=is_end)
        if bodies:
            yield Records(bodies, tails, offset)
        offset += used
        rest = text[used:]
        if is_end or len(rest) > MAX_RECORD_BYTES:
            break
        # A record longer than a chunk is read in growing steps, so that the time stays linear.
        size = max(CHUNK_BYTES, len(rest))
    if rest:
        line = line_at(offset + dialect.whole_cells(rest))
        what = "a quote opens and never closes" if is_end else "a record longer than any table's"
        raise TableFormatError(
            f"{name}, line {line}: {what}; fix it there, nothing behind it can be told apart"
        )


def find_line(file: Readable, offset: int) -> int:
    """Return the line of a file, from 1, on which an offset stands.

    Only errors name lines, so that nothing is counted unless one is raised.
    """
    line, done, last = 1, 0, b""
    while done < offset and (chunk := file.read(min(CHUNK_BYTES, offset - done))):
        # A line end of two bytes may be cut in two.
        line += count_lines(chunk) - (last == b"\r" and chunk.startswith(b"\n"))
        last = chunk[-1:]
        done += len(chunk)
    return line


def count_lines(text: bytes) -> int:
    """Return the number of line ends (LF, CRLF or CR)."""
    return text.count(b"\n") + text.count(b"\r") - text.count(b"\r\n")
