"""The answer in words follows from the figures."""

from dataclasses import replace

from pairsift.comparing.figures import Figures
from pairsift.comparing.words import answer
from tests.comparing.made_up import FIGURES

SMALL = replace(
    FIGURES,
    name="small fp32",
    pairs_per_second=300.0,
    is_reference=False,
    auc_gap=-0.001,
    auc_gap_95=(-0.002, 0.001),
    kept_shared=0.6,
)


def last(*others: Figures) -> str:
    return answer([FIGURES, *others], rule="top:30%")[-1]


def test_yes_where_it_keeps_the_same_rows() -> None:
    assert "Yes: small fp32" in last(replace(SMALL, kept_shared=0.97))


def test_half_a_yes_where_it_only_tells_pairs_apart() -> None:
    told = last(SMALL)
    assert "yes: small fp32" in told
    assert "top:30%, no" in told


def test_no_where_it_may_lose_too_much() -> None:
    assert "Not shown here" in last(replace(SMALL, auc_gap_95=(-0.02, 0.001)))


def test_nothing_to_gain_where_none_is_faster() -> None:
    told = answer([FIGURES, replace(SMALL, pairs_per_second=105.0)], rule="top:30%")
    assert told == ["None is faster than large fp32 here, so there is nothing to gain."]


def test_each_faster_one_has_a_line_with_its_figures() -> None:
    lines = answer([FIGURES, SMALL, replace(SMALL, name="tiny", pairs_per_second=500.0)], rule="r")
    assert [line.split(":")[0] for line in lines[:2]] == ["tiny", "small fp32"]
    assert "3.0 times as fast" in lines[1]
    assert "keeps 60%" in lines[1]
