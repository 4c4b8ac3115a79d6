"""The section of wrong pairs: swapped, shifted and empty captions, each with its evidence."""

from collections import Counter
from collections.abc import Mapping, Sequence

from pairsift.report.cards import (
    Column,
    Section,
    caption_of,
    cards,
    counted,
    missing,
    number,
    picture,
    table,
    where,
)
from pairsift.report.findings import (
    PICTURES_OF_A_BLOCK,
    Line,
    WrongPairs,
    middle_line,
    own,
    partner,
)
from pairsift.report.markup import Content, Markup, element, join, shorten
from pairsift.report.pictures import ShownPair

ID = "mismatches"
TITLE = "Wrong pairs"

MEANINGS = {
    "shift": "a block of captions stands one row too high or too low",
    "swap": "two rows have each other's caption",
    "boilerplate": "one caption on many unlike pictures",
    "suspect": "the caption fits the picture of another row clearly better",
}
MAX_TEXT_LETTERS = 120


def wrong_pairs_section(found: WrongPairs, shown: Mapping[int, ShownPair]) -> Section:
    """Return the section.

    Args:
        found: As chosen.
        shown: Every place of ``found``.
    """
    if found.problem is not None:
        return missing(ID, TITLE, found.problem)
    if not found.findings:
        return missing(ID, TITLE, f"None found. {found.source}")
    pairs = {identity: shown[place] for identity, place in found.places.items()}
    parts: list[Content] = [element("p", found.source, class_="aside"), _table(found)]
    for kind, group in found.shown.items():
        parts.append(element("h3", _heading(kind)))
        if kind == "boilerplate":
            parts += [_boilerplate(lines, pairs) for lines in group]
        elif kind in MEANINGS:
            items = [_duo(kind, lines, pairs) for lines in group]
            parts.append(element("ul", items, class_="duos"))
        else:
            parts.append(_texts(group, has_files=found.has_files))
    counts = Counter(str(lines[0]["kind"]) for lines in found.findings)
    words = ", ".join(counted(count, _noun(kind)) for kind, count in counts.items())
    return Section(ID, TITLE, join(*parts), (f"Wrong pairs: {words}.",))


def _table(found: WrongPairs) -> Markup:
    counts = Counter(str(lines[0]["kind"]) for lines in found.findings)
    rows: Counter[str] = Counter()
    for lines in found.findings:
        rows[str(lines[0]["kind"])] += len(lines)
    columns = [Column("Kind"), Column("Findings", is_number=True), Column("Rows", is_number=True)]
    cells: list[list[Content]] = [
        [
            [_heading(kind), element("small", MEANINGS.get(kind, "the caption is none"))],
            f"{count:,}",
            f"{rows[kind]:,}",
        ]
        for kind, count in counts.items()
    ]
    return table("What was found, the surest kind first", columns, cells)


def _duo(kind: str, lines: Sequence[Line], pairs: Mapping[tuple[int, int], ShownPair]) -> Markup:
    """Return two pictures side by side, each with its caption now and the proposed one."""
    line = middle_line(lines) if kind == "shift" else lines[0]
    left, right = pairs[own(line)], pairs[partner(line)]
    proposed = {partner(each): each for each in lines if each["partner_row"] is not None}
    back = proposed.get(own(line)) if kind == "swap" else None
    return element(
        "li",
        element("h4", _claim(kind, lines, left, right)),
        element(
            "div",
            _half(left) if back is None else _half(left, caption=right, line=back),
            _half(right, caption=left, line=line),
        ),
        class_="duo",
    )


def _claim(kind: str, lines: Sequence[Line], left: ShownPair, right: ShownPair) -> str:
    """Return in words what a finding says."""
    if kind == "suspect":
        return f"The caption of {where(left)} fits {where(right)} better"
    if kind == "swap":
        return f"{where(left)[0].upper()}{where(left)[1:]} and {where(right)} have changed captions"
    first, last = min(line["row"] for line in lines), max(line["row"] for line in lines)
    way = "below" if right.row > left.row else "above"
    of = "" if left.file is None else f" of {shorten(left.file, most=40)[0]}"
    return f"Captions of rows {first + 1:,} to {last + 1:,}{of} belong to the row {way}"


def _half(pair: ShownPair, *, caption: ShownPair | None = None, line: Line | None = None) -> Markup:
    words: list[Content] = [
        element("span", "now ", element("b", number(pair.similarity)), class_="label"),
        element("span", caption_of(pair), class_="caption"),
    ]
    if caption is not None and line is not None:
        words += [
            element(
                "span",
                "proposed ",
                element("b", number(line["similarity_proposed"])),
                class_="label proposed",
            ),
            element("span", caption_of(caption), class_="caption"),
        ]
    words.append(element("span", where(pair), class_="where"))
    return element("figure", picture(pair), element("figcaption", words))


def _boilerplate(lines: Sequence[Line], pairs: Mapping[tuple[int, int], ShownPair]) -> Markup:
    few = [pairs[own(line)] for line in lines[:PICTURES_OF_A_BLOCK]]
    words = f"On {counted(len(lines), 'picture')}: "
    return join(element("p", words, caption_of(few[0])), cards(few))


def _texts(group: Sequence[Sequence[Line]], *, has_files: bool) -> Markup:
    items = []
    for lines in group:
        file, row = own(lines[0])
        place = f"row {row + 1:,}" + (f" of input {file + 1:,}" if has_files else "")
        text = shorten(str(lines[0]["detail"]), most=MAX_TEXT_LETTERS)[0]
        items.append(element("li", f"{place}: ", element("bdi", text)))
    return element("ul", items)


def _heading(kind: str) -> str:
    names = {
        "shift": "Shifted blocks",
        "swap": "Swapped captions",
        "boilerplate": "Captions that say nothing",
        "suspect": "Captions that fit elsewhere",
    }
    return names.get(kind, f"Captions that are no captions: {kind.replace('_', ' ')}")


def _noun(kind: str) -> str:
    names = {
        "shift": "shifted block",
        "swap": "swap",
        "boilerplate": "empty phrase",
        "suspect": "misplaced caption",
    }
    return names.get(kind, f"caption of the kind {kind.replace('_', ' ')}")
