"""Whole pictures to start from: every format and most of its flavours, drawn here."""

import struct
import zlib
from collections.abc import Callable
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageCms, PngImagePlugin

from pairsift.storybook.pairs import make_pair

SIDES = (64, 96, 160)
_EXIF_ORIENTATION = 0x0112
_EXIF_MAKER = 0x010F

# PNG specification (third edition), section 8: Adam7's first column, first row and steps.
_ADAM7 = (
    (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
    (0, 1, 1, 2),
)  # fmt: skip


@cache
def drawing(number: int) -> Image.Image:
    """Return a small storybook picture, as wide as one of ``SIDES`` and not quite as tall."""
    side = SIDES[number % len(SIDES)]
    return make_pair(404, number, side=side).image.crop((0, 0, side, side - 7))


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _frames(image: Image.Image) -> dict[str, Any]:
    later = [image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), image.rotate(90)]
    return {"save_all": True, "append_images": later, "duration": 100}


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[_EXIF_ORIENTATION] = orientation
    exif[_EXIF_MAKER] = "storybook"
    return exif


def _with_alpha(image: Image.Image) -> Image.Image:
    layered = image.convert("RGBA")
    layered.putalpha(Image.linear_gradient("L").resize(image.size))
    return layered


def _with_hole(image: Image.Image) -> Image.Image:
    flat = image.quantize(32)
    flat.info["transparency"] = 3
    return flat


def _deep(image: Image.Image) -> Image.Image:
    grey = np.asarray(image.convert("L"), dtype=np.uint16)
    return Image.fromarray(grey * 257)


def _float(image: Image.Image) -> Image.Image:
    return Image.fromarray(np.asarray(image.convert("L"), dtype=np.float32) / 255)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png(image: Image.Image, *, depth: int, is_interlaced: bool) -> bytes:
    """Return an RGB PNG as Pillow cannot write it: 16 bits a channel, or interlaced."""
    pixels = np.asarray(image, dtype=np.uint16)
    kind, factor = (np.dtype(">u2"), 257) if depth == 16 else (np.dtype("u1"), 1)
    samples = (pixels * factor).astype(kind)
    passes = _ADAM7 if is_interlaced else ((0, 0, 1, 1),)
    lines = []
    for left, top, across, down in passes:
        part = samples[top::down, left::across]
        if part.size:
            lines += [b"\0" + row.tobytes() for row in part]
    header = struct.pack(">IIBBBBB", image.width, image.height, depth, 2, 0, 0, int(is_interlaced))
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"".join(lines))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*each) for each in chunks)


def _talkative_png(image: Image.Image) -> bytes:
    words = PngImagePlugin.PngInfo()
    words.add_text("Title", "storybook")
    words.add_text("Comment", "drawn here " * 40, zip=True)
    words.add_itxt("Author", "nobody", "en", "Author", zip=True)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return _saved(image, "PNG", pnginfo=words, exif=_exif(3), icc_profile=profile, dpi=(72, 72))


def _jpeg_with_profile(image: Image.Image) -> bytes:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return _saved(image, "JPEG", exif=_exif(6), icc_profile=profile, comment=b"storybook")


def _tiff(**options: Any) -> Callable[[Image.Image], bytes]:
    return lambda image: _saved(image, "TIFF", **options)


PICTURES: dict[str, dict[str, Callable[[Image.Image], bytes]]] = {
    "JPEG": {
        "baseline": lambda image: _saved(image, "JPEG", quality=85),
        "full chroma": lambda image: _saved(image, "JPEG", quality=92, subsampling=0),
        "progressive": lambda image: _saved(image, "JPEG", progressive=True),
        "grey": lambda image: _saved(image.convert("L"), "JPEG"),
        "cmyk": lambda image: _saved(image.convert("CMYK"), "JPEG"),
        "restarts": lambda image: _saved(image, "JPEG", restart_marker_blocks=4),
        "exif and profile": _jpeg_with_profile,
        "two pictures": lambda image: _saved(image, "MPO", **_frames(image)),
    },
    "PNG": {
        "rgb": lambda image: _saved(image, "PNG"),
        "alpha": lambda image: _saved(_with_alpha(image), "PNG"),
        "grey": lambda image: _saved(image.convert("L"), "PNG"),
        "grey with alpha": lambda image: _saved(_with_alpha(image).convert("LA"), "PNG"),
        "palette": lambda image: _saved(image.quantize(64), "PNG"),
        "palette with a hole": lambda image: _saved(_with_hole(image), "PNG"),
        "one bit": lambda image: _saved(image.convert("1"), "PNG"),
        "deep grey": lambda image: _saved(_deep(image), "PNG"),
        "deep colour": lambda image: _png(image, depth=16, is_interlaced=False),
        "interlaced": lambda image: _png(image, depth=8, is_interlaced=True),
        "interlaced and deep": lambda image: _png(image, depth=16, is_interlaced=True),
        "animated": lambda image: _saved(image, "PNG", **_frames(image)),
        "talkative": _talkative_png,
    },
    "WEBP": {
        "lossy": lambda image: _saved(image, "WEBP", quality=80),
        "lossless": lambda image: _saved(image, "WEBP", lossless=True),
        "alpha": lambda image: _saved(_with_alpha(image), "WEBP", quality=80),
        "exif": lambda image: _saved(image, "WEBP", exif=_exif(8)),
        "animated": lambda image: _saved(image, "WEBP", **_frames(image)),
    },
    "GIF": {
        "still": lambda image: _saved(image, "GIF"),
        "not interlaced": lambda image: _saved(image, "GIF", interlace=0),
        "with a hole": lambda image: _saved(_with_hole(image), "GIF", transparency=3),
        "animated": lambda image: _saved(image, "GIF", loop=0, **_frames(image)),
    },
    "BMP": {
        "rgb": lambda image: _saved(image, "BMP"),
        "alpha": lambda image: _saved(_with_alpha(image), "BMP"),
        "palette": lambda image: _saved(image.quantize(64), "BMP"),
        "one bit": lambda image: _saved(image.convert("1"), "BMP"),
    },
    "TIFF": {
        "raw": _tiff(),
        "lzw": _tiff(compression="tiff_lzw"),
        "deflate": _tiff(compression="tiff_adobe_deflate", exif=_exif(5)),
        "packbits": _tiff(compression="packbits"),
        "jpeg": _tiff(compression="jpeg"),
        "big": _tiff(big_tiff=True, compression="tiff_lzw"),
        "fax": lambda image: _saved(image.convert("1"), "TIFF", compression="group4"),
        "deep grey": lambda image: _saved(_deep(image), "TIFF"),
        "float": lambda image: _saved(_float(image), "TIFF"),
        "cmyk": lambda image: _saved(image.convert("CMYK"), "TIFF"),
        "alpha": lambda image: _saved(_with_alpha(image), "TIFF", compression="tiff_lzw"),
        "palette": lambda image: _saved(image.quantize(64), "TIFF"),
        "three pages": lambda image: _saved(image, "TIFF", **_frames(image)),
    },
}  # fmt: skip


@cache
def picture(kind: str, flavour: str, number: int) -> bytes:
    """Return a whole picture file.

    Args:
        kind: A format, a key of ``PICTURES``.
        flavour: One of its flavours.
        number: Which drawing.
    """
    return PICTURES[kind][flavour](drawing(number))
