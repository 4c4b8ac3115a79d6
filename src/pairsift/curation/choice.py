"""Choosing a threshold for a run: what a rule keeps, what stands at the cut, what else there is."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairsift.config import ChoiceConfig
from pairsift.curation.audit import Dimension
from pairsift.curation.groups import Groups
from pairsift.curation.references import Reference, public_references
from pairsift.curation.rows import ScoredRows, read_cells, read_labels, read_rows
from pairsift.curation.rules import Rule, parse_rule
from pairsift.curation.scales import RunContrast, Scales, contrast_run, scale_run
from pairsift.curation.thresholds import (
    CurvePoint,
    keep_curve,
    keep_rows,
    rows_at_cut,
    rows_from,
)
from pairsift.errors import UsageError
from pairsift.runs import Run

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float32]

ASSUMPTIONS = (
    "a wrong pair looks like a random mismatch of this data; a higher similarity never makes a "
    "match less likely; hardly any match is below the middle of the mismatches"
)


@dataclass(frozen=True)
class ExamplePair:
    """A pair near the cut.

    Args:
        file: Ordinal of its input file.
        row: Ordinal of its row, from 0.
        score: Its similarity, or whatever the rule looks at.
        probability: That it is a match, or None where that is not known.
        caption: Its caption.
    """

    file: int
    row: int
    score: float
    probability: float | None
    caption: str


@dataclass(frozen=True)
class GroupCut:
    """What a rule keeps of one group.

    Args:
        label: Its number; -1 for rows without a group.
        name: Of the group.
        scored: Rows with a similarity.
        kept: How many of them are kept.
        cut: Lowest score that is kept, or None where nothing is.
    """

    label: int
    name: str
    scored: int
    kept: int
    cut: float | None


@dataclass(frozen=True)
class Choice:
    """A rule applied to a run, with what one needs to judge it.

    Args:
        rule: The rule.
        by: Column whose groups have a threshold each, or None.
        score: What the rule looks at: ``similarity`` or ``negative-clip-loss``.
        rows: The run's rows.
        keep: Which of them are kept, shape (N,).
        groups: One line a group; a single one without ``by``.
        scales: Calibrated columns.
        contrast: Negative CLIP losses, where the rule looks at them.
        curve: Similarity against rows kept.
        references: Public thresholds for this model, with the rows they would keep here.
        above: Pairs just above the cut.
        below: Pairs just below it.
    """

    rule: Rule
    by: str | None
    score: str
    rows: ScoredRows
    keep: BoolArray
    groups: list[GroupCut]
    scales: Scales
    contrast: RunContrast | None
    curve: list[CurvePoint]
    references: list[tuple[Reference, int]]
    above: list[ExamplePair]
    below: list[ExamplePair]

    @property
    def num_kept(self) -> int:
        """Rows that are kept."""
        return int(self.keep.sum())

    @property
    def num_scored(self) -> int:
        """Rows that have a similarity."""
        return int(self.rows.scored.sum())

    def to_json(self) -> dict[str, Any]:
        """Return everything but the rows as plain data."""
        return {
            "rule": str(self.rule),
            "by": self.by,
            "score": self.score,
            "rows": len(self.rows),
            "scored": self.num_scored,
            "kept": self.num_kept,
            "groups": [asdict(group) for group in self.groups],
            "calibration": calibration_of(self.scales),
            "contrast_error": asdict(self.contrast.error)
            if self.contrast and self.contrast.error
            else None,
            "curve": [asdict(point) for point in self.curve],
            "references": [asdict(r) | {"rows_here": n} for r, n in self.references],
            "above": [asdict(pair) for pair in self.above],
            "below": [asdict(pair) for pair in self.below],
        }


def calibration_of(scales: Scales) -> dict[str, Any] | None:
    """Return in plain data what similarities were held against; None where there was nothing."""
    if not scales.has_null:
        return None
    null = scales.null
    return {
        "mismatched_pairs": len(null.similarities),
        "rows_used": null.num_rows,
        "excluded_pairs": null.num_excluded,
        "p_value_floor": null.floor,
        "largest_p_value_floor": null.largest_floor,
        "mismatched_share": scales.share,
        "mismatched_share_95": [scales.share_low, scales.share_high],
        "assumptions": ASSUMPTIONS,
    }


def choose_rows(run: Run, config: ChoiceConfig) -> Choice:
    """Apply a rule to a run.

    Args:
        run: The run.
        config: The rule, and the column whose groups have a cut and a null each.

    Returns:
        The choice.

    Raises:
        ColumnError: There is no such column.
        UsageError: The rule cannot be read, or needs what the run does not have.
    """
    rule = parse_rule(config.rule)
    if config.score != "similarity" and rule.kind != "top":
        message = f"only top:… can look at {config.score}, not {rule}"
        raise UsageError(message)
    rows = read_rows(run)
    dimension = None if config.by is None else read_labels(run, rows, config.by)
    labels = None if dimension is None else dimension.labels
    scales = scale_run(run, rows, seed=config.seed, labels=labels)
    contrast = None
    if config.score != "similarity":
        contrast = contrast_run(run, rows, seed=config.seed)
    scores = rows.similarities if contrast is None else contrast.values
    keep = keep_rows(
        rule,
        scores,
        p_values=scales.p_values,
        probabilities=scales.probabilities,
        labels=labels,
    )
    groups = _group_cuts(dimension, scores, keep)
    above, below = rows_at_cut(_above_cut(scores, labels, groups), keep, config.examples)
    examples = _examples(run, rows, np.concatenate([above, below]), scores, scales)
    histogram = run.histogram()
    references = public_references(
        run.info["config"]["model"]["model"], measure=run.info["measure"]
    )
    return Choice(
        rule=rule,
        by=config.by,
        score=config.score,
        rows=rows,
        keep=keep,
        groups=groups,
        scales=scales,
        contrast=contrast,
        curve=keep_curve(histogram),
        references=[(r, rows_from(histogram, r.threshold)) for r in references],
        above=examples[: len(above)],
        below=examples[len(above) :],
    )


def _group_cuts(dimension: Dimension | None, scores: FloatArray, keep: BoolArray) -> list[GroupCut]:
    scored = np.flatnonzero(np.isfinite(scores))
    if dimension is None:
        return [_group_cut(0, "all", scores[scored], keep[scored])]
    # Rows without a group, whose label is -1, come last.
    groups = sorted(
        Groups(dimension.labels[scored]).rows(), key=lambda group: (group[0] < 0, group[0])
    )
    return [
        _group_cut(
            label,
            dimension.names[label] if label >= 0 else "(none)",
            scores[scored[members]],
            keep[scored[members]],
        )
        for label, members in groups
    ]


def _group_cut(label: int, name: str, scores: FloatArray, keep: BoolArray) -> GroupCut:
    cut = float(scores[keep].min()) if keep.any() else None
    return GroupCut(label, name, len(scores), int(keep.sum()), cut)


def _above_cut(
    scores: FloatArray, labels: NDArray[np.int64] | None, groups: Sequence[GroupCut]
) -> FloatArray:
    """Return how far each score is above the cut of its own group; NaN where there is no cut."""
    cuts = np.array([np.nan if g.cut is None else g.cut for g in groups], dtype=np.float32)
    if labels is None:
        return scores - (cuts[0] if np.isfinite(cuts[0]) else np.float32(0.0))
    # The last place is for rows without a group, whose label is -1.
    by_label = np.full(int(labels.max(initial=-1)) + 2, np.nan, dtype=np.float32)
    by_label[[group.label for group in groups]] = cuts
    return scores - by_label[labels]


def _examples(
    run: Run, rows: ScoredRows, places: NDArray[np.int64], scores: FloatArray, scales: Scales
) -> list[ExamplePair]:
    captions = read_cells(run, rows, places, run.info["caption_column"])
    return [
        ExamplePair(
            file=int(rows.files[place]),
            row=int(rows.rows[place]),
            score=float(scores[place]),
            probability=float(scales.probabilities[place]) if scales.has_null else None,
            caption=caption,
        )
        for place, caption in zip(places, captions, strict=True)
    ]
