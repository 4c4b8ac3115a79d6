"""What is left to score: planned spans without what is committed, in the order of the rows."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pairsift.protocols import Span
from pairsift.runs.commits import Commit
from pairsift.runs.layout import ATTEMPTS, ShardKey, key_of
from pairsift.runs.store import RunStore

SUSPECT_ATTEMPTS = 2
"""A shard that was begun this often without a commit may be what ended the process."""


@dataclass(frozen=True)
class Piece:
    """What one shard reads.

    Args:
        key: Of the shard.
        span: Planned rows that it lies in: where to read.
        rows: Ordinals of its rows, ascending.
        span_rows: Rows from the first one that it stands for, wanted or not.
    """

    key: ShardKey
    span: Span
    rows: Sequence[int]
    span_rows: int


class Coverage:
    """Which rows of one file are committed.

    Args:
        commits: Of that file, generation 0.

    Example:
        >>> list(Coverage([]).gaps(0, 3))
        [(0, 3)]
    """

    def __init__(self, commits: Iterable[Commit]) -> None:
        ranges = sorted((c.key.first_row, c.key.first_row + c.span_rows) for c in commits)
        self._first = [first for first, _ in ranges]
        self._after = [after for _, after in ranges]

    def gaps(self, first: int, after: int) -> Iterator[tuple[int, int]]:
        """Yield the parts of [first, after) that are not committed, in order."""
        place = max(0, bisect_right(self._first, first) - 1)
        while first < after:
            while place < len(self._first) and self._after[place] <= first:
                place += 1
            if place == len(self._first) or self._first[place] >= after:
                yield first, after
                return
            if self._first[place] > first:
                yield first, self._first[place]
            first = self._after[place]


def pending(
    spans: Iterable[Span], coverage: Coverage, *, file: int, wanted: Sequence[int] | None
) -> Iterator[Piece]:
    """Yield what is left of a file, lazily: the first piece is there before the last is planned.

    Args:
        spans: As the table's reader plans them.
        coverage: What is committed.
        file: Ordinal of the file.
        wanted: Ordinals of the rows that are wanted, ascending, or None for all.
    """
    for span in spans:
        if wanted is not None and (not wanted or span.first_row > wanted[-1]):
            return
        for first, after in coverage.gaps(span.first_row, span.first_row + span.num_rows):
            rows: Sequence[int] = range(first, after)
            if wanted is not None:
                rows = wanted[bisect_left(wanted, first) : bisect_left(wanted, after)]
                after = min(after, wanted[-1] + 1)  # noqa: PLW2901 - behind it nobody wants rows
            if rows:
                yield Piece(ShardKey(file, first), span, rows, after - first)


def count_attempts(store: RunStore) -> Counter[str]:
    """Return how often each shard was begun without coming to its commit, by its stem."""
    keys = (key_of(name) for name in store.names(ATTEMPTS))
    return Counter(key.stem for key in keys if key is not None)
