"""The section of pairs to look at: the best, the worst, and those at the cut."""

from collections.abc import Mapping
from dataclasses import dataclass

from pairsift.curation.thresholds import rows_at_cut
from pairsift.report.cards import Section, cards, missing, number
from pairsift.report.markup import element, join
from pairsift.report.material import Material
from pairsift.report.pictures import NOT_FETCHED, ShownPair
from pairsift.report.selecting import CANDIDATES, distinct, rank

ID = "pairs"
TITLE = "Pairs to look at"
NUM_ENDS = 10
NUM_AT_CUT = 5


@dataclass(frozen=True)
class Examples:
    """Places of the pairs that are shown.

    Args:
        best: The most similar first.
        worst: The least similar first.
        below: Just below the cut, the nearest first.
        above: Just above it or at it, the nearest first.
    """

    best: list[int]
    worst: list[int]
    below: list[int]
    above: list[int]

    @property
    def places(self) -> list[int]:
        """All of them."""
        return [*self.best, *self.worst, *self.below, *self.above]


def choose_examples(material: Material) -> Examples:
    """Return which pairs to show; of few rows each is shown once, as best or as worst."""
    keys, cut = material.image_keys, material.cut
    ranked = rank(material.rows.similarities)
    wide = NUM_ENDS * CANDIDATES
    half = (len(ranked) + 1) // 2
    worst = distinct(ranked[:half][:wide].tolist(), keys, NUM_ENDS)
    best = distinct(ranked[half:][::-1][:wide].tolist(), keys, NUM_ENDS)
    if cut is None or cut.num_kept == 0:
        return Examples(best, worst, [], [])
    above, below = rows_at_cut(material.rows.similarities, cut.keep, NUM_AT_CUT * CANDIDATES)
    return Examples(
        best,
        worst,
        distinct(below.tolist(), keys, NUM_AT_CUT),
        distinct(above.tolist(), keys, NUM_AT_CUT),
    )


def examples_section(
    material: Material, examples: Examples, shown: Mapping[int, ShownPair]
) -> Section:
    """Return the section.

    Args:
        material: Of the run.
        examples: As chosen.
        shown: Every place of ``examples``.
    """
    if not examples.places:
        return missing(ID, TITLE, "No row has a similarity, so there is no best and no worst.")
    parts = []
    if not material.config.no_thumbnails and not any(
        shown[place].thumbnail for place in examples.places
    ):
        words = "No picture can be read from here: was the table or its folder moved?"
        if all(shown[place].problem == NOT_FETCHED for place in examples.places):
            words = "The pictures lie at addresses, which are not fetched for a report."
        parts.append(element("p", words, class_="missing"))
    groups = [("The worst", examples.worst), ("The best", examples.best)]
    if material.cut is not None and examples.above:
        at = number(material.cut.similarity)
        groups[1:1] = [
            (f"Just below the cut at {at}", examples.below),
            ("Just above it", examples.above),
        ]
    for heading, places in groups:
        if places:
            parts += [element("h3", heading), cards(shown[place] for place in places)]
    return Section(ID, TITLE, join(*parts))
