from pathlib import Path

import pytest

from pairsift.curation.declared import (
    REASONS,
    RULES,
    BalanceRule,
    DuplicateRule,
    MismatchRule,
    SignRule,
    StatusRule,
    ThresholdRule,
    WhereRule,
)
from pairsift.curation.recipe import DEFAULT_RECIPE, parse_recipe, read_recipe
from pairsift.errors import UsageError

ROOT = Path(__file__).parents[2]


def test_the_default_recipe_takes_a_share() -> None:
    recipe = read_recipe(None)
    assert [type(rule) for rule in recipe.rules] == [
        StatusRule,
        MismatchRule,
        DuplicateRule,
        ThresholdRule,
    ]
    assert recipe.rules[-1] == ThresholdRule("top:30%")
    assert recipe.text == DEFAULT_RECIPE
    assert recipe.rules[1] == MismatchRule()


def test_a_recipe_says_every_setting_again() -> None:
    recipe = parse_recipe('seed = 3\n[[rule]]\nkind = "where"\nwhere = "a > 1"\n')
    assert recipe.rules == (WhereRule("a > 1"),)
    assert recipe.to_json() == {
        "version": 1,
        "seed": 3,
        "rule": [{"kind": "where", "where": "a > 1", "reason": "where"}],
    }


def test_the_digest_is_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(DEFAULT_RECIPE, encoding="utf-8")
    assert read_recipe(path).sha256 == read_recipe(None).sha256
    path.write_text(DEFAULT_RECIPE + "# mine\n", encoding="utf-8")
    assert read_recipe(path).sha256 != read_recipe(None).sha256


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rules = 1", "unknown key `rules`; accepted: version, seed, rule .hint: rule"),
        ("[rule", "no TOML"),
        ("", "no rules"),
        ("version = 2", "version 2; this pairsift reads 1"),
        ("seed = -1", "seed -1 is no whole number"),
        ("rule = [1]", "rule 1 is no table"),
        ("[[rule]]", "rule 1 has no kind; accepted: status, mismatches"),
        ('[[rule]]\nkind = "sort"', "unknown kind `sort`"),
        ('[[rule]]\nkind = "status"\n[[rule]]\nkind = "where"', r"rule 2 \(where\) needs where"),
        ('[[rule]]\nkind = "threshold"\nrule = "top:1%"', "unknown key `rule`; accepted: keep, by"),
        ('[[rule]]\nkind = "threshold"\nkeep = "best"', "rules look like top:30%"),
        ('[[rule]]\nkind = "threshold"\nkeep = 3', "keep is 3; give a text"),
        ('[[rule]]\nkind = "threshold"\nscore = "x"', "accepted: similarity, negative-clip-loss"),
        (
            '[[rule]]\nkind = "threshold"\nkeep = "fdr:1%"\nscore = "negative-clip-loss"',
            "only top",
        ),
        ('[[rule]]\nkind = "duplicates"\nby = "exact"', "give a list of texts"),
        ('[[rule]]\nkind = "duplicates"\nby = ["looks"]', "accepted: exact, near"),
        ('[[rule]]\nkind = "duplicates"\nby = []', "give at least one"),
        ('[[rule]]\nkind = "captions"\nmin_words = -1', "a whole number from 0"),
        ('[[rule]]\nkind = "captions"\nmin_words = true', "a whole number from 0"),
        ('[[rule]]\nkind = "captions"\nlanguages = ["English"]', "`English` is no code of two"),
        ('[[rule]]\nkind = "images"\nmax_aspect = "3"', "max_aspect is '3'; give a number"),
        ('[[rule]]\nkind = "where"\nwhere = "a"\nreason = "swap"', "a name of your own"),
        ('[[rule]]\nkind = "where"\nwhere = "a"\nreason = "Two words"', "a name of your own"),
        ('[[rule]]\nkind = "balance"\ncap = 3', "either by or"),
        ('[[rule]]\nkind = "balance"\nby = "a"', "either cap or size"),
        ('[[rule]]\nkind = "balance"\nby = "a"\ncap = 2\nmax_repeats = 2', "go with size"),
        ('[[rule]]\nkind = "balance"\nby = "a"\ncap = 0', "at least 1"),
    ],
)
def test_what_no_recipe_says_is_named(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_recipe(text)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the recipe"):
        read_recipe(tmp_path / "none.toml")


def test_every_kind_and_reason_has_a_place_in_the_page() -> None:
    page = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    assert [kind for kind in RULES if f"| `{kind}` |" not in page] == []
    assert [name for name, words in REASONS.items() if f"| `{name}` | {words} |" not in page] == []


def test_the_example_is_a_recipe() -> None:
    recipe = read_recipe(ROOT / "examples" / "recipe.toml")
    assert {type(rule) for rule in recipe.rules} == set(RULES.values()) - {SignRule, BalanceRule}
