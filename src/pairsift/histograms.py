"""A mergeable histogram with fixed bins: quantiles of any number of values in constant memory."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

NUM_BINS = 1 << 20
"""Over [-1, 1] a bin is 1.9e-6 wide, so that quantiles are right to 2e-6."""


@dataclass
class Histogram:
    """Counts of values in equal bins over [low, high]; values outside go to the end bins.

    Args:
        low: Lower edge of the first bin.
        high: Upper edge of the last bin.
        counts: One count a bin.

    Example:
        >>> histogram = Histogram(-1.0, 1.0)
        >>> histogram.add(np.array([0.1, 0.2, 0.3], dtype=np.float32))
        >>> [round(float(q), 4) for q in histogram.quantiles([0.5])]
        [0.2]
    """

    low: float
    high: float
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(NUM_BINS, dtype=np.int64))

    @property
    def total(self) -> int:
        """How many values were added."""
        return int(self.counts.sum())

    def add(self, values: NDArray[np.float32]) -> None:
        """Count the finite ones of values, shape (N,)."""
        bins, counts = self.bin_counts(values)
        self.counts[bins] += counts

    def bin_counts(
        self, values: NDArray[np.float32]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the bins that values, shape (N,), fall into, ascending, and their counts.

        Values that are not finite are in none.

        Nothing is added: this is how a part of the data is written down to be merged later.
        """
        finite = values[np.isfinite(values)].astype(np.float64)
        position = (finite - self.low) / (self.high - self.low)
        bins = np.clip((position * NUM_BINS).astype(np.int64), 0, NUM_BINS - 1)
        found, counts = np.unique(bins, return_counts=True)
        return found, counts.astype(np.int64)

    def merge(self, other: "Histogram") -> None:
        """Add the counts of another histogram over the same range.

        Raises:
            ValueError: The ranges differ.
        """
        if (self.low, self.high) != (other.low, other.high):
            message = f"histograms over [{self.low}, {self.high}] and [{other.low}, {other.high}]"
            raise ValueError(message)
        self.counts += other.counts

    def quantiles(self, fractions: list[float]) -> list[float]:
        """Return the value below which each fraction lies; NaN where nothing was added.

        Args:
            fractions: Each in [0, 1].

        Returns:
            Bin centres, so right to half a bin's width.
        """
        if self.total == 0:
            return [float("nan")] * len(fractions)
        cumulative = np.cumsum(self.counts)
        ranks = np.clip(np.ceil(np.asarray(fractions) * self.total), 1, self.total)
        bins = np.searchsorted(cumulative, ranks)
        width = (self.high - self.low) / NUM_BINS
        return [float(self.low + (index + 0.5) * width) for index in bins]

    def coarse(self, num_bins: int, *, low: float, high: float) -> NDArray[np.int64]:
        """Return counts in fewer equal bins over [low, high], for drawing.

        Args:
            num_bins: How many bins to return.
            low: Lower edge; values below are counted in the first bin.
            high: Upper edge; values above are counted in the last bin.

        Returns:
            Counts, shape (num_bins,).
        """
        filled = np.flatnonzero(self.counts)
        centres = self.low + (filled + 0.5) * (self.high - self.low) / NUM_BINS
        span = max(high - low, np.finfo(np.float64).tiny)
        bins = np.clip(((centres - low) / span * num_bins).astype(np.int64), 0, num_bins - 1)
        return np.bincount(bins, weights=self.counts[filled], minlength=num_bins).astype(np.int64)
