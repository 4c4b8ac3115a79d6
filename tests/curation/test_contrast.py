import numpy as np
import pytest

from pairsift.curation import contrast
from pairsift.curation.contrast import (
    ContrastCheck,
    contrast_error,
    exact_contrast,
    sampled_contrast,
)
from pairsift.errors import ShapeError
from pairsift.protocols import FloatArray
from tests.curation.worlds import make_world


def by_the_formula(images: FloatArray, captions: FloatArray, scale: float) -> FloatArray:
    logits = scale * images.astype(np.float64) @ captions.T
    over_captions = np.log(np.exp(logits).mean(axis=1))
    over_images = np.log(np.exp(logits).mean(axis=0))
    values: FloatArray = np.diag(logits) - 0.5 * (over_captions + over_images)
    return values


@pytest.mark.parametrize("scale", [1.0, 30.0, 118.0])
def test_exact_is_the_formula(scale: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contrast, "_BLOCK", 64)
    world = make_world(150, seed=1)
    expected = by_the_formula(world.images, world.captions, scale)
    values = exact_contrast(world.images, world.captions, logit_scale=scale)
    assert np.abs(values - expected).max() < 2e-7 * scale * 24


def test_no_size_of_the_set_shifts_the_values() -> None:
    world = make_world(100, seed=1)
    twice = [np.concatenate([rows, rows]) for rows in (world.images, world.captions)]
    once = exact_contrast(world.images, world.captions, logit_scale=30.0)
    assert exact_contrast(twice[0], twice[1], logit_scale=30.0)[:100] == pytest.approx(once)


def test_a_caption_that_fits_everything_loses() -> None:
    world = make_world(200, seed=4)
    images = world.images + 0.3 / np.sqrt(24)
    images = images / np.linalg.norm(images, axis=1, keepdims=True)
    captions = world.captions[:].copy()
    captions[0] = images.mean(axis=0) / np.linalg.norm(images.mean(axis=0))
    similarity = np.einsum("nd,nd->n", images, captions)
    values = exact_contrast(images, captions, logit_scale=30.0)
    assert values[0] < 0
    assert values[0] == values.min()
    assert similarity[0] > 0.2


def test_the_whole_set_as_its_own_sample() -> None:
    world = make_world(300, seed=2)
    exact = exact_contrast(world.images, world.captions, logit_scale=20.0)
    estimates = sampled_contrast(
        world.images,
        world.captions,
        sample=(world.images, world.captions),
        is_sampled=np.ones(300, dtype=bool),
        num_rows=300,
        logit_scale=20.0,
    )
    assert estimates == pytest.approx(exact, abs=1e-5)


@pytest.mark.parametrize("scale", [10.0, 40.0, 100.0])
def test_a_sampled_row_fares_as_any_other(scale: float) -> None:
    # Its own term would stand in its mean N/M times, and at a model's own scale that is all.
    world = make_world(3000, seed=5)
    is_sampled = np.zeros(3000, dtype=bool)
    is_sampled[np.random.default_rng(1).choice(3000, 600, replace=False)] = True
    estimates = sampled_contrast(
        world.images,
        world.captions,
        sample=(world.images[is_sampled], world.captions[is_sampled]),
        is_sampled=is_sampled,
        num_rows=3000,
        logit_scale=scale,
    )
    off = estimates - exact_contrast(world.images, world.captions, logit_scale=scale)
    spread = float(off.std())
    assert abs(off[is_sampled].mean() - off[~is_sampled].mean()) < 0.2 * spread + 1e-4
    best = estimates >= np.quantile(estimates, 0.7)
    assert abs(best[is_sampled].mean() - best[~is_sampled].mean()) < 0.06


def test_the_error_of_a_sample_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contrast, "_BLOCK", 100)
    world = make_world(2000, seed=3, swapped=0.1)
    exact = exact_contrast(world.images, world.captions, logit_scale=10.0)
    rows = np.random.default_rng(0).choice(2000, 800, replace=False)
    estimates = sampled_contrast(
        world.images,
        world.captions,
        sample=(world.images[rows], world.captions[rows]),
        is_sampled=np.isin(np.arange(2000), rows),
        num_rows=2000,
        logit_scale=10.0,
    )
    checked = np.arange(0, 2000, 10)
    check = ContrastCheck(world.images[checked], world.captions[checked], logit_scale=10.0)
    for begin in range(0, 2000, 700):
        check.add(world.images[begin : begin + 700], world.captions[begin : begin + 700])
    assert check.values() == pytest.approx(exact[checked], abs=1e-5)
    error = contrast_error(estimates[checked], check.values())
    assert error.num_checked == 200
    assert error.rank_correlation > 0.97
    real = np.abs(estimates - exact - np.median(estimates - exact))
    assert error.median == pytest.approx(np.median(real), rel=0.3)
    assert error.percentile_95 == pytest.approx(np.quantile(real, 0.95), rel=0.4)


def test_an_estimate_that_is_off_is_noticed() -> None:
    exact = np.linspace(0, 1, 50, dtype=np.float32)
    moved = contrast_error(exact + 3.0, exact)
    assert [moved.offset, moved.rank_correlation] == pytest.approx([3.0, 1.0])
    assert moved.percentile_95 < 1e-6
    turned = contrast_error(-exact, exact)
    assert turned.rank_correlation == pytest.approx(-1.0)
    assert turned.percentile_95 > 0.5


def test_none_or_one_row() -> None:
    none = np.zeros((0, 8), dtype=np.float32)
    assert exact_contrast(none, none, logit_scale=100.0).shape == (0,)
    one = np.eye(1, 8, dtype=np.float32)
    assert exact_contrast(one, one, logit_scale=100.0).tolist() == [0.0]


def test_unlike_shapes_are_refused() -> None:
    with pytest.raises(ShapeError, match="differ in shape"):
        exact_contrast(np.zeros((2, 3), np.float32), np.zeros((3, 3), np.float32), logit_scale=1.0)
