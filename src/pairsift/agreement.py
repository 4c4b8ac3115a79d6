"""How far two models, or two precisions of one, agree on the same pairs: ranks, AUC, overlap.

Pure functions on arrays. "True" pairs are those of the user's table, "mismatched" ones are put
together on purpose; no label is needed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairsift.errors import ShapeError
from pairsift.protocols import FloatArray

BoolArray = NDArray[np.bool_]
DoubleArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

RESAMPLES = 1000
"""Bootstrap samples: the ends of a 95 % interval then rest on 25 samples each."""

_KENDALL_BLOCK = 512


def average_ranks(values: FloatArray | DoubleArray) -> DoubleArray:
    """Return ranks from 1, ties sharing their mean, shape (N,).

    Example:
        >>> average_ranks(np.array([0.3, 0.1, 0.3])).tolist()
        [2.5, 1.0, 2.5]
    """
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: DoubleArray = (last - (counts - 1) / 2.0)[place]
    return ranks


def spearman(one: FloatArray | DoubleArray, other: FloatArray | DoubleArray) -> float:
    """Return the rank correlation of two rankings of the same N rows; NaN where one has no order.

    Source:
        Spearman 1904; with ties, Pearson's correlation of the average ranks.
    """
    _check_alike(one, other)
    ranks = np.stack([average_ranks(one), average_ranks(other)])
    ranks -= ranks.mean(axis=1, keepdims=True)
    spread = np.sqrt((ranks**2).sum(axis=1).prod())
    return float(ranks[0] @ ranks[1] / spread) if spread > 0 else float("nan")


def kendall(one: FloatArray | DoubleArray, other: FloatArray | DoubleArray) -> float:
    """Return Kendall's tau-b: how many more pairs of rows agree in order than disagree.

    Every pair of rows is looked at, so this is for samples of some thousands.

    Source:
        Kendall 1945, "The treatment of ties in ranking problems".
    """
    _check_alike(one, other)
    total, ordered = 0.0, np.zeros(2)
    for begin in range(0, len(one), _KENDALL_BLOCK):
        rows = slice(begin, begin + _KENDALL_BLOCK)
        signs = [np.sign(values[rows, None] - values[None]) for values in (one, other)]
        total += float((signs[0] * signs[1]).sum())
        ordered += [np.abs(sign).sum() for sign in signs]
    spread = float(np.sqrt(ordered.prod()))
    return total / spread if spread > 0 else float("nan")


def jaccard(one: BoolArray, other: BoolArray) -> float:
    """Return the rows that both keep as a share of those that either keeps; 1 if neither does.

    Example:
        >>> jaccard(np.array([True, True, False]), np.array([True, False, False]))
        0.5
    """
    _check_alike(one, other)
    either = int((one | other).sum())
    return float((one & other).sum() / either) if either else 1.0


@dataclass(frozen=True, eq=False)
class Contrast:
    """True pairs against mismatched pairs of the same rows.

    Args:
        true: Similarities of the N rows, shape (N,).
        mismatched: Similarities of M mismatched pairs, shape (M,).
        left: Row of each mismatched pair's picture, shape (M,).
        right: Row of its caption, shape (M,).
    """

    true: FloatArray
    mismatched: FloatArray
    left: IntArray
    right: IntArray

    def auc(self) -> float:
        """Return how often a true pair is more similar than a mismatched one; ties count half."""
        return float(self.aucs(np.ones((1, len(self.true))))[0])

    def aucs(self, weights: DoubleArray) -> DoubleArray:
        """Return the AUC under weights of rows.

        Args:
            weights: Shape (B, N); a mismatched pair weighs as the product of its two rows.

        Returns:
            Shape (B,); NaN where all weight is on rows that are in no mismatched pair.

        Source:
            Hanley & McNeil 1982, the Wilcoxon form of the area.
        """
        order = np.argsort(self.mismatched, kind="stable")
        ascending = self.mismatched[order]
        below = np.searchsorted(ascending, self.true, side="left")
        up_to = np.searchsorted(ascending, self.true, side="right")
        left, right = self.left[order], self.right[order]
        found = np.full(len(weights), np.nan)
        for place, own in enumerate(weights):
            sums = np.concatenate([[0.0], np.cumsum(own[left] * own[right])])
            if sums[-1] > 0 and own.sum() > 0:
                wins = own @ (sums[below] + sums[up_to]) / 2.0
                found[place] = wins / (own.sum() * sums[-1])
        return found


def row_weights(
    num_rows: int, *, generator: np.random.Generator, resamples: int = RESAMPLES
) -> DoubleArray:
    """Return bootstrap weights: how often each row is drawn when N rows are drawn from N.

    Rows are drawn, not pairs: the mismatched pairs of a row stand or fall with it, so that an
    interval does not pretend that N rows were N times N independent comparisons.

    Returns:
        Shape (resamples, N).

    Source:
        Efron & Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13.
    """
    shares = np.full(num_rows, 1.0 / num_rows)
    return generator.multinomial(num_rows, shares, size=resamples).astype(np.float64)


def interval_95(samples: DoubleArray) -> tuple[float, float]:
    """Return the middle 95 % of bootstrap samples, NaN among them left out."""
    low, high = np.nanquantile(samples, [0.025, 0.975])
    return float(low), float(high)


def _check_alike(one: NDArray[np.generic], other: NDArray[np.generic]) -> None:
    if one.shape != other.shape:
        message = f"{len(one)} rows against {len(other)}; give the same rows to both"
        raise ShapeError(message)
