"""The section of wrong pairs: swapped, shifted and empty captions, each with its evidence."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pairsift.curation.embedded import EmbeddedPairs
from pairsift.curation.mismatches import find_mismatches
from pairsift.curation.rows import read_cells
from pairsift.errors import PairsiftError
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
from pairsift.report.markup import Content, Markup, element, join, shorten
from pairsift.report.material import Material
from pairsift.report.pictures import ShownPair

ID = "mismatches"
TITLE = "Wrong pairs"

MAX_ROWS = 20_000
"""Rows up to which wrong pairs are searched for a report: half a minute on one processor."""

MEANINGS = {
    "shift": "a block of captions stands one row too high or too low",
    "swap": "two rows have each other's caption",
    "boilerplate": "one caption on many unlike pictures",
    "suspect": "the caption fits the picture of another row clearly better",
}
MOST = {"shift": 4, "swap": 6, "boilerplate": 3, "suspect": 4}
"""Findings of a kind that are shown."""

MOST_TEXTS = 8
MAX_TEXT_LETTERS = 120
PICTURES_OF_A_BLOCK = 5

Line = Mapping[str, Any]


@dataclass(frozen=True)
class WrongPairs:
    """What was found, and what of it is shown.

    Args:
        findings: Lines of ``mismatches.FINDINGS_SCHEMA`` by finding.
        places: Of rows in the run, by file and row.
        problem: Why nothing was searched, or None.
    """

    findings: Sequence[Sequence[Line]] = ()
    places: Mapping[tuple[int, int], int] = field(default_factory=dict)
    problem: str | None = None

    @property
    def shown(self) -> dict[str, list[Sequence[Line]]]:
        """The findings that are shown, by kind; captions that are no captions under their shape."""
        by_kind: dict[str, list[Sequence[Line]]] = defaultdict(list)
        for lines in self.findings:
            kind = str(lines[0]["kind"])
            if len(by_kind[kind]) < MOST.get(kind, MOST_TEXTS):
                by_kind[kind].append(lines)
        return by_kind


def choose_wrong_pairs(material: Material) -> WrongPairs:
    """Search for wrong pairs.

    Args:
        material: Of the run.
    """
    shards = []
    num_pairs = 0
    for shard in material.run.embeddings():
        num_pairs += len(shard.rows)
        if num_pairs > MAX_ROWS:
            return WrongPairs(
                problem=f"More than {MAX_ROWS:,} rows: run pairsift mismatches, which takes longer."
            )
        shards.append(shard)
    if not shards:
        return WrongPairs(problem="No embeddings to search with: score with --embeddings all.")
    files = np.concatenate([np.full(len(s.rows), s.file, dtype=np.int64) for s in shards])
    ordinals = np.concatenate([shard.rows for shard in shards])
    places = material.rows.places(files.astype(np.int32), ordinals)
    try:
        texts = read_cells(material.run, material.rows, places, material.run.info["caption_column"])
    except (PairsiftError, OSError, KeyError, ValueError) as error:
        return WrongPairs(problem=f"The captions cannot be read: {error}")
    pairs = EmbeddedPairs(
        files,
        ordinals,
        np.concatenate([shard.images for shard in shards]),
        np.concatenate([shard.captions for shard in shards]),
        tuple(texts),
    )
    grouped: dict[int, list[Line]] = defaultdict(list)
    for line in find_mismatches(pairs).to_arrow().to_pylist():
        grouped[line["finding"]].append(line)
    return _with_places(material, list(grouped.values()))


def _with_places(material: Material, findings: list[list[Line]]) -> WrongPairs:
    found = WrongPairs(findings)
    groups = [lines for group in found.shown.values() for lines in group]
    wanted = sorted({identity for lines in groups for identity in _needs(lines)})
    if not wanted:
        return found
    files = np.array([file for file, _ in wanted], dtype=np.int32)
    rows = np.array([row for _, row in wanted], dtype=np.int64)
    places = material.rows.places(files, rows).tolist()
    return WrongPairs(findings, dict(zip(wanted, places, strict=True)))


def _needs(lines: Sequence[Line]) -> list[tuple[int, int]]:
    kind = lines[0]["kind"]
    if kind == "boilerplate":
        return [_own(line) for line in lines[:PICTURES_OF_A_BLOCK]]
    if kind not in MEANINGS:
        return []
    if kind == "shift":
        lines = [_middle(lines)]
    return [identity for line in lines for identity in (_own(line), _partner(line)) if identity]


def _own(line: Line) -> tuple[int, int]:
    return int(line["file"]), int(line["row"])


def _partner(line: Line) -> tuple[int, int]:
    return int(line["partner_file"]), int(line["partner_row"])


def _middle(lines: Sequence[Line]) -> Line:
    whole = [line for line in lines if line["partner_row"] is not None]
    return whole[len(whole) // 2]


def wrong_pairs_section(found: WrongPairs, shown: Mapping[int, ShownPair]) -> Section:
    """Return the section.

    Args:
        found: As chosen.
        shown: Every place of ``found``.
    """
    if found.problem is not None:
        return missing(ID, TITLE, found.problem)
    if not found.findings:
        return missing(ID, TITLE, "None found: every caption fits its own picture best.")
    pairs = {identity: shown[place] for identity, place in found.places.items()}
    parts: list[Content] = [_table(found)]
    for kind, group in found.shown.items():
        parts.append(element("h3", _heading(kind)))
        if kind == "boilerplate":
            parts += [_boilerplate(lines, pairs) for lines in group]
        elif kind in MEANINGS:
            items = [_duo(kind, lines, pairs) for lines in group]
            parts.append(element("ul", items, class_="duos"))
        else:
            parts.append(_texts(group))
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
    line = _middle(lines) if kind == "shift" else lines[0]
    left, right = pairs[_own(line)], pairs[_partner(line)]
    proposed = {_partner(each): each for each in lines if each["partner_row"] is not None}
    back = proposed.get(_own(line)) if kind == "swap" else None
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
    return f"Captions of rows {first + 1:,} to {last + 1:,} belong to the row {way}"


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
    few = [pairs[_own(line)] for line in lines[:PICTURES_OF_A_BLOCK]]
    words = f"On {counted(len(lines), 'picture')}: "
    return join(element("p", words, caption_of(few[0])), cards(few))


def _texts(group: Sequence[Sequence[Line]]) -> Markup:
    return element(
        "ul",
        [
            element(
                "li",
                f"row {int(lines[0]['row']) + 1:,}: ",
                element("bdi", shorten(str(lines[0]["detail"]), most=MAX_TEXT_LETTERS)[0]),
            )
            for lines in group
        ],
    )


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
