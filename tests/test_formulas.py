"""Laws and hand-computed numbers of the formulas."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairsift import formulas
from pairsift.errors import ShapeError

FORMULAS: dict[str, Callable[..., Any]] = {
    "cosine": formulas.cosine_similarity,
    "euclidean": formulas.euclidean_distance,
    "angular": formulas.angular_distance,
    "clip-score": formulas.clip_score,
    "logit": lambda a, b: formulas.logit(a, b, logit_scale=100.0, logit_bias=-10.0),
    "probability": lambda a, b: formulas.siglip_probability(
        a, b, logit_scale=100.0, logit_bias=-10.0
    ),
}

# By hand: u = (1, 0), v = (3/5, 4/5): cos 0.6, |u - v|² = 0.4² + 0.8² = 0.8,
# arccos(0.6) = 0.9272952180 rad, / pi = 0.2951672353; 2.5 · 0.6; 100 · 0.6 - 10 = 50;
# 1 / (1 + e^-50) = 1 in float32. w = (-4/5, 3/5) against u: cos -0.8, |u - w|² = 1.8² + 0.6² =
# 3.6, arccos(-0.8) = 2.4980915448 rad, / pi = 0.7951672353; 0; -90; 1 / (1 + e^90) = 8.194e-40.
GOLDEN = {
    "cosine": (0.6, -0.8),
    "euclidean": (0.8944271910, 1.8973665961),
    "angular": (0.2951672353, 0.7951672353),
    "clip-score": (1.5, 0.0),
    "logit": (50.0, -90.0),
    "probability": (1.0, 8.194e-40),
}


def unit_rows(seed: int, num_rows: int, width: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    rows = np.random.default_rng(seed).standard_normal((num_rows, width))
    unit: np.ndarray[Any, np.dtype[np.float32]] = (
        rows / np.linalg.norm(rows, axis=1, keepdims=True)
    ).astype(np.float32)
    return unit


@pytest.mark.parametrize("name", FORMULAS)
def test_numbers_computed_by_hand(name: str) -> None:
    images = np.array([[1, 0], [1, 0]], dtype=np.float32)
    captions = np.array([[0.6, 0.8], [-0.8, 0.6]], dtype=np.float32)
    got = FORMULAS[name](images, captions)
    # 1e-6 relative is float32 rounding of the inputs (0.6 and 0.8) and of the result.
    np.testing.assert_allclose(got, GOLDEN[name], rtol=1e-5, atol=1e-42)
    assert got.dtype == np.float32


@pytest.mark.parametrize("name", FORMULAS)
@given(seed=st.integers(0, 2**32), num_rows=st.integers(0, 40), width=st.integers(1, 70))
def test_a_row_is_the_same_bits_alone_in_a_batch_and_in_any_memory_order(
    name: str, seed: int, num_rows: int, width: int
) -> None:
    images, captions = unit_rows(seed, num_rows, width), unit_rows(seed + 1, num_rows, width)
    together = FORMULAS[name](images, captions)
    alone = [FORMULAS[name](images[i : i + 1], captions[i : i + 1])[0] for i in range(num_rows)]
    turned = FORMULAS[name](np.asfortranarray(images), np.asfortranarray(captions))
    assert together.tobytes() == np.array(alone, dtype=np.float32).tobytes() == turned.tobytes()


@given(seed=st.integers(0, 2**32), width=st.integers(2, 70))
def test_every_formula_orders_pairs_as_the_cosine_does(seed: int, width: int) -> None:
    images, captions = unit_rows(seed, 30, width), unit_rows(seed + 1, 30, width)
    order = np.argsort(formulas.cosine_similarity(images, captions))
    for name, direction in (("euclidean", -1), ("angular", -1), ("clip-score", 1), ("logit", 1)):
        values = direction * FORMULAS[name](images, captions)[order].astype(np.float64)
        assert (np.diff(values) >= -1e-5).all(), name


@given(seed=st.integers(0, 2**32), width=st.integers(1, 70))
def test_distances_and_cosine_are_one_geometry(seed: int, width: int) -> None:
    images, captions = unit_rows(seed, 10, width), unit_rows(seed + 1, 10, width)
    cosines = formulas.cosine_similarity(images, captions).astype(np.float64)
    euclidean = formulas.euclidean_distance(images, captions).astype(np.float64)
    angular = formulas.angular_distance(images, captions).astype(np.float64)
    np.testing.assert_allclose(euclidean**2, 2 - 2 * cosines, atol=2e-6)
    np.testing.assert_allclose(np.cos(np.pi * angular), cosines, atol=2e-6)


def test_equal_rows_are_exactly_at_distance_zero() -> None:
    rows = unit_rows(3, 50, 512)
    assert (formulas.euclidean_distance(rows, rows) == 0).all()
    assert (formulas.angular_distance(rows, rows) == 0).all()
    assert (formulas.angular_distance(rows, -rows) == 1).all()


def test_the_sigmoid_does_not_overflow() -> None:
    row = np.array([[1.0, 0.0]], dtype=np.float32)
    for bias, wanted in ((-1000.0, 0.0), (1000.0, 1.0)):
        got = formulas.siglip_probability(row, row, logit_scale=1.0, logit_bias=bias)
        assert got[0] == wanted


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize(
    ("images", "captions"),
    [((3, 4), (2, 4)), ((3, 4), (3, 5)), ((4,), (4,)), ((2, 2, 4), (2, 2, 4)), ((1, 4), (3, 4))],
)
def test_shapes_that_do_not_fit_are_refused(
    name: str, images: tuple[int, ...], captions: tuple[int, ...]
) -> None:
    with pytest.raises(ShapeError, match="one shape"):
        FORMULAS[name](np.ones(images), np.ones(captions))


@pytest.mark.parametrize("name", FORMULAS)
def test_rows_that_were_never_normalised_are_refused_by_number(name: str) -> None:
    rows = unit_rows(0, 5, 8)
    rows[3] *= 1.1
    with pytest.raises(ShapeError, match=r"text row 3 has length 1\.1"):
        FORMULAS[name](unit_rows(1, 5, 8), rows)


def test_rows_kept_in_half_precision_pass() -> None:
    halves = unit_rows(0, 200, 512).astype(np.float16)
    np.testing.assert_allclose(formulas.cosine_similarity(halves, halves), 1.0, atol=2e-3)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_rows_that_are_not_finite_are_refused_by_number(value: float) -> None:
    rows = unit_rows(0, 2, 4)
    rows[1, 2] = value
    with pytest.raises(ShapeError, match=r"image row 1 has length (nan|inf)"):
        formulas.cosine_similarity(rows, unit_rows(1, 2, 4))
