"""Whom a filter leaves out: keep rates of groups of rows, before anything is written.

Each group is held against all other rows of its own dimension. Groups of one dimension, such as
category, exclude each other; dimensions overlap (short captions may be of one language), so a
line says that a gap is there, not what causes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pairsift.curation.intervals import gap_interval, gap_p_values, holm, wilson_interval
from pairsift.errors import ShapeError

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

SIGNIFICANT = 0.05
"""Corrected p-value up to which a gap counts: one false line in twenty audits, Holm 1979."""

MIN_GROUP_ROWS = 20
"""Rows below which a group is shown but not tested: only the widest gaps could be found there, and
each further test makes all others weaker."""


@dataclass(frozen=True)
class Dimension:
    """One way to divide the rows into groups.

    Args:
        name: Such as ``category``.
        labels: Group of each row, shape (N,); negative where the row has none.
        names: Of the groups, by label.
    """

    name: str
    labels: IntArray
    names: Sequence[str]


@dataclass(frozen=True)
class AuditLine:
    """The keep rate of one group, and how far it is from that of the rest.

    Args:
        dimension: Name of the dimension.
        group: Name of the group.
        rows: Scored rows of the group.
        kept: How many of them the filter keeps.
        rate: ``kept / rows``.
        rate_low: Lower end of its 95 % interval.
        rate_high: Upper end.
        gap: Rate less the rate of the dimension's other rows.
        gap_low: Lower end of its 95 % interval.
        gap_high: Upper end.
        p_value: Of no gap, corrected for all lines of the audit; None where it was not tested.
    """

    dimension: str
    group: str
    rows: int
    kept: int
    rate: float
    rate_low: float
    rate_high: float
    gap: float
    gap_low: float
    gap_high: float
    p_value: float | None

    @property
    def is_significant(self) -> bool:
        """Whether the gap is more than chance, all lines of the audit considered."""
        return self.p_value is not None and self.p_value <= SIGNIFICANT


def audit_filter(keep: BoolArray, dimensions: Sequence[Dimension]) -> list[AuditLine]:
    """Compare the keep rates of groups.

    Args:
        keep: What the filter keeps, of the rows that count, shape (N,): leave out rows that were
            not scored, or they are blamed on the filter.
        dimensions: Each with N labels. Those of fewer than two groups have no line.

    Returns:
        Lines by the size of the gap: those that are more than chance first, those that were not
        tested last. P-values are corrected by Holm's method over all tested lines of all
        dimensions.

    Raises:
        ShapeError: A dimension has not one label a row.
    """
    lines: list[AuditLine] = []
    for dimension in dimensions:
        if len(dimension.labels) != len(keep):
            message = f"{dimension.name}: {len(dimension.labels)} labels for {len(keep)} rows"
            raise ShapeError(message)
        lines += _lines(keep, dimension)
    tested = [index for index, line in enumerate(lines) if line.p_value is not None]
    corrected = holm(np.array([lines[index].p_value for index in tested], dtype=np.float64))
    for index, p_value in zip(tested, corrected, strict=True):
        lines[index] = replace(lines[index], p_value=float(p_value))
    return sorted(
        lines,
        key=lambda line: (not line.is_significant, line.p_value is None, -abs(line.gap)),
    )


def length_dimension(lengths: NDArray[np.float64], *, name: str, unit: str) -> Dimension:
    """Divide rows by a size, such as the length of a caption, into four groups alike in number.

    Args:
        lengths: Shape (N,), NaN where there is none.
        name: Of the dimension.
        unit: Put behind the bounds in the names of the groups.

    Returns:
        The dimension; fewer than four groups where the sizes are few.
    """
    finite = np.isfinite(lengths)
    labels = np.full(len(lengths), -1, dtype=np.int64)
    if not finite.any():
        return Dimension(name, labels, ())
    known = lengths[finite]
    cuts = np.unique(np.quantile(known, [0.25, 0.5, 0.75], method="higher"))
    cuts = cuts[cuts > known.min()]
    labels[finite] = np.searchsorted(cuts, known, side="right")
    bounds = []
    for label in range(len(cuts) + 1):
        inside = known[labels[finite] == label]
        low, high = inside.min(), inside.max()
        bounds.append(f"{low:g} {unit}" if low == high else f"{low:g} to {high:g} {unit}")
    return Dimension(name, labels, bounds)


def named_dimension(name: str, values: Sequence[object]) -> Dimension:
    """Divide rows by a column's values; a null belongs to no group.

    Args:
        name: Of the dimension.
        values: Shape (N,).
    """
    codes: Mapping[object, int] = {
        value: code for code, value in enumerate(dict.fromkeys(v for v in values if v is not None))
    }
    labels = np.array([-1 if v is None else codes[v] for v in values], dtype=np.int64)
    return Dimension(name, labels, [str(value) for value in codes])


def _lines(keep: BoolArray, dimension: Dimension) -> list[AuditLine]:
    inside = dimension.labels >= 0
    num_groups = len(dimension.names)
    rows = np.bincount(dimension.labels[inside], minlength=num_groups)
    kept = np.bincount(dimension.labels[inside & keep], minlength=num_groups)
    if (rows > 0).sum() < 2:
        return []
    other_rows, other_kept = rows.sum() - rows, kept.sum() - kept
    rate_low, rate_high = wilson_interval(kept, rows)
    gap_low, gap_high = gap_interval(kept, rows, other_kept, other_rows)
    tested = rows >= MIN_GROUP_ROWS
    p_values = np.ones(num_groups)
    p_values[tested] = gap_p_values(
        kept[tested], rows[tested], other_kept[tested], other_rows[tested]
    )
    gaps = kept / np.maximum(rows, 1) - other_kept / np.maximum(other_rows, 1)
    return [
        AuditLine(
            dimension=dimension.name,
            group=dimension.names[label],
            rows=int(rows[label]),
            kept=int(kept[label]),
            rate=float(kept[label] / rows[label]),
            rate_low=float(rate_low[label]),
            rate_high=float(rate_high[label]),
            gap=float(gaps[label]),
            gap_low=float(gap_low[label]),
            gap_high=float(gap_high[label]),
            p_value=float(p_values[label]) if tested[label] else None,
        )
        for label in np.flatnonzero(rows).tolist()
    ]
