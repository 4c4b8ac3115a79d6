"""What "no match" looks like in this data, and how far above it each pair stands.

The null is made of similarities of pairs that are mismatched on purpose, out of the same pictures
and captions. Against it a similarity of any model becomes a p-value, on one scale for all models.

One null serves all rows (of a stratum): a shuffled pair then has a p-value that is exactly
uniform. A picture or a caption that goes well with everything gets p-values that are too small;
``contrast`` corrects for that row by row, and does not pretend to be a p-value.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairsift.curation.groups import Groups
from pairsift.errors import ShapeError
from pairsift.protocols import FloatArray

IntArray = NDArray[np.int64]
DoubleArray = NDArray[np.float64]

MAX_PAIRS = 1_000_000
"""Mismatched pairs drawn at most: p-values then end at 1e-6."""

NEAR_IDENTICAL = 0.95
"""Cosine from which two pictures, or two captions, count as the same for the null.

Of sound storybook pairs it excludes 4 in 100,000, and nearly all re-encoded or resized copies.
"""

MIN_STRATUM_ROWS = 50
"""Rows below which a stratum has no null of its own: 2,450 pairs out of 50 rows are few enough."""

MIN_STRATUM_PAIRS = 1_000
"""Mismatched pairs below which neither has it: its p-values would end above 1e-3."""

_CHUNK = 1 << 15
"""Pairs a step: bounds memory to four arrays of this many rows."""


@dataclass(frozen=True)
class Null:
    """Similarities of deliberately mismatched pairs.

    Args:
        similarities: Ascending, shape (M,): cosines.
        by_stratum: The same for each stratum that has enough rows and enough pairs, by its label;
            rows of the others are held against all.
        num_rows: Rows N that the pairs were drawn from.
        num_excluded: Pairs left out because their pictures or captions are the same or nearly so.
    """

    similarities: FloatArray
    by_stratum: Mapping[int, FloatArray]
    num_rows: int
    num_excluded: int

    @property
    def floor(self) -> float:
        """The smallest p-value that this sample can give: ``1 / (M + 1)``."""
        return 1.0 / (len(self.similarities) + 1)

    @property
    def largest_floor(self) -> float:
        """The smallest p-value that the smallest of the strata can give."""
        smallest = min(map(len, [self.similarities, *self.by_stratum.values()]))
        return 1.0 / (smallest + 1)


def sample_null(
    images: FloatArray,
    captions: FloatArray,
    *,
    generator: np.random.Generator,
    image_ids: IntArray | None = None,
    caption_ids: IntArray | None = None,
    labels: IntArray | None = None,
    max_pairs: int = MAX_PAIRS,
) -> Null:
    """Draw mismatched pairs and return their cosines.

    Args:
        images: Unit-norm rows, shape (N, D), float32.
        captions: Unit-norm rows, shape (N, D), float32; row i belongs to image row i.
        generator: Source of the draw.
        image_ids: Shape (N,): equal numbers mean equal pictures (by their bytes).
        caption_ids: Shape (N,): equal numbers mean equal captions.
        labels: Shape (N,): pairs are drawn within a label, in proportion to its rows.
        max_pairs: Pairs at most; where there are no more than that, all are taken.

    Returns:
        The null; empty where no two rows differ.

    Raises:
        ShapeError: The arrays do not have the same number of rows.

    Example:
        >>> eye = np.eye(3, dtype=np.float32)
        >>> sample_null(eye, eye, generator=np.random.default_rng(0)).similarities.tolist()
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    num_rows = len(images)
    given = {"labels": labels, "image_ids": image_ids, "caption_ids": caption_ids}
    for name, array in {"captions": captions, **given}.items():
        if array is not None and len(array) != num_rows:
            raise ShapeError(f"{num_rows} images but {len(array)} {name}; give one for each")
    left, right = mismatched_pairs(
        num_rows, generator=generator, labels=labels, max_pairs=max_pairs
    )
    values = np.empty(len(left), dtype=np.float32)
    differs = np.ones(len(left), dtype=bool)
    for ids in (image_ids, caption_ids):
        if ids is not None:
            differs &= ids[left] != ids[right]
    for begin in range(0, len(left), _CHUNK):
        chunk = slice(begin, begin + _CHUNK)
        one, other = left[chunk], right[chunk]
        differs[chunk] &= _cosines(images, one, images, other) < NEAR_IDENTICAL
        differs[chunk] &= _cosines(captions, one, captions, other) < NEAR_IDENTICAL
        values[chunk] = _cosines(images, one, captions, other)
    by_stratum = {}
    if labels is not None:
        for label in Groups(labels).large(MIN_STRATUM_ROWS):
            of_stratum = values[differs & (labels[left] == label)]
            if len(of_stratum) >= MIN_STRATUM_PAIRS:
                by_stratum[label] = np.sort(of_stratum)
    return Null(np.sort(values[differs]), by_stratum, num_rows, int((~differs).sum()))


def mismatched_pairs(
    num_rows: int,
    *,
    generator: np.random.Generator,
    labels: IntArray | None = None,
    max_pairs: int = MAX_PAIRS,
) -> tuple[IntArray, IntArray]:
    """Draw ordered pairs of two different rows.

    Args:
        num_rows: Rows N.
        generator: Source of the draw.
        labels: Shape (N,): both rows of a pair have one label.
        max_pairs: Pairs at most; where there are no more than that, each comes once.

    Returns:
        Row of the picture and row of the caption, shape (M,) each.
    """
    groups = Groups(np.zeros(num_rows, dtype=np.int64) if labels is None else labels)
    others = groups.size_of_row - 1
    if int(others.sum()) <= max_pairs:
        left = np.repeat(np.arange(num_rows), others)
        first = np.repeat(np.cumsum(others) - others, others)
        step = np.arange(len(left)) - first + 1
    else:
        left = generator.choice(np.flatnonzero(others), size=max_pairs)
        step = generator.integers(1, others[left] + 1)
    place = (groups.place_in_group[left] + step) % groups.size_of_row[left]
    return left, groups.order[groups.start_of_row[left] + place]


def match_p_values(
    similarities: FloatArray, null: Null, *, labels: IntArray | None = None
) -> DoubleArray:
    """Return how often a mismatched pair would be as similar: ``(1 + #null >= s) / (M + 1)``.

    Args:
        similarities: Cosines of the pairs, shape (N,); NaN where there is none.
        null: Of the same data and model.
        labels: Shape (N,): a row is held against the null of its stratum, where it has one.

    Returns:
        Upper-tail p-values in (0, 1], shape (N,); NaN where there is no similarity or no null.

    Source:
        Phipson & Smyth 2010, "Permutation p-values should never be zero", equation 2.
    """
    p_values = _upper_tail(similarities, null.similarities)
    if labels is not None:
        for label, of_stratum in null.by_stratum.items():
            rows = labels == label
            p_values[rows] = _upper_tail(similarities[rows], of_stratum)
    return p_values


def similarity_percentiles(similarities: FloatArray) -> DoubleArray:
    """Return the per cent of scored pairs below each pair; pairs that tie count half.

    Args:
        similarities: Shape (N,); NaN where there is none.

    Returns:
        In (0, 100), shape (N,); NaN where there is no similarity.

    Example:
        >>> similarity_percentiles(np.array([0.1, 0.3], dtype=np.float32)).tolist()
        [25.0, 75.0]
    """
    ascending = np.sort(similarities[np.isfinite(similarities)])
    percentiles: DoubleArray = np.full(len(similarities), np.nan)
    if len(ascending):
        below = np.searchsorted(ascending, similarities, side="left")
        up_to = np.searchsorted(ascending, similarities, side="right")
        percentiles = 50.0 * (below + up_to) / len(ascending)
    percentiles[~np.isfinite(similarities)] = np.nan
    return percentiles


def _cosines(a: FloatArray, rows_a: IntArray, b: FloatArray, rows_b: IntArray) -> FloatArray:
    cosines: FloatArray = np.einsum("nd,nd->n", a[rows_a], b[rows_b])
    return cosines


def _upper_tail(similarities: FloatArray, ascending: FloatArray) -> DoubleArray:
    if len(ascending) == 0:
        return np.full(len(similarities), np.nan)
    at_least = len(ascending) - np.searchsorted(ascending, similarities, side="left")
    p_values: DoubleArray = np.asarray((1 + at_least) / (1 + len(ascending)), dtype=np.float64)
    p_values[~np.isfinite(similarities)] = np.nan
    return p_values
