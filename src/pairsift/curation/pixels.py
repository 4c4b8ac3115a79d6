"""What a picture's pixels show of trouble: blank, dark, blurred.

Three numbers a picture, on it at no more than 256 pixels a side: what a model reads of it. They are
taken where pictures are read for their hashes, and kept with them.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageStat

from pairsift.protocols import FloatArray, PixelArray

BoolArray = NDArray[np.bool_]

READ_SIDE: Final = 256
"""Longer side that is looked at: about what the models read. Finer blur does not reach them."""

BLANK: Final = 12.0
"""Levels of 255 between the lightest and the darkest of 32 by 32 means, in the colour where they
differ most, below which a picture is blank: of 2,000 drawn pictures none has less than 53, of 500
plain areas with noise of up to 3 levels none more than 11."""

DARK: Final = 0.32
"""Brightness of the 99th percentile of pixels below which a picture is dark. Source: CleanVision
0.3, its threshold for dark images."""

BLURRED: Final = 0.29
"""Sharpness below which a picture is blurred. Source: CleanVision 0.3, see ``sharpness``."""

MEASURES: Final = ("span", "light", "sharpness")
"""What ``measure_pixels`` gives, in this order."""


def measure_pixels(rgb: Image.Image, thumbnail: PixelArray) -> FloatArray:
    """Return the numbers that tell blank, dark and blurred pictures.

    Args:
        rgb: Mode RGB, any size.
        thumbnail: Of it, as ``hashes.make_thumbnail`` gives it.

    Returns:
        ``MEASURES``, shape (3,), float32: the span of the thumbnail in levels, the brightness of
        the 99th percentile of pixels in [0, 1], and the sharpness in [0, 1].
    """
    if max(rgb.size) > READ_SIDE:
        rgb = rgb.copy()
        rgb.thumbnail((READ_SIDE, READ_SIDE), Image.Resampling.BOX)
    grey = rgb.convert("L")
    flat = thumbnail.reshape(-1, 3).astype(np.int16)
    span = (flat.max(axis=0) - flat.min(axis=0)).max()
    below = np.cumsum(grey.histogram())
    light = np.searchsorted(below, 0.99 * below[-1]) / 255.0
    return np.array([span, light, sharpness(grey)], dtype=np.float32)


def pixel_masks(measures: FloatArray) -> dict[str, BoolArray]:
    """Return which pictures are blank, dark or blurred; a blank one is not called blurred too.

    Args:
        measures: As ``measure_pixels`` gives them, shape (N, 3); NaN where a picture was not read.

    Returns:
        A mask of shape (N,) a sign.

    Example:
        >>> black = Image.new("RGB", (64, 64))
        >>> thumbnail = np.zeros((32, 32, 3), dtype=np.uint8)
        >>> masks = pixel_masks(measure_pixels(black, thumbnail)[None])
        >>> [name for name, mask in masks.items() if mask[0]]
        ['image_blank', 'image_dark']
    """
    span, light, sharp = measures.T
    is_blank = span < BLANK
    return {
        "image_blank": is_blank,
        "image_dark": light < DARK,
        "image_blurred": (sharp < BLURRED) & ~is_blank,
    }


def sharpness(grey: Image.Image) -> float:
    """Return how sharp a picture's edges are: ``1 - exp(-variance / 100)`` of its edges.

    Args:
        grey: In mode L.

    Returns:
        From 0 (no edge) to 1.

    Source:
        CleanVision's blur score: variance of Pillow's FIND_EDGES, scaled by 0.01.
    """
    # The filter leaves the outermost pixels as they were: they are no edges.
    edges = grey.filter(ImageFilter.FIND_EDGES)
    if min(edges.size) > 2:
        edges = edges.crop((1, 1, edges.width - 1, edges.height - 1))
    return 1.0 - float(np.exp(-ImageStat.Stat(edges).var[0] / 100.0))
