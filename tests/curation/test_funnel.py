import numpy as np
import pytest
from numpy.typing import NDArray

from pairsift.curation.funnel import Drops, FunnelLine, Step, run_funnel
from pairsift.errors import UsageError


def fixed(reason: str, rows: list[int], num: int = 6) -> Step:
    mask = np.isin(np.arange(num), rows)
    return Step(f"no {reason}", (reason,), lambda _: Drops({reason: mask}))


def first_of(left: NDArray[np.bool_]) -> Drops:
    first = np.zeros(len(left), dtype=bool)
    first[np.flatnonzero(left)[:1]] = True
    return Drops({"first": first})


def test_every_reason_that_applies_is_given_in_order() -> None:
    verdict = run_funnel([fixed("b", [0, 1, 2]), fixed("a", [2, 3])], 6)
    assert verdict.reasons(slice(None)).to_pylist() == [["b"], ["b"], ["b", "a"], ["a"], [], []]
    assert verdict.reasons(slice(2, 5)).to_pylist() == [["b", "a"], ["a"], []]
    assert verdict.keep.tolist() == [False] * 4 + [True] * 2
    assert verdict.counts == {"b": 3, "a": 2}
    assert verdict.has_no_reason_before("b").all()
    assert verdict.has_no_reason_before("a").tolist() == [False] * 3 + [True] * 3


def test_the_funnel_tells_alone_from_in_sequence() -> None:
    steps = [fixed("b", [0, 1, 2]), Step("first", ("first",), first_of), fixed("a", [2, 3])]
    verdict = run_funnel(steps, 6)
    assert verdict.funnel == [
        FunnelLine("no b", 3, 3, 3),
        FunnelLine("first", 1, 1, 2),
        FunnelLine("no a", 2, 0, 2),
    ]
    assert verdict.reasons(slice(3, 4)).to_pylist() == [["first", "a"]]


def test_one_reason_may_come_from_two_rules() -> None:
    verdict = run_funnel([fixed("a", [0]), fixed("a", [1])], 6)
    assert verdict.names == ("a",)
    assert verdict.counts == {"a": 2}


def test_repeats_count_only_where_a_row_is_kept() -> None:
    twice = Step("x", (), lambda left: Drops({}, np.full(len(left), 2)))
    verdict = run_funnel([twice, fixed("a", [0], 3)], 3)
    assert verdict.repeats.tolist() == [0, 2, 2]


def test_sixty_four_reasons_fit_and_no_more() -> None:
    steps = [fixed(f"r{n}", [n], 70) for n in range(64)]
    verdict = run_funnel(steps, 70)
    assert verdict.reasons(slice(63, 65)).to_pylist() == [["r63"], []]
    with pytest.raises(UsageError, match="65 reasons"):
        run_funnel([*steps, fixed("more", [1], 70)], 70)


def test_no_rows() -> None:
    verdict = run_funnel([fixed("a", [], 0)], 0)
    assert verdict.reasons(slice(0, 0)).to_pylist() == []
    assert verdict.funnel == [FunnelLine("no a", 0, 0, 0)]
