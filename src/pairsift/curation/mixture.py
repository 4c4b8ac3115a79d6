"""Two components, matched and mismatched: which share is which, and how likely each pair.

What is assumed, and must be known to read the numbers:

1. A wrong pair looks like a random mismatch of the same data (or of its stratum). A caption with
   one wrong word does not, and counts as matched.
2. A higher similarity never makes a match less likely. Then the p-values of all pairs have a
   falling density, and its maximum-likelihood estimate is known in closed form: no bandwidth and
   no starting values.
3. Hardly any matched pair is less similar than the middle of the null. Where some are, the share
   of mismatched pairs comes out too large and the other numbers too careful.
"""

import numpy as np
from numpy.typing import NDArray

DoubleArray = NDArray[np.float64]

SHARE_CUT = 0.5
"""P-values above this count as mismatched pairs; Storey's lambda, at its customary value."""


def mismatched_share(p_values: DoubleArray) -> float:
    """Estimate the share of pairs that are no match: ``(1 + #p > l) / (N (1 - l))``.

    Args:
        p_values: Shape (N,); NaN is left out.

    Returns:
        In (0, 1], a little too large rather than too small; 1 where there is nothing.

    Example:
        >>> round(mismatched_share(np.array([1e-6] * 98 + [0.4, 0.9])), 3)
        0.04

    Source:
        Storey 2002, "A direct approach to false discovery rates", with the +1 of Storey, Taylor &
        Siegmund 2004, section 4.
    """
    p_values = p_values[np.isfinite(p_values)]
    if len(p_values) == 0:
        return 1.0
    above = 1 + int((p_values > SHARE_CUT).sum())
    return min(1.0, above / (len(p_values) * (1.0 - SHARE_CUT)))


def tail_fdr(p_values: DoubleArray, *, share: float) -> DoubleArray:
    """Return the share of wrong pairs among all pairs that are at least as similar.

    Args:
        p_values: Shape (N,); NaN where there is none.
        share: Of mismatched pairs, as estimated; 1 gives Benjamini and Hochberg's procedure.

    Returns:
        q-values in [0, 1], shape (N,), rising with p; NaN where p is.

    Example:
        >>> tail_fdr(np.array([0.01, 0.02, 0.9]), share=1.0).round(3).tolist()
        [0.03, 0.03, 0.9]

    Source:
        Benjamini & Hochberg 1995; Storey 2002, section 3.
    """
    q_values = np.full(len(p_values), np.nan)
    rows = np.flatnonzero(np.isfinite(p_values))
    if len(rows) == 0:
        return q_values
    order = rows[np.argsort(p_values[rows], kind="stable")]
    ascending = p_values[order]
    # Pairs that tie are kept together, so each counts all of them.
    up_to = np.searchsorted(ascending, ascending, side="right")
    estimates = np.minimum(share * ascending * len(order) / up_to, 1.0)
    q_values[order] = np.minimum.accumulate(estimates[::-1])[::-1]
    return q_values


def match_probabilities(p_values: DoubleArray, *, share: float) -> DoubleArray:
    """Return how likely each pair is a match: one less its local false discovery rate.

    The rate is ``share / f(p)``; ``f`` is the density of all p-values, estimated as the slope of
    the least concave majorant of their distribution.

    Args:
        p_values: Shape (N,); NaN where there is none.
        share: Of mismatched pairs, as estimated.

    Returns:
        In [0, 1], shape (N,), falling as p rises; NaN where p is.

    Source:
        Grenander 1956 for the density; Strimmer 2008, "A unified approach to false discovery rate
        estimation", for its use on p-values.
    """
    probabilities = np.full(len(p_values), np.nan)
    finite = np.isfinite(p_values)
    if not finite.any():
        return probabilities
    values, counts = np.unique(p_values[finite], return_counts=True)
    x = np.concatenate([[0.0], values])
    y = np.concatenate([[0.0], np.cumsum(counts) / counts.sum()])
    if x[-1] < 1.0:
        x, y = np.append(x, 1.0), np.append(y, 1.0)
    knots = _concave_majorant(x, y)
    slopes = np.diff(y[knots]) / np.diff(x[knots])
    segment = np.searchsorted(x[knots], p_values[finite], side="left") - 1
    probabilities[finite] = 1.0 - np.minimum(share / slopes[segment], 1.0)
    return probabilities


def _concave_majorant(x: DoubleArray, y: DoubleArray) -> NDArray[np.int64]:
    """Return the indices of the corners of the least concave majorant; x ascends."""
    corners: list[int] = []
    for index in range(len(x)):
        while len(corners) > 1:
            before, last = corners[-2], corners[-1]
            rise = (y[last] - y[before]) * (x[index] - x[last])
            if rise > (y[index] - y[last]) * (x[last] - x[before]):
                break
            corners.pop()
        corners.append(index)
    return np.array(corners, dtype=np.int64)
