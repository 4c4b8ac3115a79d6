"""The first record of delimited text: how the cells are told apart, and what they are called."""

import re
from dataclasses import dataclass
from pathlib import Path

from pairsift.config import TableConfig
from pairsift.errors import TableFormatError, UsageError
from pairsift.tables.columns import CAPTION_NAMES, IMAGE_NAMES
from pairsift.tables.records import Dialect
from pairsift.tables.streams import open_input, plain_suffix

DELIMITERS = (b",", b"\t", b";", b"|")
MAX_HEADER_BYTES = 1 << 20
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_LEAD = re.compile(rb"(?:\xef\xbb\xbf)?[\r\n]*")


@dataclass(frozen=True)
class Header:
    """The header of one file; lead, body and tail are its first bytes as they stand.

    Args:
        lead: A byte order mark and blank lines before the header.
        body: The header without its line end.
        tail: Its line end and the blank lines after it.
        names: The columns.
        dialect: How cells are told apart.
    """

    lead: bytes
    body: bytes
    tail: bytes
    names: tuple[str, ...]
    dialect: Dialect


def read_header(path: Path, config: TableConfig) -> Header:
    """Read the header of a delimited text file.

    Args:
        path: The file.
        config: ``delimiter``, and the column names, by which it is found where it is not given.

    Raises:
        TableFormatError: There is none, or it is not UTF-8 text.
        UsageError: The delimiter is not one byte.
    """
    with open_input(path) as file:
        start = file.read(MAX_HEADER_BYTES)
    if start.startswith(_UTF16) or b"\0" in start[:64]:
        message = f"{path.name} looks like UTF-16 or binary; save the table as UTF-8"
        raise TableFormatError(message)
    found = _LEAD.match(start)
    lead = found[0] if found else b""
    text = start[len(lead) :]
    if not text:
        message = f"{path.name} has no header: it is empty"
        raise TableFormatError(message)
    dialect = Dialect(_delimiter(path, text, config))
    body, tail = dialect.first(text, is_end=len(start) < MAX_HEADER_BYTES)
    if not body:
        message = (
            f"{path.name} has no header: it does not end within {MAX_HEADER_BYTES} bytes, "
            "or a quote in it never closes"
        )
        raise TableFormatError(message)
    cells, _ = dialect.split(body)
    try:
        names = tuple(cell.decode("utf-8") for cell in cells)
    except UnicodeDecodeError as error:
        message = f"{path.name}: the header is not valid UTF-8; save the table as UTF-8"
        raise TableFormatError(message) from error
    return Header(lead, body, tail, names, dialect)


def _delimiter(path: Path, text: bytes, config: TableConfig) -> bytes:
    if config.delimiter is not None:
        encoded = config.delimiter.replace("\\t", "\t").encode("utf-8")
        if len(encoded) != 1 or encoded in (b'"', b"\r", b"\n"):
            message = f"delimiter {config.delimiter!r} is not one plain character"
            raise UsageError(message)
        return encoded
    if plain_suffix(path) == ".tsv":
        return b"\t"
    known = {*IMAGE_NAMES, *CAPTION_NAMES, config.image_column, config.caption_column}

    def promise(delimiter: bytes) -> tuple[int, int]:
        dialect = Dialect(delimiter)
        body, _ = dialect.first(text, is_end=True)
        names = [cell.decode("utf-8", "replace") for cell in dialect.split(body)[0]]
        return sum(not known.isdisjoint((name, name.strip().casefold())) for name in names), len(
            names
        )

    # The one by which most known columns are found, then the one the header has most of.
    return max(DELIMITERS, key=promise)
