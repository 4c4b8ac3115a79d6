import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairsift.histograms import Histogram

values = st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=200)


@given(values, st.floats(0, 1))
def test_quantiles_are_exact_to_two_millionths(numbers: list[float], fraction: float) -> None:
    histogram = Histogram(-1.0, 1.0)
    histogram.add(np.array(numbers, dtype=np.float32))
    exact = np.quantile(np.array(numbers, dtype=np.float32), fraction, method="inverted_cdf")
    assert abs(histogram.quantiles([fraction])[0] - exact) <= 2e-6


@given(values, values)
def test_merging_is_adding(left: list[float], right: list[float]) -> None:
    whole, first, second = (Histogram(-1.0, 1.0) for _ in range(3))
    whole.add(np.array(left + right, dtype=np.float32))
    first.add(np.array(left, dtype=np.float32))
    second.add(np.array(right, dtype=np.float32))
    first.merge(second)
    assert (first.counts == whole.counts).all()
    assert first.coarse(7, low=-0.3, high=0.8).sum() == len(left) + len(right)


def test_nothing_added_has_no_quantiles() -> None:
    assert np.isnan(Histogram(0.0, 1.0).quantiles([0.5])[0])


def test_another_range_is_refused() -> None:
    with pytest.raises(ValueError, match="histograms over"):
        Histogram(0.0, 1.0).merge(Histogram(-1.0, 1.0))


def test_what_is_not_finite_is_in_no_bin() -> None:
    histogram = Histogram(-1.0, 1.0)
    histogram.add(np.array([np.nan, 0.5, np.inf, -np.inf], dtype=np.float32))
    assert histogram.total == 1
    assert histogram.quantiles([0.0])[0] == pytest.approx(0.5, abs=2e-6)
