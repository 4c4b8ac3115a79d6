"""How far int8 moves similarities, on pairs that took no part in making it."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pairsift.agreement import Contrast, spearman
from pairsift.config import QuantizeConfig
from pairsift.curation.calibrate import mismatched_pairs
from pairsift.fingerprints import greatest_distance
from pairsift.invariants import Check, judge
from pairsift.protocols import FloatArray

MISMATCHED_PAIRS = 20_000
"""Mismatched pairs for the AUC: its error then comes from the true pairs alone."""


@dataclass(frozen=True)
class Drift:
    """Int8 against fp32 on the same held-out pairs.

    Args:
        num_pairs: Pairs N.
        shift_p50: Median of the absolute differences of similarity.
        shift_p99: 99 % of them are at most this.
        shift_max: The greatest.
        bias: Mean of int8 less fp32.
        rank_agreement: Spearman's correlation of the two similarities.
        auc_fp32: How often a true pair is more similar than a mismatched one, at fp32.
        auc_int8: The same at int8.
        image_distance: Greatest distance of a picture's row from its fp32 row.
        caption_distance: The same for captions.
    """

    num_pairs: int
    shift_p50: float
    shift_p99: float
    shift_max: float
    bias: float
    rank_agreement: float
    auc_fp32: float
    auc_int8: float
    image_distance: float
    caption_distance: float

    @property
    def auc_loss(self) -> float:
        """What of the AUC is lost; negative where int8 happens to be better."""
        return self.auc_fp32 - self.auc_int8

    def to_plain(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {k: v if isinstance(v, int) else round(v, 7) for k, v in asdict(self).items()}


def measure_drift(
    exact: tuple[FloatArray, FloatArray], whole: tuple[FloatArray, FloatArray], *, seed: int
) -> Drift:
    """Compare the rows of the same pairs.

    Args:
        exact: Pictures and captions at fp32, (N, D) each.
        whole: The same at int8.
        seed: Of the mismatched pairs.
    """
    num = len(exact[0])
    before, after = (np.einsum("nd,nd->n", images, texts) for images, texts in (exact, whole))
    left, right = mismatched_pairs(
        num, generator=np.random.default_rng(seed), max_pairs=MISMATCHED_PAIRS
    )
    aucs = [
        Contrast(own, np.einsum("nd,nd->n", images[left], texts[right]), left, right).auc()
        for own, (images, texts) in ((before, exact), (after, whole))
    ]
    shifts = np.abs(after - before)
    p50, p99 = np.quantile(shifts, [0.5, 0.99])
    return Drift(
        num_pairs=num,
        shift_p50=float(p50),
        shift_p99=float(p99),
        shift_max=float(shifts.max()),
        bias=float((after - before).mean()),
        rank_agreement=spearman(before, after),
        auc_fp32=aucs[0],
        auc_int8=aucs[1],
        image_distance=greatest_distance(exact[0], whole[0]),
        caption_distance=greatest_distance(exact[1], whole[1]),
    )


def judge_drift(drift: Drift, limits: QuantizeConfig) -> list[Check]:
    """Hold a drift against its limits: one check each."""
    return [
        judge(
            "similarities",
            holds=drift.shift_p99 <= limits.max_similarity_shift,
            words=(
                f"99 % move by at most {drift.shift_p99:.4f} (limit "
                f"{limits.max_similarity_shift:g}), half by {drift.shift_p50:.4f}, "
                f"the mean by {drift.bias:+.4f}"
            ),
            p99=drift.shift_p99,
        ),
        judge(
            "ranks",
            holds=drift.rank_agreement >= limits.min_rank_agreement,
            words=(
                f"Spearman {drift.rank_agreement:.4f} between fp32 and int8 (limit "
                f"{limits.min_rank_agreement:g})"
            ),
            spearman=drift.rank_agreement,
        ),
        judge(
            "separation",
            holds=drift.auc_loss <= limits.max_auc_loss,
            words=(
                f"AUC of true against mismatched pairs {drift.auc_int8:.4f}, at fp32 "
                f"{drift.auc_fp32:.4f} (limit {limits.max_auc_loss:g} less)"
            ),
            loss=drift.auc_loss,
        ),
    ]
