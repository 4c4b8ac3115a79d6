"""Draws are the same everywhere, and even."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairsift.storybook.rng import Draws, mix


def test_mix_is_splitmix64() -> None:
    # The first outputs of the reference splitmix64.c (Vigna 2015) for the seed 1234567.
    state, outputs = 1234567, []
    for _ in range(3):
        outputs.append(mix(state))
        state = (state + 0x9E3779B97F4A7C15) % 2**64
    assert outputs == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_golden_draws() -> None:
    draws = Draws(7, 3, "scene")
    assert [draws.below(1000) for _ in range(5)] == [448, 243, 62, 774, 629]


@pytest.mark.parametrize(
    "other", [Draws(8, 3, "a stream of draws"), Draws(7, 4, "a stream of draws"), Draws(7, 3, "a")]
)
def test_streams_are_apart(other: Draws) -> None:
    draws = Draws(7, 3, "a stream of draws")
    assert [draws.bits() for _ in range(4)] != [other.bits() for _ in range(4)]


def test_streams_with_one_beginning_are_apart() -> None:
    assert Draws(1, 1, "caption 0 usual").bits() != Draws(1, 1, "caption 0 full").bits()


@given(st.integers(), st.integers(0, 2**40), st.integers(1, 100))
def test_below_stays_below(seed: int, index: int, limit: int) -> None:
    draws = Draws(seed, index)
    assert all(0 <= draws.below(limit) < limit for _ in range(20))


def test_weighted_follows_its_weights() -> None:
    draws = Draws(1)
    seen = Counter(draws.weighted("abc", (1, 0, 3)) for _ in range(4000))
    assert seen["b"] == 0
    assert abs(seen["a"] - 1000) < 120  # four standard deviations


def test_weights_must_not_all_be_zero() -> None:
    with pytest.raises(ValueError, match="not all be 0"):
        Draws(1).weighted("ab", (0, 0))


def test_shuffled_reaches_every_order() -> None:
    draws = Draws(2)
    seen = Counter(tuple(draws.shuffled((1, 2, 3))) for _ in range(1200))
    assert len(seen) == 6
    assert min(seen.values()) > 140
