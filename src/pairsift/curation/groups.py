"""Rows by label: the arithmetic of groups without a loop over rows."""

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]


class Groups:
    """Rows sorted by label, with each row's group at hand.

    Args:
        labels: Shape (N,), integers.

    ``order`` lists the rows group by group, in row order within a group; ``size_of_row``,
    ``start_of_row`` and ``place_in_group`` say for each row how large its group is, where in
    ``order`` it begins, and which row of it this one is; all of shape (N,).

    Example:
        >>> groups = Groups(np.array([7, 3, 7]))
        >>> groups.labels.tolist(), groups.sizes.tolist(), groups.order.tolist()
        ([3, 7], [1, 2], [1, 0, 2])
    """

    def __init__(self, labels: IntArray) -> None:
        self.labels, index, self.sizes = np.unique(labels, return_inverse=True, return_counts=True)
        self.order: IntArray = np.argsort(index, kind="stable")
        starts = np.cumsum(self.sizes) - self.sizes
        self.start_of_row: IntArray = starts[index]
        self.size_of_row: IntArray = self.sizes[index]
        places = np.empty(len(labels), dtype=np.int64)
        places[self.order] = np.arange(len(labels))
        self.place_in_group: IntArray = places - self.start_of_row

    def large(self, min_rows: int) -> list[int]:
        """Return the labels of groups of at least so many rows."""
        return [int(label) for label in self.labels[self.sizes >= min_rows]]

    def rows(self) -> list[tuple[int, IntArray]]:
        """Return each label with its rows, ascending."""
        ends = np.cumsum(self.sizes)
        return [
            (int(label), self.order[end - size : end])
            for label, size, end in zip(self.labels, self.sizes, ends, strict=True)
        ]
