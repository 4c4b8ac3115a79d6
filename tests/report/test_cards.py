"""Cards, tables and sections."""

import pytest

from pairsift.report.cards import Column, card, cards, counted, missing, number, percent, table
from pairsift.report.pictures import ShownPair, Thumbnail
from tests.report.reading import read_page

THUMBNAIL = Thumbnail("data:image/webp;base64,AA", 160, 90)


def pair(**changes: object) -> ShownPair:
    values = {"place": 0, "row": 4, "file": None, "similarity": 0.25, "caption": "a cat"}
    return ShownPair(**(values | {"thumbnail": THUMBNAIL} | changes))  # type: ignore[arg-type]


def test_a_card_tells_everything() -> None:
    page = read_page(card(pair(file="x.csv"), note="swapped").text)
    assert page.named("img")[0].attributes["alt"] == "a cat"
    assert [e.text for e in page.named("span", "bdi")] == [
        *("0.250", "", "a cat", "row 5 of x.csv", "swapped")
    ]


def test_a_card_without_its_picture_says_why() -> None:
    page = read_page(card(pair(thumbnail=None, problem="no such file")).text)
    assert page.named("img") == []
    assert "no such file" in page.text


@pytest.mark.parametrize(
    ("caption", "alt", "words"),
    [
        (None, "picture without a caption", "no caption"),
        (" ", " ", "empty caption"),
        ("x" * 900, "x" * 200 + " (900 letters in all)", "(900 letters in all)"),
    ],
)
def test_captions_that_are_not_as_usual(caption: str | None, alt: str, words: str) -> None:
    page = read_page(card(pair(caption=caption)).text)
    assert page.named("img")[0].attributes["alt"] == alt
    assert words in page.text


def test_notes_go_to_their_pair() -> None:
    page = read_page(cards([pair(), pair(place=7)], notes={7: "look"}).text)
    assert len(page.named("li")) == 2
    assert page.text.count("look") == 1


def test_a_table_has_a_name_and_headed_rows() -> None:
    made = table("What <it> is", [Column("a"), Column("b", is_number=True)], [["x", 1], ["y", 2]])
    page = read_page(made.text)
    region = page.elements[0].attributes
    assert (region["role"], region["tabindex"]) == ("region", "0")
    assert region["aria-label"] == "What <it> is"
    assert [e.attributes["scope"] for e in page.named("th")] == ["col", "col", "row", "row"]


def test_a_missing_section_is_one_line() -> None:
    section = missing("x", "Title", "No embeddings.")
    assert section.body.text == '<p class="missing">No embeddings.</p>'
    assert section.findings == ()


def test_numbers() -> None:
    assert number(-0.5) == "\N{MINUS SIGN}0.500"
    assert [percent(x) for x in (0, 0.999999, 0.9996, 1)] == [
        "0 %",
        "99.9999 %",
        "99.96 %",
        "100 %",
    ]
    assert counted(0, "row") == "0 rows"
