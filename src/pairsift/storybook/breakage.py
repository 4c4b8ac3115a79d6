"""Pictures and captions that are broken or unusual, as they turn up in real sets."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Final

from PIL import Image

from pairsift.storybook.encoding import encode_image

_HUGE_SIDE = 20_000
_SVG = b"""<svg xmlns="http://www.w3.org/2000/svg" width="128" height="128">
<circle cx="64" cy="64" r="40" fill="red"/></svg>
"""
_EMOJI = "\U0001f431\U0001f3a8 \U0001f308 \u2728"
_HEBREW = "\u05ea\u05de\u05d5\u05e0\u05d4 \u05de\u05e1\u05e4\u05e8 \u05d9\u05dc\u05d3\u05d9\u05dd"


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def _huge_png() -> bytes:
    """A PNG of a few bytes whose header promises 400 million pixels."""
    header = struct.pack(">IIBBBBB", _HUGE_SIDE, _HUGE_SIDE, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 64)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", body)
        + _chunk(b"IEND", b"")
    )


def _saved(image: Image.Image, image_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def _animated(image: Image.Image) -> bytes:
    later = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return _saved(image, "GIF", save_all=True, append_images=[later], duration=200, loop=0)


def _sixteen_bit(image: Image.Image) -> bytes:
    grey = image.convert("L")
    # 257 maps 255 to 65535.
    wide = struct.pack(f"<{grey.width * grey.height}H", *(value * 257 for value in grey.tobytes()))
    return _saved(Image.frombytes("I;16", grey.size, wide), "PNG")


def _truncated(image: Image.Image) -> bytes:
    whole = encode_image(image, "jpg")
    return whole[: len(whole) // 2]


_FIXED: Final[dict[str, tuple[str, bytes | None]]] = {
    "missing": (".jpg", None),
    "directory": (".jpg", None),
    "outside": (".jpg", None),
    "empty": (".jpg", b""),
    "text": (".jpg", b"404: this page could not be found\n"),
    "huge header": (".png", _huge_png()),
    "svg": (".svg", _SVG),
}
_MADE: Final[dict[str, tuple[str, Callable[[Image.Image], bytes]]]] = {
    "truncated": (".jpg", _truncated),
    "animated": (".gif", _animated),
    "16 bit": (".png", _sixteen_bit),
    "one pixel": (".png", lambda image: encode_image(image.resize((1, 1)), "png")),
    "cmyk": (".jpg", lambda image: _saved(image.convert("CMYK"), "JPEG")),
}


def break_image(image: Image.Image, breakage: str) -> tuple[str, bytes | None]:
    """Make the file of a broken or unusual picture.

    Args:
        image: What the picture should have been.
        breakage: One of ``faults.BROKEN_IMAGES``.

    Returns:
        The suffix of its file name, and its bytes; None where there is no file to write.

    Raises:
        KeyError: There is no such breakage.
    """
    if breakage in _FIXED:
        return _FIXED[breakage]
    suffix, make = _MADE[breakage]
    return suffix, make(image)


def break_caption(caption: str, breakage: str) -> bytes:
    """Make a broken or unusual caption.

    Args:
        caption: What the caption should have been.
        breakage: One of ``faults.BROKEN_CAPTIONS``.

    Returns:
        Its bytes, in UTF-8 where they are valid. Rows with a wrong number of cells keep their
        caption.
    """
    text = caption.encode()
    words = caption.split()
    many = " ".join(words[n % len(words)] for n in range(10_000))
    return {
        "empty": b"",
        "whitespace": b" \t ",
        "10000 words": many.encode(),
        "invalid utf-8": text[:2] + b"\xff\xfe\xc3" + text[2:],
        "nul": text[:2] + b"\0" + text[2:],
        "emoji": f"{caption} {_EMOJI}".encode(),
        "right to left": _HEBREW.encode(),
    }.get(breakage, text)
