"""Plans follow from the seed, give a row one fault at most, and plant real faults."""

import pickle
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pairsift.errors import UsageError
from pairsift.storybook.captions import is_true, make_caption
from pairsift.storybook.faults import (
    DEFAULT_RATES,
    FAULT_MEANINGS,
    FaultPlan,
    parse_faults,
    plan_faults,
)
from pairsift.storybook.scenes import category_of, make_scene


def test_every_fault_has_a_meaning() -> None:
    assert set(FAULT_MEANINGS) == set(DEFAULT_RATES)


def test_parse() -> None:
    assert parse_faults("default") == DEFAULT_RATES
    assert parse_faults("none") == parse_faults("") == {}
    assert parse_faults(" swap=0.1 , near-copy=.5") == {"swap": 0.1, "near-copy": 0.5}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("swop=0.1", r"no fault `swop` \(did you mean swap\?\)"),
        ("swap", "cannot read `swap`"),
        ("swap=lots", "cannot read `swap=lots`"),
        ("swap=1.5", "must be from 0 to 1, got 1.5"),
        ("swap=nan", "must be from 0 to 1"),
        ("swap=0.5,word=0.5", "too few sound ones"),
        ("swap=0.1,swap=0.2", "given twice"),
    ],
)
def test_parse_refuses(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_faults(text)


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.integers(1, 150))
def test_plans_keep_their_promises(seed: int, num_pairs: int) -> None:
    plan = plan_faults(seed, num_pairs, DEFAULT_RATES)
    assert plan == plan_faults(seed, num_pairs, DEFAULT_RATES)
    assert list(plan.faults) == sorted(plan.faults)
    for row, fault in plan.faults.items():
        assert 0 <= row < num_pairs
        if fault.name in ("copy", "near-copy", "recaption"):
            assert fault.partner not in plan.faults
        if fault.name == "swap":
            assert fault.partner is not None
            assert plan.faults[fault.partner].partner == row


def test_numbers_follow_the_rates() -> None:
    plan = plan_faults(1, 1000, DEFAULT_RATES)
    num = Counter(fault.name for fault in plan.faults.values())
    for name, rate in DEFAULT_RATES.items():
        if name == "swap":
            assert num[name] == 24  # 25 rows do not make pairs
        elif name != "vague":
            assert num[name] == round(rate * 1000)


def test_swapped_captions_are_false() -> None:
    plan = plan_faults(2, 800, {"swap": 0.5})
    for row, fault in plan.faults.items():
        assert fault.partner is not None
        borrowed = make_caption(make_scene(2, fault.partner), 2, fault.partner)
        assert not is_true(borrowed.claims, make_scene(2, row))


def test_imbalance_shows_the_favoured_category() -> None:
    plan = plan_faults(4, 300, {"imbalance": 0.2})
    indices = {plan.pair_index(row): fault for row, fault in plan.faults.items()}
    assert len(indices) == 60
    assert min(indices) >= 2**48
    assert all(category_of(make_scene(4, n)) == fault.detail for n, fault in indices.items())
    sound = next(row for row in range(300) if row not in plan.faults)
    assert plan.pair_index(sound) == sound


def test_plans_travel() -> None:
    plan = plan_faults(5, 200, DEFAULT_RATES)
    back: FaultPlan = pickle.loads(pickle.dumps(plan))  # noqa: S301
    assert back == plan
