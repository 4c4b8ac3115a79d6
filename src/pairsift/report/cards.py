"""The parts that a report's sections are built of: sections, tables, facts and cards of pairs."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pairsift.report.markup import Content, Markup, caption_text, element, join, shorten
from pairsift.report.pictures import ShownPair

MAX_ALT_LETTERS = 200


@dataclass(frozen=True)
class Section:
    """One section of the page.

    Args:
        id: Its anchor.
        title: Its heading.
        body: What stands below.
        findings: What a reader in a hurry should know of it, a sentence each.
    """

    id: str
    title: str
    body: Markup
    findings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Args:
        heading: Its name.
        is_number: Aligned to the right, with figures of one width.
    """

    heading: str
    is_number: bool = False


def missing(id_: str, title: str, words: Content) -> Section:
    """Return a section that has nothing to show and says in one line why, and how to get it."""
    return Section(id_, title, element("p", words, class_="missing"))


def table(
    caption: str,
    columns: Sequence[Column],
    rows: Iterable[Sequence[Content]],
    *,
    is_stacked: bool = False,
) -> Markup:
    """Return a table that scrolls by itself where it is too wide.

    Args:
        caption: What it shows; read before the table, and seen above it.
        columns: In order.
        rows: A cell a column; the first cell heads its row.
        is_stacked: On narrow pages the last cell of a row goes below the others.
    """
    head = [
        element("th", column.heading, scope="col", class_="number" if column.is_number else None)
        for column in columns
    ]
    body = []
    for row in rows:
        cells = [
            element(
                "td" if index else "th",
                cell,
                scope=None if index else "row",
                class_="number" if column.is_number else None,
            )
            for index, (column, cell) in enumerate(zip(columns, row, strict=True))
        ]
        body.append(element("tr", cells))
    content = element(
        "table",
        element("caption", element("span", caption)),
        element("thead", element("tr", head)),
        element("tbody", body),
        class_="stacked" if is_stacked else None,
    )
    # It can be scrolled, so it must be reachable by keyboard, and then it needs a name.
    return element("div", content, class_="scroll", role="region", aria_label=caption, tabindex=0)


def facts(pairs: Iterable[tuple[str, Content]]) -> Markup:
    """Return a list of names and values."""
    return element(
        "dl",
        [element("div", element("dt", name), element("dd", value)) for name, value in pairs],
        class_="facts",
    )


def notes(sentences: Iterable[str]) -> Markup:
    """Return sentences, a paragraph each."""
    return join([element("p", sentence) for sentence in sentences])


def card(pair: ShownPair, *, note: Content = None) -> Markup:
    """Return a pair with its picture, similarity, caption and row.

    Args:
        pair: What to show.
        note: One more line below.
    """
    return element(
        "li",
        element(
            "figure",
            picture(pair),
            element(
                "figcaption",
                element("span", number(pair.similarity), class_="score"),
                element("span", caption_of(pair), class_="caption"),
                element("span", where(pair), class_="where"),
                element("span", note, class_="note") if note else None,
            ),
        ),
        class_="card",
    )


def cards(pairs: Iterable[ShownPair], *, notes: Mapping[int, str] | None = None) -> Markup:
    """Return pairs side by side.

    Args:
        pairs: In order.
        notes: One more line, by the pair's place.
    """
    notes = notes or {}
    items = [card(pair, note=notes.get(pair.place)) for pair in pairs]
    return element("ul", items, class_="cards")


def picture(pair: ShownPair) -> Markup:
    """Return a pair's thumbnail, or what stands in its place."""
    if pair.thumbnail is None:
        words = pair.problem or "no thumbnail"
        return element("div", element("span", words), class_="picture none")
    alt = shorten(pair.caption or "", most=MAX_ALT_LETTERS)
    return element(
        "div",
        element(
            "img",
            src=pair.thumbnail.data_uri,
            width=pair.thumbnail.width,
            height=pair.thumbnail.height,
            alt=" ".join(filter(None, alt)) or "picture without a caption",
            decoding="async",
        ),
        element("span", pair.problem, class_="changed") if pair.problem else None,
        class_="picture",
    )


def caption_of(pair: ShownPair) -> Markup:
    """Return a pair's caption, or words where it has none."""
    if pair.caption is None:
        return element("i", "no caption")
    return caption_text(pair.caption) if pair.caption.strip() else element("i", "empty caption")


def where(pair: ShownPair) -> str:
    """Return which row it is; rows count from 1 for a reader, as in the closing summary."""
    row = f"row {pair.row + 1:,}"
    return row if pair.file is None else f"{row} of {shorten(pair.file, most=40)[0]}"


def number(value: float, *, decimals: int = 3) -> str:
    """Return a similarity as it is shown.

    Example:
        >>> number(0.28125), number(12.34567), number(float("nan"))
        ('0.281', '12.346', 'no score')
    """
    if not math.isfinite(value):
        return "no score"
    return f"{value:.{decimals}f}".replace("-", "\N{MINUS SIGN}")


def percent(share: float) -> str:
    """Return a share in per cent, with as many digits as tell it from none and from all.

    Example:
        >>> percent(0.304), percent(0.0123), percent(0.00004), percent(0.0)
        ('30 %', '1.2 %', '0.004 %', '0 %')
    """
    value = 100 * share
    if share in (0, 1):
        return f"{value:.0f} %"
    decimals = 0 if 10 <= value <= 90 else 1
    while decimals < 4 and float(f"{value:.{decimals}f}") in (0.0, 100.0):
        decimals += 1
    return f"{value:.{decimals}f} %"


def counted(count: int, noun: str) -> str:
    """Return a number with its noun.

    Example:
        >>> counted(1, "pair"), counted(2000, "pair")
        ('1 pair', '2,000 pairs')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
