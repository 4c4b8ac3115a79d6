"""From embeddings of the same rows to figures that can be held side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pairsift.agreement import (
    BoolArray,
    Contrast,
    interval_95,
    jaccard,
    kendall,
    row_weights,
    spearman,
)
from pairsift.comparing.candidates import Measured
from pairsift.curation.calibrate import NEAR_IDENTICAL, mismatched_pairs, sample_null
from pairsift.curation.rules import Rule
from pairsift.curation.scales import make_scales
from pairsift.curation.thresholds import keep_rows
from pairsift.errors import UsageError

MISMATCHED_PAIRS = 20_000
"""Mismatched pairs drawn, the same for all candidates."""


@dataclass(frozen=True)
class Figures:
    """One candidate beside the reference.

    Args:
        name: Model and precision.
        model: The model alone.
        precision: What ran.
        pairs_per_second: See ``Measured``; the one figure, with the next, that a seed does not fix.
        peak_bytes: Likewise.
        setup_seconds: Likewise.
        auc: How often a true pair is more similar than a mismatched one.
        auc_95: 95 % interval, by bootstrap over rows.
        auc_gap: AUC less that of the reference.
        auc_gap_95: 95 % interval, paired: both on the same bootstrap rows.
        spearman: Rank agreement with the reference.
        kendall: The same as tau-b.
        kept: Rows kept under the rule.
        kept_jaccard: Rows that both keep, of those that either keeps.
        kept_shared: Rows that both keep, of those that the reference keeps.
        is_reference: Whether it is the reference.
        is_on_front: Whether no other is both faster and better at telling pairs apart.
    """

    name: str
    model: str
    precision: str
    pairs_per_second: float
    peak_bytes: int
    setup_seconds: float
    auc: float
    auc_95: tuple[float, float]
    auc_gap: float
    auc_gap_95: tuple[float, float]
    spearman: float
    kendall: float
    kept: int
    kept_jaccard: float
    kept_shared: float
    is_reference: bool
    is_on_front: bool


def compare_measured(
    measured: Sequence[Measured], reference: int, *, rule: Rule, seed: int
) -> list[Figures]:
    """Hold candidates against one of them.

    Args:
        measured: Embeddings of the same rows.
        reference: Place of the reference.
        rule: Of the user: which rows each would keep.
        seed: Of mismatched pairs and bootstrap.

    Raises:
        UsageError: All pictures or all captions are nearly the same.
    """
    contrasts = make_contrasts(measured, reference, seed=seed)
    num_rows = len(measured[0].images)
    weights = row_weights(num_rows, generator=np.random.default_rng(seed))
    aucs = [contrast.auc() for contrast in contrasts]
    samples = [contrast.aucs(weights) for contrast in contrasts]
    keeps = [rows_kept(one, rule, seed=seed) for one in measured]
    front = pareto_front(
        [(one.pairs_per_second, auc) for one, auc in zip(measured, aucs, strict=True)]
    )
    exact = measured[reference].similarities
    found = []
    for place, one in enumerate(measured):
        shared = int((keeps[place] & keeps[reference]).sum())
        found.append(
            Figures(
                name=str(one.candidate),
                model=one.candidate.model,
                precision=one.provenance["precision"],
                pairs_per_second=one.pairs_per_second,
                peak_bytes=one.peak_bytes,
                setup_seconds=one.setup_seconds,
                auc=aucs[place],
                auc_95=interval_95(samples[place]),
                auc_gap=aucs[place] - aucs[reference],
                auc_gap_95=interval_95(samples[place] - samples[reference]),
                spearman=spearman(one.similarities, exact),
                kendall=kendall(one.similarities, exact),
                kept=int(keeps[place].sum()),
                kept_jaccard=jaccard(keeps[place], keeps[reference]),
                kept_shared=shared / max(int(keeps[reference].sum()), 1),
                is_reference=place == reference,
                is_on_front=front[place],
            )
        )
    return found


def make_contrasts(measured: Sequence[Measured], reference: int, *, seed: int) -> list[Contrast]:
    """Return true and mismatched similarities of every candidate, of the same pairs.

    Pairs whose pictures or captions are nearly the same to the reference are no mismatches.

    Raises:
        UsageError: There are no others.
    """
    known = measured[reference]
    left, right = mismatched_pairs(
        len(known.images), generator=np.random.default_rng(seed), max_pairs=MISMATCHED_PAIRS
    )
    differs = np.ones(len(left), dtype=bool)
    for rows in (known.images, known.captions):
        differs &= np.einsum("nd,nd->n", rows[left], rows[right]) < NEAR_IDENTICAL
    if not differs.any():
        message = (
            f"no two of {len(known.images)} pairs differ in picture and caption to "
            f"{known.candidate}: there is nothing to tell apart"
        )
        raise UsageError(message)
    left, right = left[differs], right[differs]
    return [
        Contrast(
            one.similarities,
            np.einsum("nd,nd->n", one.images[left], one.captions[right]),
            left,
            right,
        )
        for one in measured
    ]


def rows_kept(one: Measured, rule: Rule, *, seed: int) -> BoolArray:
    """Say which rows a candidate would keep, each by its own similarities and its own null."""
    cosines = one.similarities
    if not rule.needs_null:
        return keep_rows(rule, cosines)
    null = sample_null(one.images, one.captions, generator=np.random.default_rng(seed))
    scales = make_scales(cosines, null)
    return keep_rows(rule, cosines, p_values=scales.p_values, probabilities=scales.probabilities)


def pareto_front(points: Sequence[tuple[float, float]]) -> list[bool]:
    """Say of each point (more is better in both) whether none is at least as good in both.

    Example:
        >>> pareto_front([(1, 3), (2, 2), (1, 2), (3, 1)])
        [True, True, False, True]
    """
    return [
        not any(
            other != point and other[0] >= point[0] and other[1] >= point[1] for other in points
        )
        for point in points
    ]
