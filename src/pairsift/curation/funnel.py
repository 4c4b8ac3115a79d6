"""Rules applied one after the other: how many rows each drops alone, how many where it stands."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pairsift.errors import UsageError

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

MAX_REASONS = 64
"""Reasons of a recipe at most: a row's reasons are the bits of one number."""


@dataclass(frozen=True)
class Drops:
    """Which rows a rule would drop.

    Args:
        masks: By reason, shape (N,) each; a row may be in several.
        repeats: How often a row that is left counts, shape (N,), or None for once.
    """

    masks: Mapping[str, BoolArray]
    repeats: IntArray | None = None

    def any(self, num_rows: int) -> BoolArray:
        """Return the rows that are in any mask, shape (N,)."""
        together = np.zeros(num_rows, dtype=bool)
        for mask in self.masks.values():
            together |= mask
        return together


@dataclass(frozen=True)
class Step:
    """A rule made ready for a run.

    Args:
        words: The rule on one line.
        reasons: That it may give, in order.
        apply: Given the rows that are left, which rows go. A rule that looks at each row alone
            says so of every row, left or not; one that compares rows compares those that are
            left, and holds the others against the result.
    """

    words: str
    reasons: tuple[str, ...]
    apply: Callable[[BoolArray], Drops]


@dataclass(frozen=True)
class FunnelLine:
    """What one rule does.

    Args:
        rule: On one line.
        alone: Rows that it would drop if it were the only one.
        dropped: Rows that it drops of those that earlier rules left.
        left: Rows that are left after it.
    """

    rule: str
    alone: int
    dropped: int
    left: int


@dataclass(frozen=True)
class Verdict:
    """What the rules say of every row.

    Args:
        names: Reasons, in the order in which a row lists them.
        bits: Of each row: bit i is set where ``names[i]`` applies, shape (N,), uint64.
        repeats: How often a row counts, 0 where it is dropped, shape (N,), int64.
        funnel: A line a rule.
    """

    names: tuple[str, ...]
    bits: NDArray[np.uint64]
    repeats: IntArray
    funnel: list[FunnelLine]

    @property
    def keep(self) -> BoolArray:
        """Which rows are kept, shape (N,): those without a reason to go."""
        kept: BoolArray = self.bits == 0
        return kept

    @property
    def counts(self) -> dict[str, int]:
        """Rows by reason; a row with two reasons counts twice."""
        return {name: int(self._has(place).sum()) for place, name in enumerate(self.names)}

    def has_no_reason_before(self, name: str) -> BoolArray:
        """Return the rows to which no reason applies that is listed before another, shape (N,)."""
        before = np.uint64((1 << self.names.index(name)) - 1)
        clear: BoolArray = (self.bits & before) == 0
        return clear

    def reasons(self, rows: slice | IntArray) -> pa.ListArray:
        """Return the names of the reasons of some rows, empty for those that are kept."""
        bits = self.bits[rows]
        flags = np.stack([_bit(bits, place) for place in range(len(self.names))], axis=1)
        offsets = np.concatenate([[0], np.cumsum(flags.sum(axis=1))]).astype(np.int32)
        places = np.nonzero(flags)[1].astype(np.int32)
        names = pa.array(list(self.names), pa.string()).take(pa.array(places))
        return pa.ListArray.from_arrays(pa.array(offsets), names)

    def _has(self, place: int) -> BoolArray:
        return _bit(self.bits, place)


def run_funnel(steps: Sequence[Step], num_rows: int) -> Verdict:
    """Apply rules in order.

    Args:
        steps: The rules.
        num_rows: Rows N.

    Returns:
        What they say of every row. All reasons that apply are given, also those of rules that
        came after the one that dropped the row.

    Raises:
        UsageError: There are more reasons than a row can hold.

    Example:
        >>> odd = Step("no odd rows", ("odd",), lambda left: Drops({"odd": np.arange(3) % 2 == 1}))
        >>> run_funnel([odd], 3).reasons(slice(None)).to_pylist()
        [[], ['odd'], []]
    """
    names = tuple(dict.fromkeys(reason for step in steps for reason in step.reasons))
    if len(names) > MAX_REASONS:
        raise UsageError(f"{len(names)} reasons in one recipe; at most {MAX_REASONS}")
    bits = np.zeros(num_rows, dtype=np.uint64)
    repeats = np.ones(num_rows, dtype=np.int64)
    everybody = np.ones(num_rows, dtype=bool)
    left = everybody.copy()
    funnel: list[FunnelLine] = []
    for step in steps:
        alone = int(step.apply(everybody).any(num_rows).sum())
        drops = step.apply(left)
        for reason, mask in drops.masks.items():
            bits[mask] |= np.uint64(1) << np.uint64(names.index(reason))
        if drops.repeats is not None:
            repeats = drops.repeats
        before = int(left.sum())
        left &= ~drops.any(num_rows)
        after = int(left.sum())
        funnel.append(FunnelLine(step.words, alone, before - after, after))
    return Verdict(names, bits, np.where(left, repeats, 0), funnel)


def _bit(bits: NDArray[np.uint64], place: int) -> BoolArray:
    found: BoolArray = (bits >> np.uint64(place)) & np.uint64(1) == 1
    return found
