import numpy as np
import pytest

from pairsift.curation.balance import (
    balanced_sample,
    category_lines,
    effective_categories,
    exact_size,
    parse_categories,
    parse_target,
    zero_shot_labels,
)
from pairsift.errors import UsageError
from tests.curation.worlds import unit


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_pictures_go_to_the_nearest_category() -> None:
    generator = rng()
    centres = unit(generator.normal(size=(4, 32)))
    labels = generator.integers(0, 4, 200)
    images = unit(centres[labels] + 0.05 * generator.normal(size=(200, 32)))
    prompts = np.stack([unit(c + 0.05 * generator.normal(size=(3, 32))) for c in centres])
    assert zero_shot_labels(images, prompts).tolist() == labels.tolist()


def test_a_categorys_sentences_are_averaged() -> None:
    prompts = np.array([[[1, 0, 0], [0, 1, 0]], [[0.8, 0, 0.6], [0.8, 0, 0.6]]], dtype=np.float32)
    assert zero_shot_labels(unit(np.array([[1.0, 0.9, 0.0]])), prompts).tolist() == [0]


def test_categories_are_read_from_commas_and_lines() -> None:
    assert parse_categories("a, b\nc,\n\na") == ("a", "b", "c")
    with pytest.raises(UsageError, match="at least two"):
        parse_categories("animals,")


def test_lines_count_scored_rows_only() -> None:
    labels = np.array([0, 1, 1, 1, -1, 0])
    similarities = np.array([0.1, 0.2, 0.4, 0.3, 0.9, np.nan], dtype=np.float32)
    lines = category_lines(labels, ["a", "b", "c"], similarities)
    assert [(line.name, line.rows, line.share) for line in lines] == [
        ("b", 3, 0.75),
        ("a", 1, 0.25),
    ]
    assert lines[0].mean_similarity == pytest.approx(0.3)
    assert lines[0].median_similarity == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("counts", "effective"),
    [([], 0.0), ([0, 0], 0.0), ([7], 1.0), ([5, 5, 5, 5], 4.0), ([90, 10], 1.3841)],
)
def test_effective_number(counts: list[int], effective: float) -> None:
    assert effective_categories(counts) == pytest.approx(effective, abs=1e-4)


def test_without_repeats_the_largest_gives_way() -> None:
    labels = np.repeat([0, 1, 2], [700, 250, 50])
    sample = balanced_sample(labels, size=300, generator=rng())
    assert np.bincount(labels, weights=sample.repeats).tolist() == [125, 125, 50]
    assert sample.repeats.max() == 1
    assert sample.warning is None


def test_repeats_are_capped_and_come_with_a_warning() -> None:
    labels = np.repeat([0, 1], [90, 10])
    sample = balanced_sample(labels, size=100, generator=rng(), max_repeats=3)
    assert np.bincount(labels, weights=sample.repeats).tolist() == [70, 30]
    assert sample.repeats.max() == 3
    assert sample.warning is not None
    assert "3 times" in sample.warning
    assert "DataComp" in sample.warning


def test_no_more_than_there_is() -> None:
    labels = np.repeat([0, 1], [3, 4])
    sample = balanced_sample(labels, size=1000, generator=rng(), max_repeats=2)
    assert sample.repeats.tolist() == [2] * 7


def test_a_target_of_ones_own() -> None:
    labels = np.repeat([0, 1, 2], 100)
    sample = balanced_sample(labels, size=100, generator=rng(), target=np.array([0.75, 0.25, 0.0]))
    assert np.bincount(labels, weights=sample.repeats).tolist() == [75, 25, 0]


def test_rows_without_a_category_are_left_out() -> None:
    sample = balanced_sample(np.array([-1, 0, 1, -1]), size=4, generator=rng())
    assert sample.repeats.tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize("num", [0, 1])
def test_few_rows(num: int) -> None:
    sample = balanced_sample(np.zeros(num, dtype=np.int64), size=5, generator=rng())
    assert sample.repeats.tolist() == [1] * num


def test_the_seed_chooses_the_rows() -> None:
    labels = np.repeat([0, 1], 50)
    first, again, other = (
        balanced_sample(labels, size=40, generator=np.random.default_rng(seed)).repeats.tolist()
        for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_sizes_add_up_for_any_counts() -> None:
    generator = rng()
    for _ in range(200):
        counts = generator.integers(0, 30, 6)
        labels = np.repeat(np.arange(6), counts)
        cap, size = int(generator.integers(1, 4)), int(generator.integers(1, 120))
        sample = balanced_sample(labels, size=size, generator=generator, max_repeats=cap)
        assert sample.repeats.sum() == min(size, cap * len(labels))
        assert sample.repeats.max(initial=0) <= cap


@pytest.mark.parametrize("target", [[0.5], [0.5, -0.1], [0.5, np.nan]])
def test_targets_that_are_none(target: list[float]) -> None:
    with pytest.raises(UsageError, match="2 shares"):
        balanced_sample(np.array([0, 1]), size=1, generator=rng(), target=np.array(target))
    with pytest.raises(UsageError, match="at least 1"):
        balanced_sample(np.array([0, 1]), size=0, generator=rng())


def test_a_target_is_read() -> None:
    assert parse_target("b=30%, a=0.3", ["a", "b", "c"]).tolist() == [0.5, 0.5, 0.0]
    assert parse_target("x=y=2", ["x=y"]).tolist() == [1.0]


@pytest.mark.parametrize("text", ["d=0.5", "a", "a=much", "a=-1", "a=inf", "a=nan", "a=0", ""])
def test_what_is_no_target(text: str) -> None:
    with pytest.raises(UsageError, match="target"):
        parse_target(text, ["a", "b"])


def test_as_many_as_meet_a_target_exactly() -> None:
    labels = np.array([0] * 90 + [1] * 10 + [-1] * 5)
    assert exact_size(labels, np.array([0.5, 0.5])) == 20
    assert exact_size(labels, np.array([0.9, 0.1])) == 100
    assert exact_size(labels, np.array([0.5, 0.5]), max_repeats=3) == 60
    assert exact_size(labels, np.array([0.5, 0.0, 0.5])) == 0
