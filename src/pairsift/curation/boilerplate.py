"""Captions that stand on many unlike pictures and say nothing of any of them.

"three red ducks" may stand on many pictures too, and rightly: such a caption ranks its own
pictures before others. One that says nothing puts them anywhere.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pairsift.curation.embedded import FEWEST_ROWS, EmbeddedPairs
from pairsift.protocols import FloatArray

FEWEST_REPEATS = 4
"""Rows with the same caption: of three, one wrong one would decide."""

MOST_REPEATS = 500
"""Rows of a caption that are looked at: enough to know its mean rank to 0.013."""

REFERENCE_IMAGES = 2000
"""Images that the caption's own are ranked among: a rank is then known to 0.01."""

HALFWAY = 0.75
"""A caption that says nothing ranks its pictures at 0.5 on average, one that fits near 1."""

ALIKE_QUANTILE = 0.95
"""Pictures are unlike when their mean cosine is below this quantile of any two pictures."""

_DIGITS = re.compile(r"\d+")
_NO_WORD = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class Boilerplate:
    """A caption that says nothing.

    Args:
        text: The caption as it stands in the first of the rows.
        places: Of its pairs among the pairs.
        mean_rank: Share of other images that fit the caption less, on average over its own.
        image_cosine: Mean cosine between its pictures.
    """

    text: str
    places: tuple[int, ...]
    mean_rank: float
    image_cosine: float


def find_boilerplate(pairs: EmbeddedPairs, generator: np.random.Generator) -> list[Boilerplate]:
    """Find captions that stand on many unlike pictures and say nothing of them.

    Args:
        pairs: Any.
        generator: Draws the images that are compared.

    Returns:
        The captions, the most frequent first.
    """
    if len(pairs) < FEWEST_ROWS:
        return []
    size = min(REFERENCE_IMAGES, len(pairs))
    reference = pairs.images[np.sort(generator.choice(len(pairs), size, replace=False))]
    cosines = (reference @ reference.T)[np.triu_indices(size, 1)]
    alike = float(np.quantile(cosines, ALIKE_QUANTILE))
    found = []
    for places in repeated_captions(pairs.texts):
        looked_at = places
        if len(places) > MOST_REPEATS:
            looked_at = sorted(generator.choice(places, MOST_REPEATS, replace=False).tolist())
        images = pairs.images[looked_at]
        image_cosine = _mean_cosine(images)
        # Nearly the same captions differ a little, so each is ranked by itself.
        own = np.einsum("nd,nd->n", images, pairs.captions[looked_at])
        ranks = np.mean(pairs.captions[looked_at] @ reference.T < own[:, None], axis=1)
        if image_cosine < alike and ranks.mean() < HALFWAY:
            text = pairs.texts[places[0]]
            found.append(Boilerplate(text, tuple(places), float(ranks.mean()), image_cosine))
    return sorted(found, key=lambda item: (-len(item.places), item.places[0]))


def fold_caption(text: str) -> str:
    """Return what nearly the same captions have in common.

    Case, punctuation, white space and the digits of numbers do not count.

    Args:
        text: A caption.

    Example:
        >>> fold_caption("Stock photo, No. 1234!")
        'stock photo no 0'
    """
    text = unicodedata.normalize("NFKC", text).casefold()
    return _NO_WORD.sub(" ", _DIGITS.sub("0", text)).strip()


def repeated_captions(texts: Sequence[str]) -> list[list[int]]:
    """Return the places of captions that stand often enough, in order of the first of them."""
    groups: dict[str, list[int]] = {}
    for place, text in enumerate(texts):
        groups.setdefault(fold_caption(text), []).append(place)
    return [places for places in groups.values() if len(places) >= FEWEST_REPEATS]


def _mean_cosine(images: FloatArray) -> float:
    """Return the mean over all pairs of different rows: by the length of their sum."""
    num = len(images)
    total = float(np.square(images.sum(axis=0, dtype=np.float64)).sum())
    return (total - num) / (num * (num - 1))
