"""Where in a JSON object the value of a key stands, so that it alone can be exchanged."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

_BLANKS = " \t\r\n"
_DECODER = json.JSONDecoder(parse_int=float)  # an integer may have more digits than Python reads


@dataclass(frozen=True)
class Value:
    """A value where it stands.

    Args:
        source: The object's text; bytes that are not UTF-8 are lone surrogates.
        begin: Of the value in it.
        end: Behind the value.
    """

    source: str
    begin: int
    end: int

    @property
    def text(self) -> str:
        """The value as it is written."""
        return self.source[self.begin : self.end]

    def replaced(self, value: str) -> bytes:
        """Return the object with another value, and every other byte as it was."""
        whole = self.source[: self.begin] + value + self.source[self.end :]
        return whole.encode("utf-8", "surrogateescape")


def find_value(body: bytes, names: Sequence[str], *, ignore_case: bool = False) -> Value | None:
    """Find the value of a key in an object.

    Args:
        body: The object, without white space around it.
        names: The keys, the first that is there counts; of one that stands twice the last, as
            whoever reads JSON does.
        ignore_case: Keys are compared without case and blanks.

    Returns:
        None where there is no such key, or the bytes are no object.

    Example:
        >>> find_value(b'{"a": 1, "b": "x"}', ["b"]).replaced('"y"')
        b'{"a": 1, "b": "y"}'
    """
    text = body.decode("utf-8", "surrogateescape")
    found: dict[str, Value] = {}
    try:
        at = _skip(text, 0)
        if text[at] != "{":
            return None
        at = _skip(text, at + 1)
        while text[at] != "}":
            key, at = _DECODER.raw_decode(text, at)
            at = _skip(text, at)
            if not isinstance(key, str) or text[at] != ":":
                return None
            begin = _skip(text, at + 1)
            _, end = _DECODER.raw_decode(text, begin)
            found[key.strip().casefold() if ignore_case else key] = Value(text, begin, end)
            at = _skip(text, end)
            if text[at] == ",":
                at = _skip(text, at + 1)
    except (ValueError, IndexError, RecursionError):
        return None
    return next((found[name] for name in names if name in found), None)


def _skip(text: str, at: int) -> int:
    while text[at] in _BLANKS:
        at += 1
    return at
