"""Image bytes to RGB: what a person sees is what is scored.

Everything is refused that could hurt before a pixel is decoded: formats that are not on the list,
more pixels or bytes than the limits allow. EXIF orientation is applied, alpha goes on white,
16 bits are scaled to 8, and of an animation the first frame is taken.
"""

import re
import struct
import threading
import warnings
import zlib
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

from pairsift.allowance import Allowance
from pairsift.config import ImageConfig
from pairsift.errors import ImageError
from pairsift.statuses import RowStatus

# Formats whose decoders are widely fuzzed and which data sets really hold. Left out on purpose:
# EPS and PDF (run other programs), PSD, ICNS, FLI and other formats that hardly anybody scores.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")

# Pixels that are decoded at one time, by however many threads: an RGBA picture takes 16 bytes a
# pixel on its way to RGB, so this many are 2 GB.
PIXELS_AT_ONCE = 128 * 1024 * 1024

# A drafted JPEG stays at least this many times the model's side: mean difference to a full decode
# 0.26 of 255 after resizing to 224, at a third of the time.
DRAFT_FACTOR = 2

SIGNATURES = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n|RIFF....WEBP|GIF8[79]a|II(?:\*\0|\+\0)|MM(?:\0\*|\0\+)",
    re.DOTALL,
)
"""What the accepted formats begin with; BMP's two letters are too little to go by."""

WHITE = (255, 255, 255)
_ORIENTATION = 0x0112
# EXIF 2.3, tag 274: how the stored picture is turned to stand as it was seen.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What Pillow's metadata parsers raise on damaged EXIF.
_METADATA_ERRORS: tuple[type[Exception], ...] = (
    *(ArithmeticError, AttributeError, EOFError, LookupError, OSError, SyntaxError),
    *(TypeError, ValueError, struct.error, zlib.error),
)


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
    with _SILENCE:
        return _decode(data, config, target=target)


def _decode(data: bytes, config: ImageConfig, *, target: int) -> DecodedImage:
    image = _open(data)
    width, height = image.size
    if width * height > config.max_image_pixels:
        reason = f"{width}x{height} pixels, more than max_image_pixels {config.max_image_pixels}"
        raise ImageError(RowStatus.IMAGE_TOO_LARGE, reason)
    # Phones append further pictures to a JPEG (MPO); its first one is an ordinary JPEG.
    kind = "JPEG" if image.format == "MPO" else str(image.format)
    try:
        if kind == "JPEG" and not config.exact_decode:
            side = DRAFT_FACTOR * target
            image.draft("RGB", (side, side))
        with _PIXELS.hold(image.width * image.height):
            image.load()
            # Asked after loading: PNG may keep EXIF behind the pixels, Pillow turns TIFF itself.
            if _orientation(image) in (5, 6, 7, 8):
                width, height = height, width
            rgb = flatten_image(image)
    except MemoryError as error:
        reason = f"{width}x{height} pixels do not fit into memory"
        raise ImageError(RowStatus.IMAGE_TOO_LARGE, reason) from error
    except ImageError:
        raise
    except Exception as error:
        raise _damaged(error, kind) from error
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
    turn = _UPRIGHT.get(_orientation(image))
    if turn is not None:
        image = image.transpose(turn)
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        image = _narrow(image)
    elif image.mode == "LAB":
        image = _from_lab(image)
    elif image.mode == "La":
        image = image.convert("LA")
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
        if SIGNATURES.match(data):
            reason = "begins like an image, but its header is truncated or damaged"
            raise ImageError(RowStatus.IMAGE_CORRUPT, reason) from error
        raise ImageError(RowStatus.IMAGE_UNSUPPORTED, _unsupported(data)) from error
    except Exception as error:
        raise _damaged(error, "image") from error


def _damaged(error: Exception, kind: str) -> ImageError:
    words = _words(error)
    # Pillow's words for a text or profile chunk that inflates beyond its limits.
    is_bomb = "too large for PngImagePlugin" in words or "Too much memory used" in words
    status = RowStatus.IMAGE_TOO_LARGE if is_bomb else RowStatus.IMAGE_CORRUPT
    return ImageError(status, f"{kind}: {words}")


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


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation; damaged metadata says nothing about the pixels, so it is 1."""
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except _METADATA_ERRORS:
        return 1
    return value if isinstance(value, int) else 1


def _narrow(image: Image.Image) -> Image.Image:
    """Scale 16-bit grey to 8; 32-bit and float grey have no agreed white and are guessed by range.

    Integers reach 255 or 65535, whichever holds the brightest pixel; floats reach 1 or 255.
    """
    values = np.asarray(image)
    if image.mode == "F":
        values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
        top = 1.0 if values.max(initial=0.0) <= 1.0 else 255.0
        values = np.clip(values, 0.0, top)  # the lowest floats would overflow when scaled
    else:
        is_deep = image.mode != "I" or values.max(initial=0) > 255
        top = 65535.0 if is_deep else 255.0
    scaled = np.clip(np.rint(values * np.float32(255.0 / top)), 0, 255).astype(np.uint8)
    key = image.info.get("transparency")
    if isinstance(key, int):
        scaled[values == key] = 255  # the one grey that a PNG declares transparent, on white
    return Image.fromarray(scaled)


def _from_lab(image: Image.Image) -> Image.Image:
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
    if converted is None:
        raise ImageError(RowStatus.IMAGE_UNSUPPORTED, "Lab colours cannot be converted")
    return converted


def _words(error: BaseException) -> str:
    """Return an exception's message, or its kind where it has none; never more than a line."""
    if isinstance(error, zlib.error | struct.error):
        return f"damaged data: {error}"
    text = str(error).strip().split("\n")[0][:200]
    # An address differs from run to run, and the same input must give the same output.
    return re.sub(r" at 0x[0-9a-f]+", "", text) or type(error).__name__


_PILLOW = r"PIL\."


class _Silence:
    """Ignores warnings out of Pillow while any thread decodes, and leaves no trace afterwards.

    Odd metadata is no reason to fail and a warning on a worker's stderr helps nobody.
    ``warnings.catch_warnings`` is not safe between threads: it would restore an old list of
    filters under a thread that still decodes. So one filter is put in by the first thread and
    taken out by the last.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._depth = 0
        self._filters: list[tuple[object, ...]] = []

    def __enter__(self) -> None:
        with self._lock:
            self._depth += 1
            # Somebody may have replaced the list of filters meanwhile (pytest does).
            if self._filters and self._filters[0] in warnings.filters:
                return
            warnings.filterwarnings("ignore", module=_PILLOW)
            # Pythons that keep filters by context do not put it here, and then none is taken out.
            pattern = warnings.filters[0][3] if warnings.filters else None
            is_ours = getattr(pattern, "pattern", pattern) == _PILLOW
            self._filters = [warnings.filters[0]] if is_ours else []

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._depth -= 1
            if self._depth == 0:
                for item in self._filters:
                    if item in warnings.filters:
                        warnings.filters.remove(item)  # type: ignore[attr-defined]
                self._filters = []


_SILENCE = _Silence()
_PIXELS = Allowance(PIXELS_AT_ONCE)
