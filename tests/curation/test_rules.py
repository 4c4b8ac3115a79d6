from fractions import Fraction

import pytest

from pairsift.config import ChoiceConfig
from pairsift.curation.rules import ACCEPTED, parse_rule
from pairsift.errors import UsageError


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("top:30%", "top", Fraction(3, 10)),
        (" TOP : 2.5 % ", "top", Fraction(1, 40)),
        ("similarity>=0.28", "similarity", Fraction(28, 100)),
        ("similarity >= -.5", "similarity", Fraction(-1, 2)),
        ("fdr:1%", "fdr", Fraction(1, 100)),
        ("probability>=0.5", "probability", Fraction(1, 2)),
    ],
)
def test_rules_are_read(text: str, kind: str, value: Fraction) -> None:
    rule = parse_rule(text)
    assert (rule.kind, rule.value) == (kind, value)
    assert parse_rule(str(rule)) == rule


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", ACCEPTED),
        ("top", ACCEPTED),
        ("top:30", "ends in %"),
        ("best:30%", ACCEPTED),
        ("similarity>0.28", ACCEPTED),
        ("cosine>=0.28", ACCEPTED),
        ("top:0%", "above 0 %"),
        ("top:101%", "at most 100 %"),
        ("probability>=1.5", "from 0 to 1"),
    ],
)
def test_other_rules_are_refused_with_what_is_accepted(text: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_rule(text)
    assert hint in str(caught.value)
    assert f"`{text}`" in str(caught.value)


def test_the_default_is_a_share() -> None:
    assert parse_rule(ChoiceConfig().rule).kind == "top"
