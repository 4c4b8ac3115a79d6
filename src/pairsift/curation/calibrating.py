"""A run held against mismatched pairs of its own, without any rule for it."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pairsift.config import CalibrationConfig
from pairsift.curation.choice import calibration_of
from pairsift.curation.rows import ScoredRows, read_labels, read_rows
from pairsift.curation.scales import RunContrast, Scales, contrast_run, scale_run
from pairsift.runs import Run

POINTS = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
"""Quantiles that are shown of the pairs and of the mismatched ones."""


@dataclass(frozen=True)
class Calibration:
    """What every row's similarity means.

    Args:
        rows: The run's rows.
        scales: Percentiles, p-values and probabilities.
        contrast: Negative CLIP losses, where they were asked for.
    """

    rows: ScoredRows
    scales: Scales
    contrast: RunContrast | None

    def quantiles(self) -> list[tuple[float, float, float | None]]:
        """Return share, cosine of the pairs and of mismatched ones; None without these."""
        cosines = self.rows.cosines[self.rows.scored]
        if len(cosines) == 0:
            return []
        pairs = np.quantile(cosines, POINTS)
        null = self.scales.null.similarities
        others = np.quantile(null, POINTS) if self.scales.has_null else [None] * len(POINTS)
        return [
            (share, float(pair), None if other is None else float(other))
            for share, pair, other in zip(POINTS, pairs, others, strict=True)
        ]

    def to_json(self) -> dict[str, Any]:
        """Return everything but the rows as plain data."""
        error = None if self.contrast is None else self.contrast.error
        return {
            "rows": len(self.rows),
            "scored": int(self.rows.scored.sum()),
            "calibration": calibration_of(self.scales),
            "quantiles": [
                {"share": share, "cosine": pair, "mismatched": other}
                for share, pair, other in self.quantiles()
            ],
            "contrast_error": None if error is None else asdict(error),
        }


def calibrate_run(run: Run, config: CalibrationConfig) -> Calibration:
    """Calibrate the similarities of a run.

    Args:
        run: Opened.
        config: Strata, seed, and whether negative CLIP losses are wanted.

    Raises:
        ColumnError: There is no such column.
        UsageError: Negative CLIP losses need what the run does not have.
    """
    rows = read_rows(run)
    labels = None if config.by is None else read_labels(run, rows, config.by).labels
    scales = scale_run(run, rows, seed=config.seed, labels=labels)
    contrast = contrast_run(run, rows, seed=config.seed) if config.contrast else None
    return Calibration(rows, scales, contrast)
