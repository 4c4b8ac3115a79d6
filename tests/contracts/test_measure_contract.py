"""What every measure promises, and faulty measures that must not pass."""

import pickle
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest

from pairsift.errors import ShapeError
from pairsift.formulas import FloatArray
from pairsift.measures import MEASURES, BoundMeasure, find_measure


@dataclass(frozen=True)
class Numbers:
    name: str = "toy"
    logit_scale: float | None = 112.7
    logit_bias: float | None = -16.7717


def rows(seed: int, num_rows: int, width: int = 64) -> FloatArray:
    values = np.random.default_rng(seed).standard_normal((num_rows, width))
    unit: FloatArray = (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)
    return unit


def between(images: FloatArray, captions: FloatArray, share: float) -> FloatArray:
    """Captions moved towards their images by a share of the way."""
    mixed = share * images + (1 - share) * captions
    moved: FloatArray = (mixed / np.linalg.norm(mixed, axis=1, keepdims=True)).astype(np.float32)
    return moved


def check_shape_and_type(measure: BoundMeasure) -> None:
    for num_rows in (0, 1, 7):
        values = measure(rows(0, num_rows), rows(1, num_rows))
        assert values.shape == (num_rows,)
        assert values.dtype == np.float32


def check_range(measure: BoundMeasure) -> None:
    low, high = measure.range
    images = rows(2, 500)
    for captions in (rows(3, 500), images, -images):
        values = measure(images, captions)
        assert (values >= low).all()
        assert (values <= high).all()


def check_direction(measure: BoundMeasure) -> None:
    images, captions = rows(4, 200), rows(5, 200)
    steps = [measure(images, between(images, captions, share)) for share in (0.0, 0.2, 0.5, 0.9)]
    sign = -1 if measure.is_distance else 1
    for before, after in pairwise(steps):
        assert (sign * (after - before) >= 0).all()
    assert (sign * (steps[-1] - steps[0])).mean() > 0


def check_identical_rows(measure: BoundMeasure) -> None:
    images = rows(6, 100)
    best = measure.range[0] if measure.is_distance else measure.range[1]
    np.testing.assert_allclose(measure(images, images), best, rtol=1e-6, atol=1e-7)


def check_rows_are_independent(measure: BoundMeasure) -> None:
    images, captions = rows(7, 33), rows(8, 33)
    together = measure(images, captions)
    alone = np.concatenate([measure(images[i : i + 1], captions[i : i + 1]) for i in range(33)])
    assert together.tobytes() == alone.tobytes()
    order = np.random.default_rng(0).permutation(33)
    assert measure(images[order], captions[order]).tobytes() == together[order].tobytes()


def check_refuses_shapes(measure: BoundMeasure) -> None:
    with pytest.raises(ShapeError):
        measure(rows(0, 3), rows(1, 2))


def check_travels(measure: BoundMeasure) -> None:
    again = pickle.loads(pickle.dumps(measure))  # noqa: S301 - our own bytes
    images, captions = rows(9, 5), rows(10, 5)
    assert again(images, captions).tobytes() == measure(images, captions).tobytes()


CHECKS: list[Callable[[BoundMeasure], None]] = [
    check_shape_and_type,
    check_range,
    check_direction,
    check_identical_rows,
    check_rows_are_independent,
    check_refuses_shapes,
    check_travels,
]


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize("check", CHECKS)
def test_every_measure_keeps_its_promises(name: str, check: Callable[[BoundMeasure], None]) -> None:
    check(find_measure(name, Numbers()))


COSINE = find_measure("cosine", Numbers())


def in_double(images: FloatArray, captions: FloatArray) -> FloatArray:
    return COSINE(images, captions).astype(np.float64)


def fails_to_pickle() -> BoundMeasure:
    return replace(COSINE, function=lambda images, captions: COSINE(captions, images))


def clipped_too_low(images: FloatArray, captions: FloatArray) -> FloatArray:
    return np.minimum(COSINE(images, captions), np.float32(0.9))


def standardised_by_batch(images: FloatArray, captions: FloatArray) -> FloatArray:
    values = COSINE(images, captions)
    mean: FloatArray = values - values.mean(dtype=np.float32) if len(values) else values
    return np.clip(mean, np.float32(-1), np.float32(1))


def captions_shifted_by_a_row(images: FloatArray, captions: FloatArray) -> FloatArray:
    return COSINE(images, np.roll(captions, 1, axis=0))


def first_rows_that_fit(images: FloatArray, captions: FloatArray) -> FloatArray:
    num_rows = min(len(images), len(captions))
    return COSINE(images[:num_rows], captions[:num_rows])


FAULTS: dict[str, tuple[BoundMeasure, Callable[[BoundMeasure], None]]] = {
    "wrong type": (replace(COSINE, function=in_double), check_shape_and_type),
    "range too narrow": (replace(COSINE, range=(0.0, 1.0)), check_range),
    "direction turned": (replace(COSINE, is_distance=True), check_direction),
    "best value never reached": (replace(COSINE, function=clipped_too_low), check_identical_rows),
    "rows depend on the batch": (
        replace(COSINE, function=standardised_by_batch),
        check_rows_are_independent,
    ),
    "rows swapped": (
        replace(COSINE, function=captions_shifted_by_a_row),
        check_rows_are_independent,
    ),
    "shapes cut to fit": (replace(COSINE, function=first_rows_that_fit), check_refuses_shapes),
    "cannot travel": (fails_to_pickle(), check_travels),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_measure_is_rejected(fault: str) -> None:
    measure, check = FAULTS[fault]
    # DID NOT RAISE is pytest's own failure class, which is no AssertionError.
    with pytest.raises((AssertionError, pytest.fail.Exception, AttributeError, pickle.PickleError)):
        check(measure)
