"""Lists of captions: one pair for each, and back to one number a row."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from pairsift import schema


def explode_lists(
    lists: Sequence[Sequence[bytes | None] | None],
) -> tuple[list[bytes | None], list[int]]:
    """Return all captions, and how many each row has: at least one, null for none.

    Args:
        lists: The captions of each row.

    Example:
        >>> explode_lists([[b"a", b"b"], [], None, [b"c"]])
        ([b'a', b'b', None, None, b'c'], [2, 1, 1, 1])
    """
    filled = [list(captions) if captions else [None] for captions in lists]
    return [caption for captions in filled for caption in captions], list(map(len, filled))


def parents_of(counts: Sequence[int]) -> pa.Array:
    """Return for each caption the row that it is of.

    Example:
        >>> parents_of([2, 1]).to_pylist()
        [0, 0, 1]
    """
    return pa.array(np.repeat(np.arange(len(counts), dtype=np.int64), counts))


def fold_scores(added: pa.RecordBatch, counts: Sequence[int], *, is_mean: bool) -> pa.RecordBatch:
    """Return one row of scores a table row.

    Captions that could not be scored count only where no other of their row could be. Status and
    details are those of the best caption: the highest similarity, the first of equals.

    Args:
        added: One row a caption, in order: ``schema.output_schema``, with any prefix.
        counts: Captions of each table row, at least one.
        is_mean: The numbers are the mean of all that have any, not those of the best caption.

    Returns:
        As many rows as there are counts, in the same schema.
    """
    if not counts:
        return added.slice(0, 0)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    values = added.column(0).to_numpy(zero_copy_only=False).astype(np.float64)
    values = np.where(np.isnan(values), -np.inf, values)
    highest = np.maximum.reduceat(values, starts)
    places = np.flatnonzero(values == np.repeat(highest, counts))
    best = added.take(pa.array(places[np.searchsorted(places, starts)]))
    if not is_mean:
        return best
    prefix = added.schema.names[0].removesuffix(schema.SIMILARITY)
    numbers = {prefix + name for name in (schema.SIMILARITY, schema.DISTANCE, schema.COSINE)}
    columns = [
        _means(added.column(place), starts) if name in numbers else best.column(place)
        for place, name in enumerate(added.schema.names)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=added.schema)


def _means(column: pa.Array, starts: np.ndarray) -> pa.Array:
    values = column.to_numpy(zero_copy_only=False).astype(np.float64)
    is_there = ~np.isnan(values)
    sums = np.add.reduceat(np.where(is_there, values, 0.0), starts)
    num_scored = np.add.reduceat(is_there.astype(np.int64), starts)
    means = sums / np.maximum(num_scored, 1)
    return pa.array(means.astype(np.float32), mask=num_scored == 0)
