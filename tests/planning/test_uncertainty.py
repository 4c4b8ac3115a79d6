"""Intervals, on numbers that can be checked in the head."""

import pytest

from pairsift.planning.estimating import row_seconds, row_work
from pairsift.planning.figures import Chunk
from pairsift.planning.uncertainty import chunk_error, relative_error, student
from tests.planning.made_up import measured, slow_server


def test_the_interval_follows_from_the_spread() -> None:
    even = measured()
    row = row_seconds(even, row_work(even))
    assert relative_error(even, row) == 0.05  # no set is more certain than two equal runs
    chunks = tuple(Chunk(100, seconds) for seconds in (1.0, 1.2, 0.8, 1.0))
    half = 3.182 * 0.16330 / 4**0.5  # Student's t, the standard deviation, four stretches
    assert chunk_error(chunks) == pytest.approx(half, rel=1e-3)
    assert relative_error(measured(chunks=chunks), row) == pytest.approx(half, rel=1e-3)
    assert chunk_error(chunks[:1]) == 1.0


def test_the_interval_of_a_slow_server_follows_from_its_answers() -> None:
    found = measured(fetching=slow_server())
    row = row_seconds(found, row_work(found))
    mean, variance = 1.2, 5_000 / 2_500 - 1.2**2
    expected = 1.96 * (variance / 2_000) ** 0.5 / mean
    assert relative_error(found, row) == max(0.05, expected)
    wild = measured(fetching=slow_server(turn_squares=100_000.0))
    assert relative_error(wild, row) == pytest.approx(1.96 * ((40 - 1.44) / 2_000) ** 0.5 / 1.2)


@pytest.mark.parametrize(("degrees", "point"), [(1, 12.71), (10, 2.228), (12, 2.228), (40, 2.042)])
def test_student(degrees: int, point: float) -> None:
    assert student(degrees) == point
