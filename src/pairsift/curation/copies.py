"""Who stays of pictures that stand in a set more than once, among the rows that are left."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pairsift.protocols import FloatArray

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


def exact_groups(sha256: pa.ChunkedArray) -> IntArray:
    """Return the group of each row whose picture's bytes stand in other rows as well.

    Args:
        sha256: Of the picture of each row, N of them; null where it could not be read.

    Returns:
        Shape (N,), numbered from 0; -1 where the picture is the only one, or unknown.

    Example:
        >>> exact_groups(pa.chunked_array([["b", None, "a", "b", None]])).tolist()
        [0, -1, -1, 0, -1]
    """
    codes = pc.fill_null(sha256.combine_chunks().dictionary_encode().indices, -1)
    if isinstance(codes, pa.ChunkedArray):
        codes = codes.combine_chunks()
    labels = codes.to_numpy(zero_copy_only=False).astype(np.int64)
    known = labels >= 0
    counts = np.bincount(labels[known], minlength=1)
    numbers = np.where(counts > 1, np.cumsum(counts > 1) - 1, -1)
    return np.where(known, numbers[labels], -1)


def best_of_groups(groups: IntArray, scores: FloatArray, left: BoolArray) -> BoolArray:
    """Return the rows that have to go because another row of their group stays.

    Args:
        groups: Of each row, shape (N,); -1 where it is in none.
        scores: The best of a group stays, ties by row order; NaN is the worst, shape (N,).
        left: Only these may stay, shape (N,).

    Returns:
        Shape (N,). Of a group of which nothing is left nobody goes for the sake of another.
    """
    members = np.flatnonzero(groups >= 0)
    worst = np.nan_to_num(scores[members], nan=-np.inf)
    order = members[np.lexsort((members, -worst, ~left[members], groups[members]))]
    is_first = np.ones(len(order), dtype=bool)
    is_first[1:] = groups[order][1:] != groups[order][:-1]
    first = order[is_first]
    stays = first[left[first]]
    has_kept = np.zeros(int(groups.max(initial=-1)) + 1, dtype=bool)
    has_kept[groups[stays]] = True
    goes = np.zeros(len(groups), dtype=bool)
    goes[members] = has_kept[groups[members]]
    goes[stays] = False
    return goes


def in_groups_of(groups: IntArray, members: BoolArray) -> BoolArray:
    """Return the rows whose group has one of some rows.

    Args:
        groups: Of each row, shape (N,); -1 where it is in none.
        members: These rows, shape (N,).

    Example:
        >>> in_groups_of(np.array([0, 0, -1, 1]), np.array([True, False, True, False])).tolist()
        [True, True, False, False]
    """
    # The last place is for rows without a group, whose label is -1.
    has_member = np.zeros(int(groups.max(initial=-1)) + 2, dtype=bool)
    has_member[groups[members & (groups >= 0)]] = True
    return has_member[groups]


def captions_of_groups(
    groups: IntArray, stays: IntArray, captions: pa.ChunkedArray, left: BoolArray
) -> dict[int, list[str]]:
    """Return every distinct caption of a group for the row that stays, its own first.

    Args:
        groups: Of each row, shape (N,); -1 where it is in none.
        stays: The rows that stay; those in no group are passed over.
        captions: Of all rows, N of them.
        left: Only the captions of these are collected, shape (N,).
    """
    kept = stays[groups[stays] >= 0]
    row_of_group = {int(groups[row]): int(row) for row in kept}
    members = np.flatnonzero(np.isin(groups, groups[kept]) & left)
    texts = captions.take(pa.array(np.concatenate([kept, members]))).to_pylist()
    collected: dict[int, dict[str, None]] = {int(row): {} for row in kept}
    for place, text in zip([*kept.tolist(), *members.tolist()], texts, strict=True):
        if text:
            collected[row_of_group[int(groups[place])]].setdefault(text)
    return {row: list(texts_) for row, texts_ in collected.items()}
