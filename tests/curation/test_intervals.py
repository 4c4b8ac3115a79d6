import math

import numpy as np
import pytest

from pairsift.curation.intervals import (
    _exact_p_value,
    gap_interval,
    gap_p_values,
    holm,
    wilson_interval,
)


def test_wilson_against_published_values() -> None:
    # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3.
    for successes, trials, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        found = wilson_interval(successes, trials)
        assert [float(end) for end in found] == pytest.approx([low, high], abs=5e-5)


def test_no_trials_say_nothing() -> None:
    low, high = wilson_interval(0, 0)
    assert (float(low), float(high)) == (0.0, 1.0)


def test_gaps_against_published_values() -> None:
    # Newcombe 1998, table II, method 10: 56/70 - 48/80 and 9/10 - 3/10.
    for one, num, other, other_num, low, high in (
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
    ):
        found = gap_interval(
            np.array([one]), np.array([num]), np.array([other]), np.array([other_num])
        )
        assert [float(end[0]) for end in found] == pytest.approx([low, high], abs=5e-5)


def test_p_values_of_a_gap() -> None:
    # By hand: n (|ad - bc| - n/2)^2 / margins for 30/40 against 15/40 is 9.955.
    p_values = gap_p_values(
        np.array([30, 20, 0, 5]),
        np.array([40, 40, 40, 5]),
        np.array([15, 20, 0, 0]),
        np.array([40, 40, 40, 0]),
    )
    assert p_values[0] == pytest.approx(math.erfc(math.sqrt(9.9556 / 2)), rel=1e-3)
    assert p_values[1:].tolist() == [1.0, 1.0, 1.0]


def test_p_values_are_rarely_small_without_a_gap() -> None:
    generator = np.random.default_rng(0)
    one, other = generator.binomial(60, 0.3, 2000), generator.binomial(500, 0.3, 2000)
    p_values = gap_p_values(one, np.full(2000, 60), other, np.full(2000, 500))
    assert (p_values <= 0.05).mean() < 0.06


def test_few_expected_rows_are_tested_exactly() -> None:
    # Fisher 1935: of four cups three are told right; and 3 of 20 where 1 in 100 is kept.
    p_values = gap_p_values(
        np.array([3, 3]), np.array([4, 20]), np.array([1, 97]), np.array([4, 9980])
    )
    assert p_values.tolist() == pytest.approx([0.485714, 9.7758e-4], rel=1e-4)


def test_the_exact_test_against_whole_numbers() -> None:
    generator = np.random.default_rng(4)
    for _ in range(200):
        trials, others = (int(n) for n in generator.integers(1, 30, 2))
        kept = int(generator.integers(1, trials + others))
        low, high = max(0, kept - others), min(trials, kept)
        ways = {x: math.comb(trials, x) * math.comb(others, kept - x) for x in range(low, high + 1)}
        seen = int(generator.integers(low, high + 1))
        expected = sum(n for n in ways.values() if n <= ways[seen]) / sum(ways.values())
        assert _exact_p_value(seen, trials, kept, trials + others) == pytest.approx(expected)


def test_p_values_are_rarely_small_where_few_are_kept() -> None:
    generator = np.random.default_rng(0)
    one, other = generator.binomial(20, 0.01, 4000), generator.binomial(9980, 0.01, 4000)
    p_values = gap_p_values(one, np.full(4000, 20), other, np.full(4000, 9980))
    assert (p_values <= 0.005).mean() < 0.008  # 0.017 by the chi-squared test


def test_large_counts_do_not_overflow() -> None:
    million = np.array([10_000_000])
    p_values = gap_p_values(million // 2, million, million // 2 - 50_000, million)
    assert 0.0 <= p_values[0] < 1e-50


def test_holm_by_hand() -> None:
    assert holm(np.array([0.6, 0.01, 0.02])).tolist() == pytest.approx([0.6, 0.03, 0.04])
    assert holm(np.array([0.9, 0.8])).tolist() == [1.0, 1.0]
    assert holm(np.zeros(0)).shape == (0,)
