"""The section of duplicates: rows with one picture side by side, and which of them would stay."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pairsift import schema
from pairsift.curation.duplicates import NEAR, group_duplicates
from pairsift.curation.kept import DUPLICATES, NUM_HASHED, KeptFindings, read_findings
from pairsift.curation.scored_tables import lacks, why_unknown
from pairsift.report.cards import Column, Section, cards, counted, missing, table
from pairsift.report.markup import Content, Markup, element, join
from pairsift.report.material import Material
from pairsift.report.pictures import ShownPair

ID = "duplicates"
TITLE = "Duplicates side by side"

MOST_GROUPS = 4
"""Groups of a kind that are shown, the largest first."""

MOST_OF_A_GROUP = 5

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

HEADINGS = {True: "Pictures that look the same", False: "Pictures with the same bytes"}
MEANINGS = {
    True: "encoded again, resized, cropped a little, brighter or darker",
    False: "several captions of one picture are of this kind as well",
}


@dataclass(frozen=True)
class Copies:
    """Rows that share a picture with another, groups together, the row that stays first.

    Args:
        group: Number of the group of each such row, ascending, shape (M,).
        places: Of the rows in the run, shape (M,).
        is_near: Whether its group has pictures of different bytes, shape (M,).
        source: Where they come from and what is missing, in words.
        problem: Why nothing could be compared, or None.
    """

    group: IntArray
    places: IntArray
    is_near: BoolArray
    source: str
    problem: str | None = None

    def shown(self, *, is_near: bool) -> list[IntArray]:
        """Return places of the groups of a kind that are shown, the largest group first."""
        group = self.group[self.is_near == is_near]
        places = self.places[self.is_near == is_near]
        numbers, starts, sizes = np.unique(group, return_index=True, return_counts=True)
        largest = np.lexsort((numbers, -sizes))[:MOST_GROUPS]
        return [places[starts[each] : starts[each] + sizes[each]] for each in largest]

    @property
    def wanted(self) -> list[int]:
        """Places of the rows that are shown."""
        groups = [*self.shown(is_near=True), *self.shown(is_near=False)]
        return [int(place) for group in groups for place in group[:MOST_OF_A_GROUP]]


def choose_copies(material: Material) -> Copies:
    """Return what ``pairsift duplicates`` found; where it was not run, pictures of equal bytes.

    Args:
        material: Of the run.
    """
    if lacks(material.run, schema.IMAGE_SHA256):
        words = f"Not known: {why_unknown(material.run, schema.IMAGE_SHA256)}."
        return _nothing(words)
    kept = read_findings(material.run, DUPLICATES)
    if kept is not None and kept.is_current:
        lines = kept.table
        places = material.rows.places(lines["file"].to_numpy(), lines["row"].to_numpy())
        is_near = np.asarray(pc.equal(lines["kind"], NEAR), dtype=bool)
        return _copies(lines["group"].to_numpy(), places, is_near, _source(kept))
    keys = material.image_keys
    if not (keys != b"").any():
        return _nothing("No picture could be read, so that none can be compared.")
    sha256 = pa.array([key or None for key in keys.astype(str).tolist()], pa.string())
    found = group_duplicates(sha256, material.rows.similarities.astype(np.float64))
    members = np.flatnonzero(found.group >= 0)
    order = members[np.lexsort((members, ~found.kept[members], found.group[members]))]
    return _copies(found.group[order], order, np.zeros(len(order), dtype=bool), _source(kept))


def _nothing(problem: str) -> Copies:
    none = np.zeros(0, dtype=np.int64)
    return Copies(none, none, np.zeros(0, dtype=bool), "", problem)


def _copies(group: IntArray, places: IntArray, is_near: BoolArray, source: str) -> Copies:
    """Call a group near where any of its rows is."""
    near_groups = np.zeros(int(group.max(initial=-1)) + 1, dtype=bool)
    near_groups[group[is_near]] = True
    return Copies(group, places, near_groups[group], source)


def _source(kept: KeptFindings | None) -> str:
    if kept is None:
        return (
            "Compared by their bytes. The command pairsift duplicates adds pictures that look "
            "the same."
        )
    if not kept.is_current:
        return (
            "Compared by their bytes: rows were scored after pairsift duplicates had searched. "
            "The command again adds pictures that look the same."
        )
    if NUM_HASHED not in kept.facts:
        return (
            "Compared by their bytes, as pairsift duplicates --exact-only found them. Without "
            "that option it adds pictures that look the same."
        )
    return (
        f"As pairsift duplicates found them; {counted(int(kept.facts[NUM_HASHED]), 'row')} could "
        "be compared by looks, the others by bytes."
    )


def copies_section(copies: Copies, shown: Mapping[int, ShownPair]) -> Section:
    """Return the section.

    Args:
        copies: As chosen.
        shown: Every place that is wanted.
    """
    if copies.problem is not None:
        return missing(ID, TITLE, copies.problem)
    if len(copies.group) == 0:
        return missing(ID, TITLE, f"None: every picture stands in one row. {copies.source}")
    parts: list[Content] = [element("p", copies.source, class_="aside"), _table(copies)]
    for is_near in (True, False):
        groups = copies.shown(is_near=is_near)
        if groups:
            items = [_group(group, shown, is_near=is_near) for group in groups]
            parts += [
                element("h3", HEADINGS[is_near]),
                element("ul", items, class_="copies"),
            ]
    num_groups = len(np.unique(copies.group))
    beside = len(copies.group) - num_groups
    words = (
        f"{counted(num_groups, 'picture')} {'stands' if num_groups == 1 else 'stand'} in more than "
        f"one row: {counted(beside, 'row')} beside the best of each."
    )
    return Section(ID, TITLE, join(*parts), (words,))


def _table(copies: Copies) -> Markup:
    columns = [
        Column("Kind"),
        *(Column(name, is_number=True) for name in ("Pictures", "Rows", "Extra")),
    ]
    cells: list[list[Content]] = []
    for is_near in (True, False):
        group = copies.group[copies.is_near == is_near]
        if len(group):
            num = len(np.unique(group))
            name: list[Content] = [HEADINGS[is_near], element("small", MEANINGS[is_near])]
            cells.append([name, f"{num:,}", f"{len(group):,}", f"{len(group) - num:,}"])
    return table(
        "Pictures that stand in more than one row; extra are the rows beside the best",
        columns,
        cells,
    )


def _group(places: IntArray, shown: Mapping[int, ShownPair], *, is_near: bool) -> Markup:
    few: Sequence[ShownPair] = [shown[int(place)] for place in places[:MOST_OF_A_GROUP]]
    words = f"{counted(len(places), 'row')} with {'a picture alike' if is_near else 'one picture'}"
    if len(places) > len(few):
        words += f", of which {len(few)} are shown"
    stays = {few[0].place: "stays: the best scored"}
    is_wide = len(few) > 2
    return element(
        "li", element("h4", words), cards(few, notes=stays), class_="many" if is_wide else None
    )
