"""The scored pairs of a table as arrays: what the searches for wrong pairs work on."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairsift.errors import ShapeError
from pairsift.protocols import FloatArray

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

FEWEST_ROWS = 10
"""With fewer pairs nothing can be said of what a usual pair or a mismatched one looks like."""

NULL_SAMPLE = 100_000
"""Mismatched pairs drawn for the null: its median is then known to 0.005 of its spread."""

_ROWS_AT_ONCE = 50_000

MAD_TO_SIGMA = 1.4826
"""Median absolute deviation to standard deviation of a normal (Rousseeuw and Croux 1993)."""


class Halves:
    """Embeddings held as they are stored, in half precision: 1.5 GB for a million of 768.

    Args:
        stored: Shape (N, D), float16; unit-norm before they were rounded.

    Indexed by places or a slice it gives unit-norm rows in float32.

    Example:
        >>> Halves(np.eye(2, dtype=np.float16))[[1]].tolist()
        [[0.0, 1.0]]
    """

    def __init__(self, stored: NDArray[np.float16]) -> None:
        self.stored = stored

    def __len__(self) -> int:
        return len(self.stored)

    def __getitem__(self, places: Any, /) -> FloatArray:
        rows: FloatArray = self.stored[places].astype(np.float32)
        # Rounded to halves: a norm is off by up to 2^-11.
        rows /= np.linalg.norm(rows, axis=-1, keepdims=True).clip(min=1e-12)
        return rows

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and dimensions."""
        return self.stored.shape[0], self.stored.shape[1]


@dataclass(frozen=True)
class EmbeddedPairs:
    """Pairs that have both embeddings, in order of file and row.

    Args:
        files: Ordinal of the input file of each pair, shape (N,), int64.
        rows: Ordinal of the row in its file, shape (N,), int64.
        images: Unit-norm image embeddings, shape (N, D), float32, or as they are stored.
        captions: Unit-norm caption embeddings, likewise.
        texts: The captions themselves, N of them.

    Raises:
        ShapeError: The arrays differ in length.
    """

    files: IntArray
    rows: IntArray
    images: FloatArray | Halves
    captions: FloatArray | Halves
    texts: tuple[str, ...]

    def __post_init__(self) -> None:
        lengths = [len(self.rows), len(self.images), len(self.captions), len(self.texts)]
        if any(length != len(self.files) for length in lengths):
            message = f"files, rows, images, captions, texts differ: {len(self.files)}, {lengths}"
            raise ShapeError(message)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def similarities(self) -> FloatArray:
        """Cosine of each pair as it stands, shape (N,), float32."""
        found = np.empty(len(self), dtype=np.float32)
        for begin in range(0, len(self), _ROWS_AT_ONCE):
            part = slice(begin, begin + _ROWS_AT_ONCE)
            found[part] = row_cosines(self.images[part], self.captions[part])
        return found


@dataclass(frozen=True)
class Levels:
    """What right and mismatched pairs of one table look like, by their cosines.

    Args:
        typical: The median pair.
        spread: Standard deviation of the right pairs about it, from the upper half alone: what
            is wrong with the lower half does not touch it.
        null: Median of deliberately mismatched pairs.
    """

    typical: float
    spread: float
    null: float

    @property
    def gap(self) -> float:
        """From a mismatched pair to a right one; never 0."""
        return max(self.typical - self.null, self.spread, 1e-6)

    @property
    def floor(self) -> float:
        """Gain that chance does not give a right pair: three standard deviations."""
        return 3.0 * self.spread

    @property
    def fence(self) -> float:
        """Below this a pair hardly is a right one: three standard deviations below typical."""
        return self.typical - 3.0 * self.spread


def row_cosines(images: FloatArray, captions: FloatArray) -> FloatArray:
    """Return the cosine of each image with the caption of the same row.

    Args:
        images: Unit-norm rows, shape (N, D), float32.
        captions: Likewise.

    Returns:
        Shape (N,), float32.

    Example:
        >>> row_cosines(np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32)).tolist()
        [1.0, 1.0]
    """
    cosines: FloatArray = np.einsum("nd,nd->n", images, captions)
    return cosines


def measure_levels(pairs: EmbeddedPairs, generator: np.random.Generator) -> Levels:
    """Return what right and mismatched pairs look like in a table.

    Args:
        pairs: At least two.
        generator: Draws the mismatched pairs.
    """
    now = pairs.similarities
    typical = float(np.median(now))
    above = now[now >= typical] - typical
    first = generator.integers(0, len(pairs), NULL_SAMPLE)
    # Never the row itself: an offset from 1 to N - 1.
    second = (first + generator.integers(1, len(pairs), NULL_SAMPLE)) % len(pairs)
    chunks = [
        row_cosines(pairs.images[first[at : at + 10_000]], pairs.captions[second[at : at + 10_000]])
        for at in range(0, NULL_SAMPLE, 10_000)
    ]
    return Levels(
        typical=typical,
        spread=MAD_TO_SIGMA * float(np.median(above)),
        null=float(np.median(np.concatenate(chunks))),
    )
