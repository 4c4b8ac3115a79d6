import numpy as np
import pytest

from pairsift.curation.calibrate import (
    MIN_STRATUM_ROWS,
    match_p_values,
    mismatched_pairs,
    sample_null,
    similarity_percentiles,
)
from pairsift.errors import ShapeError
from tests.curation.worlds import cosines, make_world, uniform_p, unit


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_all_mismatched_pairs_are_taken_when_they_are_few() -> None:
    left, right = mismatched_pairs(5, generator=rng())
    pairs = set(zip(left.tolist(), right.tolist(), strict=True))
    assert pairs == {(i, j) for i in range(5) for j in range(5) if i != j}
    assert len(left) == 20


def test_a_sample_has_no_true_pair_and_covers_the_rows_evenly() -> None:
    left, right = mismatched_pairs(100, generator=rng(), max_pairs=5000)
    assert len(left) == 5000
    assert not (left == right).any()
    for side in (left, right):
        assert np.bincount(side, minlength=100).min() > 20


def test_pairs_stay_within_their_label() -> None:
    labels = rng(1).integers(0, 4, 300)
    left, right = mismatched_pairs(300, generator=rng(), labels=labels, max_pairs=4000)
    assert (labels[left] == labels[right]).all()
    assert not (left == right).any()
    whole, other = mismatched_pairs(30, generator=rng(), labels=labels[:30])
    assert len(set(zip(whole.tolist(), other.tolist(), strict=True))) == len(whole)
    assert len(whole) == sum(n * (n - 1) for n in np.bincount(labels[:30]))


def test_the_same_seed_gives_the_same_null() -> None:
    world = make_world(1500, seed=3)
    first, again, other = (
        sample_null(world.images, world.captions, generator=rng(seed), max_pairs=1000)
        for seed in (1, 1, 2)
    )
    assert np.array_equal(first.similarities, again.similarities)
    assert not np.array_equal(first.similarities, other.similarities)


def test_equal_pictures_and_captions_are_left_out() -> None:
    world = make_world(40, seed=1)
    ids = np.arange(40)
    ids[:4] = 0
    clean = sample_null(world.images, world.captions, generator=rng())
    for image_ids, caption_ids in ((ids, None), (None, ids)):
        null = sample_null(
            world.images,
            world.captions,
            generator=rng(),
            image_ids=image_ids,
            caption_ids=caption_ids,
        )
        assert null.num_excluded == clean.num_excluded + 12
        assert len(null.similarities) == 40 * 39 - null.num_excluded


def test_near_identical_embeddings_are_left_out() -> None:
    world = make_world(40, seed=1)
    noise = 0.001 * rng().normal(size=(1, world.images.shape[1]))
    images = np.concatenate([world.images, unit(world.images[:1] + noise)])
    captions = np.concatenate([world.captions, world.captions[:1]])
    null = sample_null(images, captions, generator=rng())
    assert null.num_excluded == 2
    assert null.similarities.max() < 0.8  # the true pair of the copy is not among them


@pytest.mark.parametrize("seed", range(20))
def test_p_values_of_shuffled_pairs_are_uniform(seed: int) -> None:
    world = make_world(1000, seed=seed)
    shuffled = np.roll(rng(seed).permutation(1000), 1)
    captions = world.captions[shuffled]
    null = sample_null(world.images, captions, generator=rng(seed))
    p_values = match_p_values(cosines(world.images, captions), null)
    assert uniform_p(p_values) > 1e-3


def test_a_null_that_is_off_is_noticed() -> None:
    world = make_world(1000, seed=5)
    null = sample_null(world.images, world.captions, generator=rng())
    shifted = null.similarities[::100] + 0.05
    assert uniform_p(match_p_values(shifted, null)) < 1e-6


def test_p_values_by_hand() -> None:
    eye = np.eye(2, dtype=np.float32)
    captions = unit(np.array([[1.0, 0.5], [0.25, 1.0]]))
    null = sample_null(eye, captions, generator=rng())
    assert null.similarities.tolist() == sorted(captions[[1, 0], [0, 1]].tolist())
    similarities = np.array([2.0, null.similarities[1], -1.0, np.nan], dtype=np.float32)
    p_values = match_p_values(similarities, null)
    assert p_values[:3].tolist() == pytest.approx([1 / 3, 2 / 3, 1.0])
    assert np.isnan(p_values[3])
    assert null.floor == pytest.approx(1 / 3)


def test_a_stratum_is_held_against_its_own_null() -> None:
    generator = rng(7)
    labels = np.repeat([0, 1], 200)
    # Pictures of stratum 1 are alike, and so are their captions: mismatches are similar too.
    centre = np.where(labels[:, None] == 1, 1.5 * np.ones(24) / np.sqrt(24), 0.0)
    images = unit(generator.normal(size=(400, 24)) / np.sqrt(24) + centre)
    captions = images.copy()
    for label in (0, 1):
        rows = np.flatnonzero(labels == label)
        captions[rows] = images[np.roll(rows, 1)]
    similarities = cosines(images, captions)
    null = sample_null(images, captions, generator=generator, labels=labels)
    stratified = match_p_values(similarities, null, labels=labels)
    pooled = match_p_values(similarities, null)
    assert uniform_p(stratified[labels == 1]) > 1e-3
    assert uniform_p(pooled[labels == 1]) < 1e-6


def test_a_small_stratum_shares_the_null_of_all() -> None:
    world = make_world(200, seed=2)
    labels = (np.arange(200) < MIN_STRATUM_ROWS - 1).astype(np.int64)
    null = sample_null(world.images, world.captions, generator=rng(), labels=labels)
    assert list(null.by_stratum) == [0]
    assert null.largest_floor == 1.0 / (len(null.by_stratum[0]) + 1) > null.floor


def test_a_stratum_of_one_picture_shares_the_null_of_all() -> None:
    world = make_world(200, seed=3)
    labels = (np.arange(200) < 60).astype(np.int64)
    images = world.images[:].copy()
    images[:60] = images[0]  # so that no pair of the stratum is a mismatch
    null = sample_null(images, world.captions, generator=rng(), labels=labels)
    assert list(null.by_stratum) == [0]
    p_values = match_p_values(cosines(images, world.captions), null, labels=labels)
    assert np.isfinite(p_values).all()


@pytest.mark.parametrize("num", [0, 1])
def test_without_two_rows_there_is_no_null(num: int) -> None:
    world = make_world(num, seed=0)
    null = sample_null(world.images, world.captions, generator=rng())
    assert null.floor == 1.0
    assert np.isnan(match_p_values(world.similarities, null)).all()


def test_unlike_lengths_are_refused() -> None:
    world = make_world(4, seed=0)
    with pytest.raises(ShapeError, match="4 images but 3 captions"):
        sample_null(world.images, world.captions[:3], generator=rng())
    with pytest.raises(ShapeError, match="4 images but 2 labels"):
        sample_null(
            world.images, world.captions, generator=rng(), labels=np.zeros(2, dtype=np.int64)
        )
    with pytest.raises(ShapeError, match="4 images but 3 caption_ids"):
        sample_null(world.images, world.captions, generator=rng(), caption_ids=np.arange(3))


def test_percentiles_count_ties_half_and_skip_what_has_no_score() -> None:
    values = np.array([0.2, np.nan, 0.1, 0.2, 0.9], dtype=np.float32)
    percentiles = similarity_percentiles(values)
    assert percentiles[[0, 2, 3, 4]].tolist() == [50.0, 12.5, 50.0, 87.5]
    assert np.isnan(percentiles[1])
    assert np.isnan(similarity_percentiles(np.full(3, np.nan, dtype=np.float32))).all()
