"""What is worth a look: signs of trouble in the score columns, and in pixels where they are read.

A sign is not a fault: a small picture may be a good one. So each comes with its rate and with
rows to look at, and nothing is dropped for it unless a recipe says so.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairsift.curation.pixels import pixel_masks
from pairsift.protocols import FloatArray

BoolArray = NDArray[np.bool_]

SMALL_SIDE = 200
"""Pixels of the smaller side below which a picture is small. Source: DataComp's basic filter."""

EXTREME_ASPECT = 3.0
"""Longer over shorter side from there on. Source: DataComp's basic filter; CleanVision: 2.86."""

SIGNS: dict[str, str] = {
    "negative_similarity": "similarity below 0: the caption fits less than an unrelated one",
    "caption_truncated": "the caption is longer than the model reads",
    "image_small": f"the smaller side is below {SMALL_SIDE} pixels",
    "image_extreme_aspect": f"a side is {EXTREME_ASPECT:g} times the other or more",
    "image_blank": "all of one colour",
    "image_dark": "hardly any light pixel",
    "image_blurred": "no sharp edge",
}
"""Every sign and what it means; the last three need pixels."""

NOUNS: dict[str, str] = {
    "negative_similarity": "negative similarities",
    "caption_truncated": "cut captions",
    "image_small": "small pictures",
    "image_extreme_aspect": "extreme shapes",
    "image_blank": "blank pictures",
    "image_dark": "dark pictures",
    "image_blurred": "blurred pictures",
}
"""What shows a sign, in the plural."""

PIXEL_SIGNS = ("image_blank", "image_dark", "image_blurred")


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
    pixels: FloatArray | None = None,
    num_examples: int = 5,
) -> list[Sign]:
    """Count what the score columns show, and the pixels where they were read.

    Args:
        cosines: Shape (N,), NaN where a row was not scored: such rows are not looked at.
        truncated: Shape (N,): the caption was cut.
        widths: Of the pictures in pixels, shape (N,), 0 where unknown.
        heights: Likewise.
        pixels: ``pixels.MEASURES`` of the pictures, shape (N, 3); NaN where one was not read.
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
        if known.any() or not scored.any():
            found["image_small"] = (known & (shorter < SMALL_SIDE), known)
            found["image_extreme_aspect"] = (known & (longer >= EXTREME_ASPECT * shorter), known)
    if pixels is not None:
        read = scored & np.isfinite(pixels).all(axis=1)
        found |= {name: (read & mask, read) for name, mask in pixel_masks(pixels).items()}
    return [
        Sign(
            name,
            int(shown.sum()),
            int(looked_at.sum()),
            tuple(np.flatnonzero(shown)[:num_examples].tolist()),
        )
        for name, (shown, looked_at) in found.items()
    ]
