"""The words are English."""

import re

import pytest

from pairsift.storybook.captions import make_caption
from pairsift.storybook.phrasing import MANY, Claims, GroupClaim, put_into_words
from pairsift.storybook.scenes import make_scene

STYLES = ("alt", "alt picture", "there", "shows", "place first", "prompt", "tags")


def one(
    kind: str, colour: str | None = None, count: int | None = 1, size: str | None = None
) -> Claims:
    return Claims(None, (GroupClaim(kind, colour, count, size),), None)


def wordings(claims: Claims, style: str = "alt") -> set[str]:
    return {put_into_words(claims, style, wording) for wording in range(80)}


def test_articles() -> None:
    assert {"an orange apple", "one orange apple", "1 orange apple"} <= wordings(
        one("apple", "orange")
    )
    for index in range(1500):
        text = make_caption(make_scene(6, index), 6, index).text.lower()
        assert not re.search(r"\ba [aeiou]", text), text
        assert not re.search(r"\ban [^aeiou]", text), text


def test_plurals_and_numbers() -> None:
    said = wordings(one("mushroom", count=2))
    assert {"two mushrooms", "2 mushrooms", "a pair of mushrooms", "two toadstools"} <= said
    assert "half a dozen stars" in wordings(one("star", count=6))
    assert "a single cup" in wordings(one("cup"))


def test_some() -> None:
    assert wordings(one("star", count=MANY)) == {"some stars", "stars"}
    assert wordings(one("fish", count=MANY)) == {"some fish"}


def test_verbs_agree() -> None:
    assert all(text.startswith("There is ") for text in wordings(one("cat"), "there"))
    assert all(text.startswith("There are ") for text in wordings(one("cat", count=4), "there"))


def test_tags_trail() -> None:
    assert "cat, red, big" in wordings(one("cat", "red", None, "big"), "tags")


@pytest.mark.parametrize("style", STYLES)
def test_one_changed_fact_changes_its_words_only(style: str) -> None:
    for wording in range(60):
        red, blue = (
            put_into_words(
                Claims("sea", (GroupClaim("boat", colour, 2, "small"),), None), style, wording
            )
            for colour in ("red", "blue")
        )
        assert re.sub(r"\b(red|scarlet)\b", "X", red, flags=re.IGNORECASE) == re.sub(
            r"\b(blue|azure)\b", "X", blue, flags=re.IGNORECASE
        )


def test_sides() -> None:
    cat, cup = GroupClaim("cat", None, 1, None), GroupClaim("cup", None, 1, None)
    said = wordings(Claims(None, (cat, cup), "left of"), "alt, sides")
    assert "a cat on the left and a cup on the right" in said
    beside = wordings(Claims(None, (cat, cup), "next to"), "alt, sides")
    assert "a cat next to a cup" in beside
