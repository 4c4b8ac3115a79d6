"""Picture files: how storybook pictures are saved, and how near copies are made of them."""

from __future__ import annotations

import io
from typing import Final

from PIL import Image

IMAGE_FORMATS: Final = ("jpg", "png")
# Full chroma resolution: at 128 pixels the usual halving smears the colours of small things.
_JPEG_QUALITY: Final = 92
_POOR_QUALITY: Final = 45


def encode_image(image: Image.Image, image_format: str) -> bytes:
    """Encode a picture.

    Args:
        image: An RGB picture.
        image_format: ``jpg`` or ``png``.

    Returns:
        The file's bytes.
    """
    buffer = io.BytesIO()
    if image_format == "png":
        image.save(buffer, "PNG", compress_level=6)
    else:
        image.save(buffer, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    return buffer.getvalue()


def _brightened(image: Image.Image, percent: int) -> Image.Image:
    table = [min(255, value * percent // 100) for value in range(256)]
    return image.point(table * 3)


def _reencoded(image: Image.Image) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_POOR_QUALITY)
    buffer.seek(0)
    with Image.open(buffer) as poor:
        return poor.convert("RGB")


def near_copy(image: Image.Image, method: str) -> Image.Image:
    """Change a picture so little that a person takes it for the same.

    Args:
        image: An RGB picture.
        method: One of ``faults.NEAR_COPY_METHODS``.

    Returns:
        The changed picture.

    Raises:
        ValueError: There is no such method.
    """
    wide, tall = image.size
    match method:
        case "re-encoded":
            return _reencoded(image)
        case "resized":
            return image.resize((wide * 3 // 4, tall * 3 // 4), Image.Resampling.BILINEAR)
        case "cropped":
            # A little more on one side than on the other, and never nothing.
            left, top = max(1, wide // 40), max(1, tall // 40)
            return image.crop((left, top, wide - wide // 64, tall - tall // 64))
        case "brighter":
            return _brightened(image, 115)
        case "darker":
            return _brightened(image, 84)
    raise ValueError(f"no way to make a near copy is called `{method}`")
