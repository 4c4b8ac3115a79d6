"""Text from a table never becomes markup."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairsift.report.markup import Markup, caption_text, element, escape, join, shorten
from tests.report.reading import read_page


@given(st.text())
def test_any_text_comes_back_as_text(text: str) -> None:
    page = read_page(element("p", text, title=text).text)
    assert len(page.elements) == 1
    cleaned = read_page(f"<p>{escape(text)}</p>").elements[0].text
    assert page.elements[0].text == cleaned
    assert "<" not in escape(text)


@pytest.mark.parametrize("letter", ["\x00", "\x08", "\x1b", "\x7f", "\x9f", "\ud800", "\uffff"])
def test_controls_are_replaced(letter: str) -> None:
    assert escape(f"a{letter}b") == "a\ufffdb"


def test_white_space_and_emoji_stay() -> None:
    assert escape("a\tb\nc 🐈") == "a\tb\nc 🐈"


def test_attributes() -> None:
    made = element("a", class_="x", aria_label='"', tabindex=0, hidden=True, id=None, open=False)
    assert made.text == '<a class="x" aria-label="&quot;" tabindex="0" hidden></a>'


def test_only_markup_is_taken_as_it_is() -> None:
    assert join("<", Markup("<br>"), ["&", [None, 7]]).text == "&lt;<br>&amp;7"


def test_a_caption_is_isolated_and_cut() -> None:
    made = caption_text("\u202e" + "x" * 900, most=10)
    assert made.text.startswith('<bdi dir="auto">\u202exxxxxxxxx</bdi>')
    assert "(901 letters in all)" in made.text


def test_a_short_text_stays_whole() -> None:
    assert shorten("ten letter", most=10) == ("ten letter", "")
