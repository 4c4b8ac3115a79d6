"""Shares with their uncertainty: score intervals, a test of two shares, and many tests at once."""

import math

import numpy as np
from numpy.typing import NDArray

DoubleArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

Z95 = 1.959963984540054
"""Two-sided 95 % point of the normal distribution."""

FEWEST_EXPECTED = 5.0
"""Expected counts from which a chi-squared test holds. Source: Cochran 1954."""


def wilson_interval(
    successes: IntArray | int, trials: IntArray | int, *, z: float = Z95
) -> tuple[DoubleArray, DoubleArray]:
    """Return the score interval of a share; it holds for few trials and near 0 and 1.

    Args:
        successes: Counts, any shape.
        trials: Counts of the same shape; for none the interval is [0, 1].
        z: Normal quantile; 1.645 gives a one-sided 95 % bound.

    Returns:
        Lower and upper ends.

    Example:
        >>> low, high = wilson_interval(8, 10)
        >>> round(float(low), 3), round(float(high), 3)
        (0.49, 0.943)

    Source:
        Wilson 1927; recommended for small counts by Brown, Cai & DasGupta 2001.
    """
    num = np.asarray(trials, dtype=np.float64)
    some = np.maximum(num, 1.0)
    share = np.asarray(successes, dtype=np.float64) / some
    shrunk = 1.0 + z * z / some
    middle = (share + z * z / (2.0 * some)) / shrunk
    half = z / shrunk * np.sqrt(share * (1.0 - share) / some + z * z / (4.0 * some * some))
    low = np.where(num > 0, np.clip(middle - half, 0.0, 1.0), 0.0)
    high = np.where(num > 0, np.clip(middle + half, 0.0, 1.0), 1.0)
    return low, high


def gap_interval(
    successes: IntArray, trials: IntArray, other_successes: IntArray, other_trials: IntArray
) -> tuple[DoubleArray, DoubleArray]:
    """Return the 95 % interval of a share less another, from the two score intervals.

    Args:
        successes: Counts of the one side, any shape.
        trials: Likewise.
        other_successes: Counts of the other side, same shape.
        other_trials: Likewise.

    Returns:
        Lower and upper ends of ``successes / trials - other_successes / other_trials``.

    Source:
        Newcombe 1998, "Interval estimation for the difference between independent proportions",
        method 10.
    """
    share = successes / np.maximum(trials, 1)
    other = other_successes / np.maximum(other_trials, 1)
    low, high = wilson_interval(successes, trials)
    other_low, other_high = wilson_interval(other_successes, other_trials)
    gap = share - other
    return (
        gap - np.sqrt((share - low) ** 2 + (other_high - other) ** 2),
        gap + np.sqrt((high - share) ** 2 + (other - other_low) ** 2),
    )


def gap_p_values(
    successes: IntArray, trials: IntArray, other_successes: IntArray, other_trials: IntArray
) -> DoubleArray:
    """Test whether two shares differ: the chi-squared test of a 2 x 2 table, with correction.

    Where fewer than ``FEWEST_EXPECTED`` rows are expected in a cell of the table, that test calls
    too much significant (1 % kept, and 3 of 20 in a group: 2e-7 where it should be 1e-3); there it
    is Fisher's exact one.

    Args:
        successes: Counts of the one side, shape (K,).
        trials: Likewise.
        other_successes: Counts of the other side, shape (K,).
        other_trials: Likewise.

    Returns:
        Two-sided p-values, shape (K,); 1 where a side is empty or all went one way.

    Source:
        Yates 1934, for the correction; Cochran 1954, "Some methods for strengthening the common
        chi-squared tests", for when it holds; Fisher 1935, "The logic of inductive inference".
    """
    kept = (successes + other_successes).astype(np.float64)
    total = (trials + other_trials).astype(np.float64)
    margins = trials * other_trials * kept * (total - kept)
    crossed = successes * (other_trials - other_successes) - other_successes * (trials - successes)
    beyond = np.maximum(np.abs(crossed.astype(np.float64)) - total / 2.0, 0.0)
    chi_squared = np.divide(total * beyond**2, margins, out=np.zeros_like(total), where=margins > 0)
    p_values = np.array([math.erfc(math.sqrt(value / 2.0)) for value in chi_squared])
    smaller = np.minimum(trials, other_trials) * np.minimum(kept, total - kept)
    for at in np.flatnonzero((margins > 0) & (smaller < FEWEST_EXPECTED * total)).tolist():
        p_values[at] = _exact_p_value(
            int(successes[at]), int(trials[at]), int(kept[at]), int(total[at])
        )
    return p_values


def _exact_p_value(successes: int, trials: int, kept: int, total: int) -> float:
    """Return how likely a table is that is no likelier than this one, its margins given."""
    low, high = max(0, kept - (total - trials)), min(trials, kept)
    x = np.arange(low, high, dtype=np.float64)
    # From each table to the next the hypergeometric probability changes by this factor.
    rising, falling = (kept - x) * (trials - x), (x + 1.0) * (total - trials - kept + x + 1.0)
    logs = np.concatenate([[0.0], np.cumsum(np.log(rising) - np.log(falling))])
    weights = np.exp(logs - logs.max())
    # Tables that are exactly as likely differ by rounding.
    is_no_likelier = weights <= weights[successes - low] * (1.0 + 1e-7)
    return float(weights[is_no_likelier].sum() / weights.sum())


def holm(p_values: DoubleArray) -> DoubleArray:
    """Return p-values corrected so that one false finding among all is as rare as one test's.

    Args:
        p_values: Shape (K,).

    Returns:
        Corrected, at most 1, shape (K,).

    Example:
        >>> holm(np.array([0.01, 0.04, 0.03])).round(2).tolist()
        [0.03, 0.06, 0.06]

    Source:
        Holm 1979, "A simple sequentially rejective multiple test procedure".
    """
    order = np.argsort(p_values, kind="stable")
    factors = len(p_values) - np.arange(len(p_values))
    corrected = np.empty(len(p_values))
    corrected[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1.0)
    return corrected
