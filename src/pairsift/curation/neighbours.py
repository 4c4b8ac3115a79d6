"""Nearest neighbours by cosine: exact up to a size, beyond it by usearch in declared windows."""

import numpy as np

from pairsift.curation.embedded import Halves, IntArray
from pairsift.errors import MissingExtraError
from pairsift.protocols import FloatArray

EXACT_CELLS = 10**11
"""Every cosine is computed as long as there are no more of them: 316,000 rows with each other, or
100,000 queries of a million targets. 5 * 10^10 of 64 dimensions take two minutes; to build the
indexes of that million takes longer."""

WINDOW_ROWS = 200_000
"""Targets that are taken at once, consecutive; beyond ``EXACT_CELLS`` each window has an index of
its own. Every query asks every window, so that no pair is out of reach, though an index may miss a
neighbour."""

_GROUP = 64
"""Cosines whose peak is found before any is looked at."""

BLOCK_CELLS = 1 << 24
"""Cosines of a block: 64 MB."""


def nearest(
    queries: FloatArray,
    targets: FloatArray | Halves,
    *,
    count: int,
    excluded: IntArray | None = None,
    exact_cells: int = EXACT_CELLS,
    window_rows: int = WINDOW_ROWS,
) -> tuple[IntArray, FloatArray]:
    """Return the targets that are nearest to each query; the same input gives the same answer.

    Args:
        queries: Unit-norm rows, shape (M, D), float32.
        targets: Likewise, shape (N, D).
        count: How many of each.
        excluded: One target a query that does not count, such as itself, shape (M,), int64.
        exact_cells: With more cosines an index is used.
        window_rows: Targets of a window.

    Returns:
        Places, shape (M, count), int64, and cosines, shape (M, count), float32, the nearest
        first; -1 and -inf where there are fewer targets.

    Raises:
        MissingExtraError: An index is needed and usearch is not installed.
    """
    places = np.full((len(queries), count), -1, dtype=np.int64)
    cosines = np.full((len(queries), count), -np.inf, dtype=np.float32)
    if len(queries) == 0 or len(targets) == 0:
        return places, cosines
    is_exact = len(queries) * len(targets) <= exact_cells
    wanted = count if excluded is None else count + 1
    for begin in range(0, len(targets), window_rows):
        part = targets[begin : begin + window_rows]
        if is_exact:
            found, values = _compare_all(queries, part, wanted)
        else:
            found, values = _ask_index(queries, part, wanted)
        found = np.where(found >= 0, found + begin, -1)
        places, cosines = _best_of(
            np.concatenate([places, found], axis=1),
            np.concatenate([cosines, values], axis=1),
            count=count,
            excluded=excluded,
        )
    return places, cosines


def _compare_all(
    queries: FloatArray, targets: FloatArray, count: int
) -> tuple[IntArray, FloatArray]:
    count = min(count, len(targets))
    places = np.empty((len(queries), count), dtype=np.int64)
    cosines = np.empty((len(queries), count), dtype=np.float32)
    step = max(1, BLOCK_CELLS // len(targets))
    for begin in range(0, len(queries), step):
        block = queries[begin : begin + step] @ targets.T
        best = _largest(block, count)
        places[begin : begin + step] = best
        cosines[begin : begin + step] = np.take_along_axis(block, best, axis=1)
    return places, cosines


def _largest(block: FloatArray, count: int) -> IntArray:
    """Return where the largest numbers of each row stand, shape (M, count)."""
    num_groups = block.shape[1] // _GROUP
    if num_groups <= count:
        return _part(block, count)
    # The largest stand in the groups with the largest peaks: only these have to be parted, which
    # is many times slower than to find the peaks. A group's members stand num_groups apart, so that
    # the peaks of many groups are found at once.
    whole = num_groups * _GROUP
    peaks = block[:, :whole].reshape(len(block), _GROUP, num_groups).max(axis=1)
    columns = _part(peaks, count)[:, :, None] + num_groups * np.arange(_GROUP)
    rest = np.broadcast_to(np.arange(whole, block.shape[1]), (len(block), block.shape[1] - whole))
    places = np.concatenate([columns.reshape(len(block), -1), rest], axis=1)
    best = _part(np.take_along_axis(block, places, axis=1), count)
    return np.take_along_axis(places, best, axis=1)


def _part(block: FloatArray, count: int) -> IntArray:
    return np.argpartition(-block, count - 1, axis=1)[:, :count]


def _ask_index(queries: FloatArray, targets: FloatArray, count: int) -> tuple[IntArray, FloatArray]:
    try:
        from usearch.index import Index  # noqa: PLC0415 - an extra
    except ImportError as error:
        message = 'neighbours of so many rows need usearch: pip install "pairsift[curate]"'
        raise MissingExtraError(message) from error
    index = Index(ndim=targets.shape[1], metric="ip", dtype="f32")
    # One thread: with two the same rows gave other neighbours in 0.2 % of the queries.
    index.add(np.arange(len(targets)), targets, threads=1)
    matches = index.search(queries, count, threads=1)
    keys = np.asarray(matches.keys, dtype=np.int64).reshape(len(queries), -1)
    # Computed again: the index rounds.
    cosines = np.empty(keys.shape, dtype=np.float32)
    for begin in range(0, len(queries), 10_000):
        part = slice(begin, begin + 10_000)
        cosines[part] = np.einsum("md,mkd->mk", queries[part], targets[keys[part]])
    return keys, cosines


def _best_of(
    places: IntArray, cosines: FloatArray, *, count: int, excluded: IntArray | None
) -> tuple[IntArray, FloatArray]:
    if excluded is not None:
        cosines = np.where(places == excluded[:, None], np.float32(-np.inf), cosines)
        places = np.where(places == excluded[:, None], -1, places)
    # Among equal cosines the earlier row comes first.
    order = np.lexsort((places, -cosines), axis=1)[:, :count]
    return np.take_along_axis(places, order, axis=1), np.take_along_axis(cosines, order, axis=1)
