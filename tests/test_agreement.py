"""Agreement of two models: against plain counting, and on data whose answer is known."""

import numpy as np
import pytest

from pairsift.agreement import (
    Contrast,
    average_ranks,
    interval_95,
    jaccard,
    kendall,
    row_weights,
    spearman,
)
from pairsift.curation.calibrate import mismatched_pairs
from pairsift.errors import ShapeError


def rng(seed: int = 3) -> np.random.Generator:
    return np.random.default_rng(seed)


def with_ties(num: int) -> tuple[np.ndarray, np.ndarray]:
    one = rng().integers(0, 12, num).astype(np.float64)
    return one, one + rng(4).integers(0, 9, num)


def contrast(num: int = 60, gap: float = 1.0) -> Contrast:
    left, right = mismatched_pairs(num, generator=rng(), max_pairs=400)
    true = rng(1).normal(gap, 1.0, num).astype(np.float32)
    wrong = rng(2).normal(0.0, 1.0, len(left)).astype(np.float32)
    return Contrast(true, wrong, left, right)


def test_ranks_of_ties_are_their_mean() -> None:
    assert average_ranks(np.array([5.0, 1.0, 5.0, 5.0])).tolist() == [3.0, 1.0, 3.0, 3.0]


def test_spearman_is_pearson_of_the_ranks() -> None:
    one, other = with_ties(200)
    expected = np.corrcoef(average_ranks(one), average_ranks(other))[0, 1]
    assert spearman(one, other) == pytest.approx(expected)
    assert spearman(one, np.exp(one)) == pytest.approx(1.0)
    assert spearman(one, -one) == pytest.approx(-1.0)
    assert np.isnan(spearman(one, np.zeros(200)))


def test_kendall_counts_every_pair_of_rows() -> None:
    one, other = with_ties(700)  # more than one block
    ahead = np.sign(one[:, None] - one) * np.sign(other[:, None] - other)
    ties = [(np.sign(v[:, None] - v) != 0).sum() for v in (one, other)]
    assert kendall(one, other) == pytest.approx(ahead.sum() / np.sqrt(ties[0] * ties[1]))
    assert kendall(one, one) == pytest.approx(1.0)


def test_auc_is_the_share_of_wins() -> None:
    found = contrast()
    wins = (found.true[:, None] > found.mismatched).mean()
    assert found.auc() == pytest.approx(wins)
    tied = Contrast(np.zeros(2, np.float32), np.zeros(2, np.float32), *np.array([[0, 1], [1, 0]]))
    assert tied.auc() == 0.5


def test_weights_are_as_repeating_the_rows() -> None:
    found = contrast(8)
    counts = np.array([2, 0, 1, 1, 3, 0, 1, 0])
    true = np.repeat(found.true, counts)
    repeats = counts[found.left] * counts[found.right]
    wrong = np.repeat(found.mismatched, repeats)
    expected = (true[:, None] > wrong).mean()
    assert found.aucs(counts[None].astype(np.float64))[0] == pytest.approx(expected)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    truth = 0.7602  # Phi(1 / sqrt 2): two normals of unit deviation, one apart
    covered = 0
    for seed in range(40):
        left, right = mismatched_pairs(80, generator=rng(seed), max_pairs=2000)
        images, captions = rng(seed + 100).normal(0, np.sqrt(0.5), (2, 80))
        wrong = (images[left] + captions[right]).astype(np.float32)
        true = (rng(seed + 200).normal(0, 1, 80) + 1.0).astype(np.float32)
        found = Contrast(true, wrong, left, right)
        low, high = interval_95(found.aucs(row_weights(80, generator=rng(seed), resamples=200)))
        covered += low <= truth <= high
    assert covered >= 34


def test_a_seed_gives_the_same_weights() -> None:
    first, again = (row_weights(30, generator=rng(), resamples=5) for _ in range(2))
    assert first.tolist() == again.tolist()
    assert first.sum(axis=1).tolist() == [30.0] * 5


def test_overlap() -> None:
    keep = np.array([True, True, False, False])
    assert jaccard(keep, keep) == 1.0
    assert jaccard(keep, ~keep) == 0.0
    assert jaccard(np.zeros(2, bool), np.zeros(2, bool)) == 1.0


def test_other_rows_are_refused() -> None:
    with pytest.raises(ShapeError, match="3 rows against 2"):
        spearman(np.zeros(3), np.zeros(2))
