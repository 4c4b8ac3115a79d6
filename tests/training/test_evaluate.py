import numpy as np
import pytest

from training.evaluate import auc, ranked_first

pytestmark = pytest.mark.torch


def test_auc_counts_pairs_and_halves_ties() -> None:
    random = np.random.default_rng(1)
    positives, negatives = random.integers(0, 9, 50), random.integers(0, 6, 40)
    above = (positives[:, None] > negatives).mean() + (positives[:, None] == negatives).mean() / 2
    assert auc(positives, negatives) == pytest.approx(above)


def test_any_true_column_may_come_first() -> None:
    cosines = np.array([[0.1, 0.9], [0.3, 0.2]])
    truth = np.array([[True, True], [False, True]])
    assert ranked_first(cosines, truth) == 0.5
