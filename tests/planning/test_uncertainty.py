"""Intervals, on numbers that can be checked in the head."""

import math
from dataclasses import replace

import pytest

from pairsift.planning.estimating import row_seconds, row_work
from pairsift.planning.figures import Chunk
from pairsift.planning.uncertainty import (
    chunk_error,
    fetch_error,
    pace_error,
    relative_error,
    student,
)
from tests.planning.made_up import measured, slow_server

PACE = 1.96 * 2**0.5 * 0.04


def test_no_sample_is_more_certain_than_two_equal_runs() -> None:
    even = measured()
    assert chunk_error(even.chunks) == 0.0
    assert pace_error() == pytest.approx(PACE)
    assert relative_error(even, row_seconds(even, row_work(even))) == pytest.approx(PACE)


def test_what_a_sample_misses_is_added_to_that() -> None:
    chunks = tuple(Chunk(100, seconds) for seconds in (1.0, 1.2, 0.8, 1.0))
    half = 3.182 * 0.16330 / 4**0.5  # Student's t, the standard deviation, four stretches
    assert chunk_error(chunks) == pytest.approx(half, rel=1e-3)
    found = measured(chunks=chunks)
    row = row_seconds(found, row_work(found))
    assert relative_error(found, row) == pytest.approx((half**2 + PACE**2) ** 0.5, rel=1e-3)


def test_a_sample_of_one_stretch_says_nothing() -> None:
    found = measured(chunks=(Chunk(100, 1.0),))
    assert chunk_error(found.chunks) == 1.0
    assert relative_error(found, row_seconds(found, row_work(found))) == 1.0  # not below no time


def test_the_interval_of_a_slow_server_follows_from_its_images() -> None:
    found = measured(fetching=slow_server())
    mean, variance = 1.5, 6_000 / 2_000 - 1.5**2
    expected = 1.96 * (variance / 2_000) ** 0.5 / mean
    assert fetch_error(slow_server()) == pytest.approx(expected)
    row = row_seconds(found, row_work(found))
    assert relative_error(found, row) == pytest.approx(math.hypot(expected, PACE))


def test_attempts_of_one_image_are_no_further_chances() -> None:
    # A hundred images of 1 s, and as many of three attempts of 1 s each.
    together = slow_server(
        num_references=200, num_turns=400, turn_seconds=400.0, image_squares=100 * 1 + 100 * 9.0
    )
    assert fetch_error(together) == pytest.approx(1.96 * (1.0 / 200) ** 0.5 / 2.0)
    assert fetch_error(replace(together, num_references=1)) == 1.0


@pytest.mark.parametrize(
    ("predicted", "run", "sampling"),
    [(1118.4, 982.8, 0.0782), (1061.8, 983.7, 0.0729), (108.2, 97.3, 0.05)],
)
def test_runs_that_lay_outside_lie_inside(predicted: float, run: float, sampling: float) -> None:
    """Three runs of benchmarks.planning: a slow server twice, photographs; what was said then."""
    assert predicted - run > sampling * predicted
    assert predicted - run < math.hypot(sampling, pace_error()) * predicted


@pytest.mark.parametrize(("degrees", "point"), [(1, 12.71), (10, 2.228), (12, 2.228), (40, 2.042)])
def test_student(degrees: int, point: float) -> None:
    assert student(degrees) == point
