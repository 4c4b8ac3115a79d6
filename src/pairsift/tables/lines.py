"""Lines of JSON as bytes: what a line is, what it holds, and nothing lost."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from pairsift.errors import TableFormatError
from pairsift.tables.records import CHUNK_BYTES, MAX_RECORD_BYTES, Records
from pairsift.tables.streams import Readable

BLANK = b" \t\r\n"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# A body begins and ends with something; its tail is all white space up to the next one.
_LINE = re.compile(rb"([^ \t\r\n](?:[^\n]*[^ \t\r\n])?)([ \t\r\n]*+)")
_BLANKS = re.compile(rb"[ \t\r\n]*+")


def read_lead(file: Readable) -> bytes:
    """Return what stands before the first line: a byte order mark and white space."""
    lead = file.read(len(BYTE_ORDER_MARK))
    if lead != BYTE_ORDER_MARK and lead.strip(BLANK):
        return lead[: len(lead) - len(lead.lstrip(BLANK))]
    while len(lead) < MAX_RECORD_BYTES and (chunk := file.read(CHUNK_BYTES)):
        rest = chunk.lstrip(BLANK)
        lead += chunk[: len(chunk) - len(rest)]
        if rest:
            break
    return lead


def read_lines(
    file: Readable, *, offset: int, name: str, line_at: Callable[[int], int]
) -> Iterator[Records]:
    """Cut a file into lines, from where it stands to its end, holding one chunk at a time.

    Only LF ends a line: a CR is white space, in JSON too.

    Args:
        file: At a line's first byte.
        offset: Where it stands.
        name: Of the file, for messages.
        line_at: Gives the line of an offset, for messages.

    Yields:
        Some hundreds or thousands of lines.

    Raises:
        TableFormatError: A line exceeds ``MAX_RECORD_BYTES``.
    """
    rest = b""
    size = CHUNK_BYTES
    while True:
        chunk = file.read(size)
        is_end = len(chunk) < size
        text = rest + chunk
        used = len(text) if is_end else _whole_lines(text)
        found = _LINE.findall(text, 0, used)
        if found:
            yield Records([body for body, _ in found], [tail for _, tail in found], offset)
        offset += used
        rest = text[used:]
        if is_end:
            return
        if len(rest) > MAX_RECORD_BYTES:
            raise TableFormatError(
                f"{name}, line {line_at(offset)}: longer than {MAX_RECORD_BYTES >> 20} MiB; "
                "is the file one JSON array? Write one object a line"
            )
        size = max(CHUNK_BYTES, len(rest))


def parse_line(body: bytes) -> dict[str, Any] | str:
    """Return the object of a line, or what is wrong with it.

    Bytes that are not UTF-8 become lone surrogates, as ``surrogateescape`` makes them, so that one
    of them in a column that nobody reads costs nothing.

    Example:
        >>> parse_line(b'{"a": 007}')
        "not JSON: Expecting ',' delimiter at character 7"
    """
    text = body.decode("utf-8", "surrogateescape")
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        return f"not JSON: {error.msg} at character {error.pos}"
    except RecursionError:
        return "not readable: nested too deeply"
    except ValueError:
        # An integer of more digits than Python reads by default.
        value = json.loads(text, parse_int=float)
    if not isinstance(value, dict):
        return f"{_KINDS.get(type(value), 'a number')}, not an object"
    return value


def _whole_lines(text: bytes) -> int:
    """Return where the line begins that may go on behind the text."""
    end = text.rfind(b"\n", 0, len(text.rstrip(BLANK))) + 1
    blanks = _BLANKS.match(text, end) if end else None
    return blanks.end() if blanks else 0


_KINDS = {list: "an array", str: "text", bool: "true or false", type(None): "null"}
