"""Every kind of bad row that the README promises a status for, made from scratch."""

import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from pairsift.statuses import RowStatus

OUTSIDE = "outside.png"


@dataclass(frozen=True)
class BadRow:
    """One row of the table: what stands in its two cells, and what must become of it."""

    name: str
    image: bytes
    caption: bytes
    status: RowStatus


def picture(seed: int, *, side: int = 48) -> Image.Image:
    """Return smooth colours that differ by seed."""
    generator = np.random.default_rng(seed)
    small = generator.integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((side, side + seed % 7), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, format: str, **options: object) -> bytes:  # noqa: A002
    buffer = BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    """Return a PNG that says it is huge and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    signature = b"\x89PNG\r\n\x1a\n"
    data = chunk(b"IDAT", zlib.compress(b"\0" * 64))
    return signature + chunk(b"IHDR", header) + data + chunk(b"IEND", b"")


def write_files(root: Path) -> None:
    """Write the pictures that ``bad_rows`` refers to; one lies beside the root."""
    root.mkdir(parents=True, exist_ok=True)
    (root.parent / OUTSIDE).write_bytes(encoded(picture(1), "PNG"))
    (root / "folder.png").mkdir()
    whole = encoded(picture(2, side=300), "JPEG", quality=95)
    deep = np.linspace(0, 65535, 40 * 40).reshape(40, 40).astype(np.uint16)
    frames = [picture(seed).resize((40, 40)) for seed in (3, 4, 5)]
    files = {
        "empty.png": b"",
        "text.jpg": b"this is not a picture\n" * 20,
        "truncated.jpg": whole[: len(whole) // 2],
        "one.png": encoded(Image.new("RGB", (1, 1), (200, 10, 10)), "PNG"),
        "huge.png": png_header(20_000, 20_000),
        "cmyk.jpg": encoded(picture(6).convert("CMYK"), "JPEG"),
        "deep.png": encoded(Image.fromarray(deep), "PNG"),
        "moving.gif": encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "drawing.svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
        "good.png": encoded(picture(7), "PNG"),
    }
    for name, data in files.items():
        (root / name).write_bytes(data)


def bad_rows() -> list[BadRow]:
    ok = RowStatus.OK
    image = b"good.png"
    text = b"soft colours"
    return [
        BadRow("missing file", b"nowhere.png", text, RowStatus.IMAGE_NOT_FOUND),
        BadRow("directory", b"folder.png", text, RowStatus.IMAGE_NOT_A_FILE),
        BadRow("empty file", b"empty.png", text, RowStatus.IMAGE_EMPTY),
        BadRow("text named jpg", b"text.jpg", text, RowStatus.IMAGE_UNSUPPORTED),
        BadRow("truncated jpeg", b"truncated.jpg", text, RowStatus.IMAGE_CORRUPT),
        BadRow("one pixel", b"one.png", text, ok),
        BadRow("huge header", b"huge.png", text, RowStatus.IMAGE_TOO_LARGE),
        BadRow("cmyk", b"cmyk.jpg", text, ok),
        BadRow("sixteen bit", b"deep.png", text, ok),
        BadRow("animated gif", b"moving.gif", text, ok),
        BadRow("svg", b"drawing.svg", text, RowStatus.IMAGE_UNSUPPORTED),
        BadRow("out of the root", b"../" + OUTSIDE.encode(), text, RowStatus.IMAGE_OUTSIDE_ROOT),
        BadRow("url", b"http://127.0.0.1/a.png", text, RowStatus.IMAGE_NOT_ALLOWED),
        BadRow("no image cell", b"", text, RowStatus.IMAGE_NULL),
        BadRow("empty caption", image, b"", RowStatus.CAPTION_EMPTY),
        BadRow("white space", image, b" \t ", RowStatus.CAPTION_EMPTY),
        BadRow("ten thousand words", image, b"word " * 10_000, ok),
        BadRow("invalid utf-8", image, b"caf\xe9 au lait", RowStatus.CAPTION_INVALID),
        BadRow("nul", image, b"a\0b", RowStatus.CAPTION_INVALID),
        BadRow("emoji", image, "\U0001f40b\U0001f3fd".encode(), ok),
        BadRow("right to left", image, "قطة على السجادة".encode(), ok),
    ]
