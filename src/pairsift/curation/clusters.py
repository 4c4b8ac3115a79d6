"""From pairs that are alike to groups, without chains: a is like b, b like c, but c not like a."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pairsift.curation.embedded import BoolArray, IntArray

Verify = Callable[[IntArray, IntArray], BoolArray]
"""Says of pairs of places whether the two are alike."""

_NONE: Final = np.zeros(0, dtype=np.int64)


def group_alike(
    num: int, first: IntArray, second: IntArray, *, rank: NDArray[np.float64], verify: Verify
) -> IntArray:
    """Return groups in which every member is like the group's representative.

    Args:
        num: How many things there are.
        first: Places of the one of each pair that is alike, shape (P,), int64.
        second: Places of the other.
        rank: The lowest of a group is its representative, shape (num,); ties by place.
        verify: Asked for members that were not yet compared with their representative.

    Returns:
        For each thing the place of its representative, its own where it is alone, shape (num,).
    """
    group = np.arange(num, dtype=np.int64)
    order = np.lexsort((np.arange(num), rank))
    position = np.empty(num, dtype=np.int64)
    position[order] = np.arange(num)
    while len(first):
        root = connected(num, first, second)
        members = np.unique(np.concatenate([first, second]))
        head = _first_of_each(root[members], members, position, num)
        heads = head[root[members]]
        known = np.unique(np.concatenate([first * num + second, second * num + first]))
        is_head = heads == members
        is_known = np.isin(heads * num + members, known)
        asked = np.flatnonzero(~is_head & ~is_known)
        belongs = is_head | is_known
        if len(asked):
            belongs[asked] = verify(heads[asked], members[asked])
        group[members[belongs]] = heads[belongs]
        # Whoever is not like the representative may still be like others that are left.
        is_left = np.zeros(num, dtype=bool)
        is_left[members[~belongs]] = True
        keep = is_left[first] & is_left[second]
        first, second = first[keep], second[keep]
    return group


def connected(num: int, first: IntArray, second: IntArray) -> IntArray:
    """Return the lowest place that each thing is connected with, over any number of pairs.

    Args:
        num: How many things there are.
        first: Places of the one of each pair, shape (P,), int64.
        second: Places of the other.

    Example:
        >>> connected(4, np.array([3, 1]), np.array([1, 2])).tolist()
        [0, 1, 1, 1]
    """
    root = np.arange(num, dtype=np.int64)
    while True:
        low = np.minimum(root[first], root[second])
        before = root.copy()
        np.minimum.at(root, root[first], low)
        np.minimum.at(root, root[second], low)
        # Pointers are shortened until they end, so that few rounds suffice.
        while True:
            shorter = root[root]
            if (shorter == root).all():
                break
            root = shorter
        if (root == before).all():
            return root


def _first_of_each(roots: IntArray, members: IntArray, position: IntArray, num: int) -> IntArray:
    """Return for each root the member that comes first."""
    head = np.full(num, -1, dtype=np.int64)
    ordered = np.lexsort((position[members], roots))
    starts = np.ones(len(ordered), dtype=bool)
    starts[1:] = roots[ordered][1:] != roots[ordered][:-1]
    head[roots[ordered][starts]] = members[ordered][starts]
    return head
