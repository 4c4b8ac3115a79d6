"""Which rows a rule keeps, and what each threshold would keep."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from pairsift.curation.groups import Groups
from pairsift.curation.mixture import mismatched_share, tail_fdr
from pairsift.curation.rules import Rule
from pairsift.errors import UsageError
from pairsift.histograms import Histogram

BoolArray = NDArray[np.bool_]
FloatOrDoubleArray = NDArray[np.float32] | NDArray[np.float64]
CURVE_SHARES = (
    *(0.01, 0.03, 0.05, 0.10, 0.20, 0.30, 0.40, 0.50),
    *(0.60, 0.70, 0.75, 0.80, 0.90, 0.95, 0.97, 0.99),
)
"""Shares kept at the points of the curve; DataComp's Table 16 has nine of them."""


def keep_rows(
    rule: Rule,
    similarities: FloatOrDoubleArray,
    *,
    p_values: NDArray[np.float64] | None = None,
    probabilities: NDArray[np.float64] | None = None,
    labels: NDArray[np.int64] | None = None,
) -> BoolArray:
    """Say which rows a rule keeps.

    Args:
        rule: The rule.
        similarities: Shape (N,); higher is better, NaN where a row was not scored.
        p_values: Shape (N,); needed by ``fdr``.
        probabilities: Shape (N,); needed by ``probability``.
        labels: Shape (N,): the rule is applied to the rows of each label alone.

    Returns:
        Shape (N,). A row without a score is never kept. ``top`` keeps the share of the scored
        rows, rounded up; of rows that tie at the cut the earlier ones are kept.

    Raises:
        UsageError: The rule needs p-values or probabilities, and there are none.

    Example:
        >>> from pairsift.curation.rules import parse_rule
        >>> keep_rows(parse_rule("top:50%"), np.array([0.2, 0.3, 0.3, 0.3])).tolist()
        [False, True, True, False]
    """
    scored = np.isfinite(similarities)
    if rule.kind == "similarity":
        return scored & _at_least(similarities, rule.value)
    if rule.kind == "probability":
        return scored & _at_least(_given(rule, probabilities, scored), rule.value)
    if rule.kind == "fdr":
        values = _given(rule, p_values, scored)
        choose: Callable[[NDArray[np.int64]], BoolArray] = lambda rows: (  # noqa: E731
            tail_fdr(values[rows], share=mismatched_share(values[rows])) <= float(rule.value)
        )
    else:
        choose = lambda rows: _top(similarities[rows], rule.value)  # noqa: E731
    keep = np.zeros(len(similarities), dtype=bool)
    groups = Groups(np.zeros(len(keep), dtype=np.int64) if labels is None else labels)
    for _, members in groups.rows():
        rows = members[scored[members]]
        keep[rows] = choose(rows)
    return keep


def rows_at_cut(
    similarities: FloatOrDoubleArray, keep: BoolArray, num: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows nearest to the cut on either side.

    Args:
        similarities: Shape (N,), NaN where a row was not scored.
        keep: Shape (N,).
        num: Rows a side at most.

    Returns:
        The least similar kept rows, from the cut upwards, and the most similar rows that are not
        kept, from the cut downwards.
    """
    kept = np.flatnonzero(keep & np.isfinite(similarities))
    left = np.flatnonzero(~keep & np.isfinite(similarities))
    above = kept[np.argsort(similarities[kept], kind="stable")[:num]]
    below = left[np.argsort(-similarities[left], kind="stable")[:num]]
    return above, below


@dataclass(frozen=True)
class CurvePoint:
    """What one threshold keeps.

    Args:
        share: Of the scored rows.
        threshold: The similarity from which rows are kept.
        rows: How many that are.
    """

    share: float
    threshold: float
    rows: int


def keep_curve(histogram: Histogram, shares: Sequence[float] = CURVE_SHARES) -> list[CurvePoint]:
    """Return thresholds for some shares of rows kept, from a run's merged histogram.

    Args:
        histogram: Of the similarities; thresholds are right to half a bin, 1e-6 for cosines.
        shares: In (0, 1].

    Returns:
        A point a share; nothing where no row was scored.
    """
    total = histogram.total
    if total == 0:
        return []
    # Rounded up, as a rule of that share does.
    rows = [math.ceil(share * total - 1e-9) for share in shares]
    # Half a row below the lowest kept one, so that rounding does not decide which row it is.
    thresholds = histogram.quantiles([(total - num + 0.5) / total for num in rows])
    return [CurvePoint(*point) for point in zip(shares, thresholds, rows, strict=True)]


def rows_from(histogram: Histogram, threshold: float) -> int:
    """Return how many rows have at least this similarity, to the width of a bin.

    Args:
        histogram: Of the similarities.
        threshold: In the same unit.
    """
    width = (histogram.high - histogram.low) / len(histogram.counts)
    first = int(np.clip((threshold - histogram.low) / width, 0, len(histogram.counts)))
    return int(histogram.counts[first:].sum())


def _at_least(values: FloatOrDoubleArray, least: Fraction) -> BoolArray:
    # Compared in the column's own precision: 0.28 as float32 is a little more than 0.28.
    return values >= values.dtype.type(float(least))


def _given(
    rule: Rule, values: NDArray[np.float64] | None, scored: BoolArray
) -> NDArray[np.float64]:
    if values is None or (scored.any() and not np.isfinite(values[scored]).any()):
        raise UsageError(
            f"rule `{rule}` needs mismatched pairs to compare with, so the embeddings of at least "
            "two unlike pairs (hint: score with --embeddings all, or take top:30%)"
        )
    return values


def _top(similarities: FloatOrDoubleArray, share: Fraction) -> BoolArray:
    num = -((-share.numerator * len(similarities)) // share.denominator)
    keep = np.zeros(len(similarities), dtype=bool)
    keep[np.argsort(-similarities, kind="stable")[:num]] = True
    return keep
