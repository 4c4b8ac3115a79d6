import numpy as np
import pytest

from pairsift.curation.audit import (
    MIN_GROUP_ROWS,
    Dimension,
    audit_filter,
    length_dimension,
    named_dimension,
)
from pairsift.errors import ShapeError


def dimension(labels: np.ndarray, name: str = "category") -> Dimension:
    names = [f"group {label}" for label in range(int(labels.max(initial=-1)) + 1)]
    return Dimension(name, labels.astype(np.int64), names)


def test_the_line_of_a_group_by_hand() -> None:
    keep = np.array([True] * 30 + [False] * 10 + [True] * 15 + [False] * 25)
    lines = audit_filter(keep, [dimension(np.repeat([0, 1], 40))])
    first = next(line for line in lines if line.group == "group 0")
    assert (first.rows, first.kept, first.rate) == (40, 30, 0.75)
    assert first.gap == pytest.approx(0.375)
    assert first.rate_low == pytest.approx(0.5981, abs=1e-4)
    assert first.gap_low < 0.375 < first.gap_high
    assert first.gap_low == pytest.approx(0.1582, abs=1e-4)
    assert first.is_significant


def test_the_largest_gap_comes_first() -> None:
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 8, 5000)
    rates = np.array([0.7] * 6 + [0.6, 0.78])
    keep = generator.random(5000) < rates[labels]
    lines = audit_filter(keep, [dimension(labels), dimension(generator.integers(0, 3, 5000), "b")])
    assert lines[0].group == "group 6"
    assert lines[0].gap == pytest.approx(-0.11, abs=0.04)
    assert lines[0].is_significant
    gaps = [abs(line.gap) for line in lines if not line.is_significant]
    assert gaps == sorted(gaps, reverse=True)


def test_an_even_filter_has_few_findings() -> None:
    found = 0
    for seed in range(100):
        generator = np.random.default_rng(seed)
        labels = generator.integers(0, 8, 2000)
        lines = audit_filter(generator.random(2000) < 0.3, [dimension(labels)])
        found += any(line.is_significant for line in lines)
    assert found <= 10  # 5 are expected at most


def test_a_small_group_is_shown_but_not_tested() -> None:
    labels = np.array([0] * 500 + [1] * (MIN_GROUP_ROWS - 1))
    lines = audit_filter(labels == 0, [dimension(labels)])
    by_group = {line.group: line for line in lines}
    assert by_group["group 1"].p_value is None
    assert not by_group["group 1"].is_significant
    assert by_group["group 0"].p_value is not None
    assert [line.group for line in lines][-1] == "group 1"


def test_rows_without_a_group_are_left_out() -> None:
    labels = np.array([0] * 50 + [1] * 50 + [-1] * 50)
    keep = np.array([True] * 100 + [False] * 50)
    assert [line.gap for line in audit_filter(keep, [dimension(labels)])] == [0.0, 0.0]


@pytest.mark.parametrize("num", [0, 1, 30])
def test_one_group_has_no_line(num: int) -> None:
    labels = np.zeros(num, dtype=np.int64)
    assert audit_filter(np.ones(num, dtype=bool), [dimension(labels)]) == []


def test_labels_must_fit() -> None:
    with pytest.raises(ShapeError, match="category: 3 labels for 2 rows"):
        audit_filter(np.ones(2, dtype=bool), [dimension(np.zeros(3))])


def test_sizes_are_divided_evenly() -> None:
    lengths = np.arange(100, dtype=np.float64)
    lengths[0] = np.nan
    found = length_dimension(lengths, name="caption length", unit="characters")
    assert found.labels[0] == -1
    assert np.bincount(found.labels[1:]).tolist() == pytest.approx([25] * 4, abs=1)
    assert found.names[0].startswith("1 to ")
    assert found.names[-1].endswith(" to 99 characters")


@pytest.mark.parametrize(("values", "groups"), [([5.0] * 9, 1), ([1.0, 2.0], 2), ([np.nan], 0)])
def test_few_sizes_make_few_groups(values: list[float], groups: int) -> None:
    found = length_dimension(np.array(values), name="side", unit="pixels")
    assert len(found.names) == groups
    assert found.labels.max() == groups - 1


def test_values_become_groups() -> None:
    found = named_dimension("language", ["en", None, "de", "en"])
    assert found.labels.tolist() == [0, -1, 1, 0]
    assert found.names == ["en", "de"]
