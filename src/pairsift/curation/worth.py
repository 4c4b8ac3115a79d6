"""What is worth a look: signs of trouble in the score columns, and in pixels where they are read.

A sign is not a fault: a small picture may be a good one. So each comes with its rate and with
rows to look at, and nothing is dropped for it unless a recipe says so.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageStat

from pairsift.protocols import FloatArray

BoolArray = NDArray[np.bool_]

SMALL_SIDE = 200
"""Pixels of the smaller side below which a picture is small. Source: DataComp's basic filter."""

EXTREME_ASPECT = 3.0
"""Longer over shorter side from there on. Source: DataComp's basic filter; CleanVision: 2.86."""

BLANK = 0.30
"""Entropy of grey levels over 10 bits below which a picture is blank. Source: CleanVision."""

DARK = 0.32
"""Brightness of the 99th percentile of pixels below that. Source: CleanVision."""

BLURRED = 0.29
"""Sharpness below which a picture is blurred. Source: CleanVision, see ``sharpness``."""

SIGNS: dict[str, str] = {
    "negative_similarity": "similarity below 0: the caption fits less than an unrelated one",
    "caption_truncated": "the caption is longer than the model reads",
    "image_small": f"the smaller side is below {SMALL_SIDE} pixels",
    "image_extreme_aspect": f"a side is {EXTREME_ASPECT:g} times the other or more",
    "image_blank": "hardly any information in the pixels",
    "image_dark": "hardly any light pixel",
    "image_blurred": "no sharp edge",
}
"""Every sign and what it means; the last three need pixels."""


@dataclass(frozen=True)
class Sign:
    """How often something is worth a look.

    Args:
        name: A key of ``SIGNS``.
        rows: Rows that show it.
        looked_at: Rows that could show it.
        examples: Some of the rows, in table order.
    """

    name: str
    rows: int
    looked_at: int
    examples: tuple[int, ...]

    @property
    def rate(self) -> float:
        """``rows / looked_at``; 0 where none was looked at."""
        return self.rows / self.looked_at if self.looked_at else 0.0


def find_signs(
    cosines: FloatArray,
    *,
    truncated: BoolArray | None = None,
    widths: NDArray[np.integer] | None = None,
    heights: NDArray[np.integer] | None = None,
    num_examples: int = 5,
) -> list[Sign]:
    """Count what the score columns show.

    Args:
        cosines: Shape (N,), NaN where a row was not scored: such rows are not looked at.
        truncated: Shape (N,): the caption was cut.
        widths: Of the pictures in pixels, shape (N,), 0 where unknown.
        heights: Likewise.
        num_examples: Rows a sign at most.

    Returns:
        A sign for each thing that could be looked at.
    """
    scored = np.isfinite(cosines)
    found = {"negative_similarity": (scored & (cosines < 0), scored)}
    if truncated is not None:
        found["caption_truncated"] = (scored & truncated, scored)
    if widths is not None and heights is not None:
        known = scored & (widths > 0) & (heights > 0)
        shorter, longer = np.minimum(widths, heights), np.maximum(widths, heights)
        found["image_small"] = (known & (shorter < SMALL_SIDE), known)
        found["image_extreme_aspect"] = (known & (longer >= EXTREME_ASPECT * shorter), known)
    return [
        Sign(
            name,
            int(shown.sum()),
            int(looked_at.sum()),
            tuple(np.flatnonzero(shown)[:num_examples].tolist()),
        )
        for name, (shown, looked_at) in found.items()
    ]


def pixel_signs(image: Image.Image) -> tuple[str, ...]:
    """Return the signs that a picture's pixels show.

    Args:
        image: RGB; a thumbnail will do for all but blur, which it hides.

    Returns:
        Keys of ``SIGNS``.

    Example:
        >>> pixel_signs(Image.new("RGB", (64, 64), "black"))
        ('image_blank', 'image_dark', 'image_blurred')
    """
    grey = image.convert("L")
    signs = []
    if grey.entropy() / 10.0 < BLANK:
        signs.append("image_blank")
    if float(np.percentile(np.asarray(grey), 99)) / 255.0 < DARK:
        signs.append("image_dark")
    if sharpness(grey) < BLURRED:
        signs.append("image_blurred")
    return tuple(signs)


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
