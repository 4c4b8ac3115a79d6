import numpy as np
import pytest
from numpy.typing import NDArray

from pairsift.curation.calibrate import match_p_values, sample_null
from pairsift.curation.mixture import match_probabilities, mismatched_share, tail_fdr
from tests.curation.worlds import cosines, make_world


def p_values_of(seed: int, swapped: float) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    world = make_world(2000, seed=seed, swapped=swapped)
    null = sample_null(
        world.images, world.captions, generator=np.random.default_rng(0), max_pairs=200_000
    )
    return match_p_values(world.similarities, null), world.wrong


@pytest.mark.parametrize("swapped", [0.02, 0.2, 0.8])
def test_the_share_of_wrong_pairs_is_found(swapped: float) -> None:
    shares = [mismatched_share(p_values_of(seed, swapped)[0]) for seed in range(5)]
    assert np.mean(shares) == pytest.approx(swapped, abs=0.015)


def test_the_share_is_one_where_nothing_matches() -> None:
    world = make_world(2000, seed=1)
    captions = np.roll(world.captions, 1, axis=0)
    null = sample_null(world.images, captions, generator=np.random.default_rng(0))
    p_values = match_p_values(cosines(world.images, captions), null)
    share = mismatched_share(p_values)
    assert share > 0.9
    assert (tail_fdr(p_values, share=share) <= 0.01).mean() < 0.01
    assert match_probabilities(p_values, share=share).mean() < 0.1


@pytest.mark.parametrize("swapped", [0.05, 0.3])
def test_the_rate_that_was_asked_for_is_kept(swapped: float) -> None:
    false_shares, kept_shares = [], []
    for seed in range(8):
        p_values, wrong = p_values_of(seed, swapped)
        kept = tail_fdr(p_values, share=mismatched_share(p_values)) <= 0.01
        false_shares.append(wrong[kept].mean())
        kept_shares.append(kept[~wrong].mean())
    assert np.mean(false_shares) <= 0.012
    assert np.mean(kept_shares) >= 0.95


def test_q_values_by_hand() -> None:
    # 4 p-values: p * 4 / rank is .04, .04 (two tie at rank 2 of p = .02), .08 at rank 3, .9.
    p_values = np.array([0.06, 0.02, 0.9, 0.02, np.nan])
    q_values = tail_fdr(p_values, share=1.0)
    assert q_values[:4].tolist() == pytest.approx([0.08, 0.04, 0.9, 0.04])
    assert np.isnan(q_values[4])
    assert tail_fdr(p_values, share=0.5)[:4].tolist() == pytest.approx([0.04, 0.02, 0.45, 0.02])


def test_q_values_never_fall_as_p_rises() -> None:
    p_values = np.random.default_rng(0).beta(0.3, 1.0, 500)
    q_values = tail_fdr(p_values, share=0.7)[np.argsort(p_values)]
    assert (np.diff(q_values) >= 0).all()


def test_probabilities_by_hand() -> None:
    # Half of the mass at 0.1, half at 1: slopes 5 and 5/9; with share 0.5 the rates are .1, .9.
    probabilities = match_probabilities(np.array([0.1, 1.0, np.nan]), share=0.5)
    assert probabilities[:2].tolist() == pytest.approx([0.9, 0.1])
    assert np.isnan(probabilities[2])


def test_probabilities_mean_what_they_say() -> None:
    predicted, real = [], []
    for seed in range(10):
        p_values, wrong = p_values_of(seed, 0.3)
        predicted.append(match_probabilities(p_values, share=mismatched_share(p_values)))
        real.append(~wrong)
    probabilities, is_right = np.concatenate(predicted), np.concatenate(real)
    for low, high in ((0.0, 0.2), (0.2, 0.8), (0.8, 1.01)):
        rows = (probabilities >= low) & (probabilities < high)
        assert rows.sum() > 50
        assert is_right[rows].mean() == pytest.approx(probabilities[rows].mean(), abs=0.1)


def test_probabilities_rise_with_similarity() -> None:
    p_values, _ = p_values_of(3, 0.3)
    probabilities = match_probabilities(p_values, share=0.3)[np.argsort(p_values)]
    assert (np.diff(probabilities) <= 1e-12).all()


def test_a_part_of_the_pairs_gives_nearly_the_same() -> None:
    p_values = np.random.default_rng(0).beta(0.2, 1.0, 60_000)
    few = np.random.default_rng(1).choice(p_values, 15_000, replace=False)
    probabilities = match_probabilities(p_values, share=0.2)
    at_few = match_probabilities(few, share=0.2)
    rows = np.isin(p_values, few)
    assert np.abs(np.sort(probabilities[rows]) - np.sort(at_few)).mean() < 0.02


@pytest.mark.parametrize("p_values", [np.zeros(0), np.array([np.nan]), np.array([0.5])])
def test_nothing_or_one(p_values: NDArray[np.float64]) -> None:
    share = mismatched_share(p_values)
    assert share == 1.0
    assert np.isnan(tail_fdr(p_values, share=share)).tolist() == np.isnan(p_values).tolist()
    assert match_probabilities(p_values, share=share).shape == p_values.shape


def test_no_corner_of_the_majorant_is_missed() -> None:
    # 60,000 different p-values: thinning them would move probabilities by up to 0.05.
    generator = np.random.default_rng(4)
    p_values = np.concatenate([generator.beta(0.2, 8.0, 50_000), generator.random(10_000)])
    share = mismatched_share(p_values)
    found = match_probabilities(p_values, share=share)
    ascending = np.sort(p_values)
    order = np.argsort(p_values)
    x = np.concatenate([[0.0], ascending, [1.0]])
    y = np.append(np.arange(60_001) / 60_000, 1.0)
    hull = [0]
    while hull[-1] < len(x) - 1:  # gift wrapping: from each corner to the steepest point behind
        last = hull[-1]
        slopes = (y[last + 1 :] - y[last]) / (x[last + 1 :] - x[last])
        hull.append(last + 1 + int(len(slopes) - 1 - np.argmax(slopes[::-1])))
    slopes = np.diff(y[hull]) / np.diff(x[hull])
    segment = np.searchsorted(x[hull], ascending, side="left") - 1
    expected = 1.0 - np.minimum(share / slopes[segment], 1.0)
    assert np.abs(found[order] - expected).max() < 1e-9
