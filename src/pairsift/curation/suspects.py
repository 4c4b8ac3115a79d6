"""Pairs whose caption fits the image of another row clearly better than its own."""

from dataclasses import dataclass

import numpy as np

from pairsift.curation.embedded import FEWEST_ROWS, BoolArray, EmbeddedPairs, Levels
from pairsift.curation.neighbours import nearest

CLEAR_SHARE = 0.5
"""A gain is clear when it is more than half the way from a mismatched pair to a right one: the
pair is then nearer to the former."""


@dataclass(frozen=True)
class Suspect:
    """A pair whose caption fits elsewhere.

    Args:
        place: Of the pair among the pairs.
        other: Place of the pair whose image the caption fits best.
        now: Cosine of the caption with its own image.
        proposed: Cosine with the other image.
        margin: The gain.
    """

    place: int
    other: int
    now: float
    proposed: float
    margin: float


def find_suspects(
    pairs: EmbeddedPairs, levels: Levels, *, taken: BoolArray | None = None
) -> list[Suspect]:
    """Find pairs whose caption fits another row's image clearly better.

    Args:
        pairs: Any.
        levels: Of these pairs.
        taken: Pairs that are explained otherwise, shape (N,), bool.

    Returns:
        The suspects, the largest gain first.
    """
    if len(pairs) < FEWEST_ROWS:
        return []
    now = pairs.similarities
    is_low = now < levels.fence
    if taken is not None:
        is_low &= ~taken
    low = np.flatnonzero(is_low)
    places, cosines = nearest(pairs.captions[low], pairs.images, count=1, excluded=low)
    found = [
        Suspect(
            int(place), int(other), float(now[place]), float(cosine), float(cosine - now[place])
        )
        for place, other, cosine in zip(low, places[:, 0], cosines[:, 0], strict=True)
        # The other image must be one that the caption fits, not only one that it fits less badly.
        if cosine >= levels.fence and cosine - now[place] > CLEAR_SHARE * levels.gap
    ]
    return sorted(found, key=lambda suspect: (-suspect.margin, suspect.place))
