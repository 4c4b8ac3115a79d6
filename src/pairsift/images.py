"""Image bytes to RGB: what a person sees is what is scored.

Everything is refused that could hurt before a pixel is decoded: formats that are not on the list,
more pixels or bytes than the limits allow. EXIF orientation is applied, alpha goes on white,
16 bits are scaled to 8, and of an animation the first frame is taken.
"""

import struct
import warnings
import zlib
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from pairsift.config import ImageConfig
from pairsift.errors import ImageError
from pairsift.statuses import RowStatus

# Formats whose decoders are widely fuzzed and which data sets really hold. Left out on purpose:
# EPS and PDF (run other programs), PSD, ICNS, FLI and other formats that hardly anybody scores.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")

# A drafted JPEG stays at least this many times the model's side: mean difference to a full decode
# 0.26 of 255 after resizing to 224, at a third of the time.
DRAFT_FACTOR = 2

# Odd metadata is no reason to fail, and a warning on a worker's stderr helps nobody. Once for the
# process, since switching warnings off and on is not safe between threads.
warnings.filterwarnings("ignore", module=r"PIL\.")

WHITE = (255, 255, 255)
_WIDE_MODES = ("I;16", "I;16B", "I;16L", "I;16N")


@dataclass(frozen=True)
class DecodedImage:
    """One decoded picture.

    Args:
        rgb: Mode RGB; for large JPEGs maybe smaller than the file's picture.
        width: Of the picture as a person sees it, in pixels.
        height: Likewise.
        format: One of ``FORMATS``.
    """

    rgb: Image.Image
    width: int
    height: int
    format: str


def decode_image(data: bytes, config: ImageConfig, *, target: int) -> DecodedImage:
    """Decode the bytes of one image file.

    Args:
        data: The whole file.
        config: Limits and policy.
        target: Side of the model's input, in pixels: large JPEGs are decoded at no less than
            twice this, unless ``exact_decode`` is set.

    Returns:
        The picture in RGB.

    Raises:
        ImageError: The bytes are no image, are damaged, or exceed a limit; says which.
    """
    if not data:
        raise ImageError(RowStatus.IMAGE_EMPTY, "the image has no bytes")
    if len(data) > config.max_image_bytes:
        reason = f"{len(data)} bytes, more than max_image_bytes {config.max_image_bytes}"
        raise ImageError(RowStatus.IMAGE_TOO_LARGE, reason)
    image = _open(data)
    width, height = image.size
    if width * height > config.max_image_pixels:
        reason = f"{width}x{height} pixels, more than max_image_pixels {config.max_image_pixels}"
        raise ImageError(RowStatus.IMAGE_TOO_LARGE, reason)
    kind = str(image.format)
    try:
        turned = _is_turned(image)
        if kind == "JPEG" and not config.exact_decode:
            side = DRAFT_FACTOR * target
            image.draft("RGB", (side, side))
        image.load()
        rgb = flatten_image(image)
    except MemoryError as error:
        reason = f"{width}x{height} pixels do not fit into memory"
        raise ImageError(RowStatus.IMAGE_TOO_LARGE, reason) from error
    except Exception as error:
        raise ImageError(RowStatus.IMAGE_CORRUPT, f"{kind}: {_words(error)}") from error
    if turned:
        width, height = height, width
    return DecodedImage(rgb, width, height, kind)


def flatten_image(image: Image.Image) -> Image.Image:
    """Return any Pillow image as RGB, by the policy of this module.

    Args:
        image: Any mode that Pillow decodes to.

    Returns:
        Mode RGB, upright, on white.

    Example:
        >>> flatten_image(Image.new("RGBA", (1, 1), (255, 0, 0, 0))).getpixel((0, 0))
        (255, 255, 255)
    """
    if image.getexif().get(0x0112, 1) != 1:
        image = ImageOps.exif_transpose(image)
    if image.mode in _WIDE_MODES or image.mode in ("I", "F"):
        image = _narrow(image)
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.has_transparency_data:
        layered = image.convert("RGBA")
        flat = Image.new("RGBA", layered.size, (*WHITE, 255))
        return Image.alpha_composite(flat, layered).convert("RGB")
    return image.convert("RGB")


def _open(data: bytes) -> Image.Image:
    try:
        return Image.open(BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        # Twice Pillow's own limit, which is a setting of the whole process and not ours to move.
        raise ImageError(RowStatus.IMAGE_TOO_LARGE, _words(error)) from error
    except UnidentifiedImageError as error:
        raise ImageError(RowStatus.IMAGE_UNSUPPORTED, _unsupported(data)) from error
    except Exception as error:
        raise ImageError(RowStatus.IMAGE_CORRUPT, _words(error)) from error


def _unsupported(data: bytes) -> str:
    """Say what the bytes look like instead of an image."""
    start = data[:512].lstrip().lower()
    accepted = f"accepted: {', '.join(FORMATS)}"
    for mark, kind in (
        (b"<svg", "SVG"),
        (b"<?xml", "XML or SVG"),
        (b"<!doctype html", "an HTML page"),
        (b"<html", "an HTML page"),
        (b"%pdf", "PDF"),
        (b"%!ps", "PostScript"),
    ):
        if start.startswith(mark):
            return f"{kind}, not an image of a known format; {accepted}"
    if data[4:12] in (b"ftypavif", b"ftypheic", b"ftypheix", b"ftypmif1"):
        return f"AVIF or HEIF; {accepted}"
    if start and all(byte in b"\t\n\r" or byte >= 32 for byte in start):
        return f"text, not an image; {accepted}"
    return f"not an image of a known format; {accepted}"


def _is_turned(image: Image.Image) -> bool:
    """Whether EXIF orientation exchanges width and height."""
    return image.getexif().get(0x0112, 1) in (5, 6, 7, 8)


def _narrow(image: Image.Image) -> Image.Image:
    """Scale 16 bits to 8; 32-bit and float grey values are taken as 16 bit, or as they reach."""
    values = np.asarray(image).astype(np.float64)
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    top = 65535.0 if image.mode != "F" else (1.0 if values.max(initial=0.0) <= 1.0 else 255.0)
    if top == 65535.0 and image.mode == "I" and values.max(initial=0.0) <= 255.0:
        top = 255.0
    scaled = np.clip(np.rint(values * (255.0 / top)), 0, 255).astype(np.uint8)
    return Image.fromarray(scaled)


def _words(error: BaseException) -> str:
    """Return an exception's message, or its kind where it has none; never more than a line."""
    if isinstance(error, zlib.error | struct.error):
        return f"damaged data: {error}"
    text = str(error).strip().split("\n")[0][:200]
    return text or type(error).__name__
