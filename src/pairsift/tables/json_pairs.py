"""Pairs from the object of a JSON line."""

from typing import Any

from pairsift.tables.cells import json_value
from pairsift.tables.rows import Pair


def pairs_of_line(
    line: dict[str, Any] | str, image_column: str, caption_column: str, *, has_lists: bool
) -> list[Pair]:
    """Return a line's pairs: one, or one a caption where lists are wanted.

    Args:
        line: As ``parse_line`` gives it.
        image_column: Key of the image: text, or an object of ``path`` or ``bytes``.
        caption_column: Key of the caption.
        has_lists: An array of captions gives a pair for each; otherwise it is a problem.

    Example:
        >>> pairs_of_line({"i": "a.jpg", "c": ["x", None]}, "i", "c", has_lists=True)
        [(b'a.jpg', None, b'x', None), (b'a.jpg', None, None, None)]
    """
    if isinstance(line, str):
        return [(None, None, None, line)]
    image, captions = line.get(image_column), line.get(caption_column)
    if isinstance(image, dict):
        # As Hugging Face datasets keep images; bytes in JSON can only be base64, which is text.
        image = image.get("path") if image.get("bytes") is None else image["bytes"]
    is_list = has_lists and isinstance(captions, list)
    texts = (captions or [None]) if is_list else [captions]
    for name, value in ((image_column, image), *((caption_column, text) for text in texts)):
        if value is not None and not isinstance(value, str):
            return [(None, None, None, f"{name} is no text but {_described(value, name, line)}")]
    reference = _bytes(image)
    return [(reference, None, _bytes(text), None) for text in texts]


def count_captions(line: dict[str, Any] | str, caption_column: str) -> int:
    """Return how many pairs a line gives: at least one."""
    captions = None if isinstance(line, str) else line.get(caption_column)
    if not isinstance(captions, list):
        return 1
    is_sound = all(text is None or isinstance(text, str) for text in captions)
    return max(1, len(captions)) if is_sound else 1


def _described(value: object, name: str, line: dict[str, Any]) -> str:
    if isinstance(value, list) and line.get(name) is value:
        return f"an array: {json_value(value)[:60]} (hint: --caption-list)"
    kind = "an array" if isinstance(value, list) else type(value).__name__
    return f"{kind}: {json_value(value)[:60]}"


def _bytes(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        # A lone surrogate written as an escape: no valid UTF-8, which its status will say.
        return text.encode("utf-8", "surrogatepass")
