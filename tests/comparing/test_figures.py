"""Figures of candidates whose quality is known because it was made."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from pairsift.agreement import jaccard
from pairsift.comparing.candidates import Candidate, Measured
from pairsift.comparing.figures import (
    Figures,
    compare_measured,
    make_contrasts,
    pareto_front,
    rows_kept,
)
from pairsift.curation.rules import parse_rule
from pairsift.errors import UsageError

NUM, WIDTH = 300, 32
RULE = parse_rule("top:30%")


def unit(rows: Any) -> Any:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def candidate(name: str, *, noise: float, rate: float = 1.0, precision: str = "fp32") -> Measured:
    """A model that sees the same pairs, with more or less noise of its own."""
    world = np.random.default_rng(1)
    things = world.normal(size=(NUM, WIDTH))
    captions = things + world.uniform(0.2, 1.5, (NUM, 1)) * world.normal(size=(NUM, WIDTH))
    own = np.random.default_rng(len(name))
    images = things + noise * own.normal(size=(NUM, WIDTH))
    return Measured(
        Candidate(name, precision),
        unit(images),
        unit(captions),
        pairs_per_second=rate,
        passes=1,
        peak_bytes=1,
        setup_seconds=0.0,
        provenance={"precision": precision},
    )


def three() -> list[Measured]:
    return [
        candidate("good", noise=0.0, rate=10),
        candidate("close", noise=0.05, rate=20),
        candidate("weak", noise=3.0, rate=15),
    ]


def by_name(measured: Sequence[Measured], reference: int = 0, seed: int = 0) -> dict[str, Figures]:
    found = compare_measured(measured, reference, rule=RULE, seed=seed)
    return {one.model: one for one in found}


def test_the_reference_agrees_with_itself() -> None:
    reference = by_name(three())["good"]
    assert reference.is_reference
    assert (reference.auc_gap, reference.auc_gap_95) == (0.0, (0.0, 0.0))
    assert reference.spearman == pytest.approx(1.0)
    assert (reference.kept, reference.kept_jaccard, reference.kept_shared) == (90, 1.0, 1.0)


def test_a_weak_model_is_told_from_a_close_one() -> None:
    found = by_name(three())
    close, weak = found["close"], found["weak"]
    assert close.spearman > 0.98
    assert weak.spearman < 0.6
    assert close.kendall < close.spearman
    assert close.kept_shared > 0.9
    assert weak.kept_shared < 0.9
    assert close.auc_gap_95[0] > -0.005
    assert weak.auc_gap_95[1] < -0.02
    assert weak.auc_95[0] < weak.auc < weak.auc_95[1]


def test_the_front_is_what_nothing_beats() -> None:
    found = by_name(three())
    assert [found[name].is_on_front for name in ("good", "close", "weak")] == [True, True, False]
    assert pareto_front([(1.0, 1.0), (1.0, 1.0)]) == [True, True]


def test_a_seed_gives_the_same_figures() -> None:
    assert by_name(three()) == by_name(three())
    assert by_name(three())["weak"].auc != by_name(three(), seed=1)["weak"].auc


def test_equal_pictures_are_no_mismatch() -> None:
    one = candidate("good", noise=0.0)
    one.images[:100], one.captions[:100] = one.images[0], one.captions[0]
    contrast = make_contrasts([one], 0, seed=0)[0]
    assert not ((contrast.left < 100) & (contrast.right < 100)).any()
    assert len(contrast.left) > 1000


def test_one_caption_for_all_is_refused() -> None:
    one = candidate("good", noise=0.0)
    one.captions[:] = one.captions[0]
    with pytest.raises(UsageError, match=r"no two of 300 pairs differ .* good fp32"):
        compare_measured([one], 0, rule=RULE, seed=0)


def test_each_candidate_keeps_by_its_own_null() -> None:
    rule = parse_rule("fdr:5%")
    good, weak = candidate("good", noise=0.0), candidate("weak", noise=3.0)
    kept = [rows_kept(one, rule, seed=0) for one in (good, weak)]
    assert kept[0].sum() > kept[1].sum()
    assert jaccard(*kept) < 1.0
    assert rows_kept(good, RULE, seed=0).sum() == 90
