"""Which of a run's rows are worth showing, and how values fall into bins."""

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pairsift import schema
from pairsift.protocols import FloatArray
from pairsift.runs import Run

IntArray = NDArray[np.int64]
ImageKeys = NDArray[np.bytes_]

CANDIDATES = 8
"""Rows looked at for each that is shown, so that the same picture need not come twice."""

KEY_LETTERS = 16
"""Of a picture's sha256 in hex: 64 bits tell the pictures of a page apart."""


def read_image_keys(run: Run) -> ImageKeys:
    """Return what tells pictures apart by their bytes, shape (N,); empty where it is not known.

    Args:
        run: Opened.
    """
    parts = [np.zeros(0, dtype=f"S{KEY_LETTERS}")]
    for batch in run.iter_scores([schema.IMAGE_SHA256]):
        column = pc.fill_null(batch.column(schema.IMAGE_SHA256).cast(pa.string()), "")
        short = pc.utf8_slice_codeunits(column, 0, KEY_LETTERS)
        parts.append(short.to_numpy(zero_copy_only=False).astype(f"S{KEY_LETTERS}"))
    return np.concatenate(parts)


def rank(values: FloatArray) -> IntArray:
    """Return the places of finite values, the lowest first; of equal ones the first row first."""
    finite = np.flatnonzero(np.isfinite(values))
    ranked: IntArray = finite[np.argsort(values[finite], kind="stable")]
    return ranked


def distinct(places: Iterable[int], keys: ImageKeys, count: int) -> list[int]:
    """Return the first places whose pictures differ, at most ``count``.

    Args:
        places: In the order of preference.
        keys: As ``read_image_keys`` gives them.
        count: How many are wanted.
    """
    seen: set[bytes] = set()
    kept: list[int] = []
    for place in places:
        if len(kept) == count:
            break
        key = bytes(keys[place])
        if not key or key not in seen:
            seen.add(key)
            kept.append(int(place))
    return kept


def count_bins(values: FloatArray, edges: Sequence[float]) -> IntArray:
    """Return how many finite values lie between edges, shape (len(edges) - 1,).

    Args:
        values: Shape (N,); NaN counts nowhere, and what lies outside goes to the end bins.
        edges: Ascending.

    Example:
        >>> count_bins(np.array([0.1, 0.6, 7.0, np.nan], dtype=np.float32), [0.0, 0.5, 1.0])
        array([1, 2])
    """
    finite = values[np.isfinite(values)]
    counts, _ = np.histogram(np.clip(finite, edges[0], edges[-1]), bins=np.asarray(edges))
    return counts.astype(np.int64)
