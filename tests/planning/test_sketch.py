"""The sketch keeps the error that its paper states."""

import numpy as np
import pytest

from pairsift.planning.sketch import DistinctSketch, hashes_of, mixed


def estimate(num: int, *, seed: int) -> float:
    sketch = DistinctSketch()
    for begin in range(0, num, 50_000):
        numbers = np.arange(begin, min(begin + 50_000, num), dtype=np.int64)
        sketch.add(mixed(numbers + (np.int64(seed) << 40)))
    return sketch.estimate()


@pytest.mark.parametrize("num", [0, 1, 10, 1_000, 30_000, 60_000, 400_000])
def test_the_error_is_as_stated(num: int) -> None:
    errors = np.array([estimate(num, seed=seed) - num for seed in range(16)])
    # Sixteen trials: their root mean square is within 1.6 of the stated error, all but surely,
    # and their mean is no further from 0 than chance allows.
    stated = DistinctSketch.relative_error * num
    assert np.sqrt(np.mean(errors**2)) <= 1.6 * stated + 0.5
    assert abs(errors.mean()) <= 4 * stated / 4 + 0.5


def test_repetitions_do_not_count() -> None:
    once, often = DistinctSketch(), DistinctSketch()
    hashes = mixed(np.arange(5_000))
    once.add(hashes)
    for _ in range(3):
        often.add(hashes[::-1])
    assert once.estimate() == often.estimate()


def test_two_sketches_are_one() -> None:
    hashes = mixed(np.arange(20_000))
    whole, left, right = DistinctSketch(), DistinctSketch(), DistinctSketch()
    whole.add(hashes)
    left.add(hashes[:12_000])
    right.add(hashes[8_000:])
    left.merge(right)
    assert left.estimate() == whole.estimate()


def test_a_full_register_is_no_error() -> None:
    sketch = DistinctSketch()
    sketch.add(np.zeros(1, dtype=np.uint64))  # the rank of nothing but zeros
    assert 0.5 < sketch.estimate() < 1.5


def test_bytes_have_hashes_that_are_good_enough() -> None:
    sketch = DistinctSketch()
    sketch.add(hashes_of(b"images/%06d.jpg" % number for number in range(30_000)))
    assert abs(sketch.estimate() - 30_000) < 5 * DistinctSketch.relative_error * 30_000
    assert hashes_of([b"a", b"a"]).tolist() == hashes_of([b"a"]).tolist() * 2
