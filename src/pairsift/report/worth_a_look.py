"""The section of rows worth a look: scored, but of a kind that is often a mistake."""

from collections.abc import Mapping
from dataclasses import dataclass

from pairsift.curation.looking import (
    PIXELS_HINT,
    find_run_signs,
    lacks_pixels,
    unknown_signs,
)
from pairsift.curation.worth import NOUNS, PIXEL_SIGNS, SIGNS, Sign
from pairsift.report.cards import Column, Section, cards, counted, missing, percent, table
from pairsift.report.markup import Content, element, join
from pairsift.report.material import Material
from pairsift.report.pictures import ShownPair
from pairsift.report.selecting import CANDIDATES, distinct

ID = "worth-a-look"
TITLE = "Worth a look"
NUM_EXAMPLES = 5
NAMES = {
    "caption_truncated": "Caption cut",
    "image_small": "Small picture",
    "image_extreme_aspect": "Extreme shape",
    "image_blank": "Blank picture",
    "image_dark": "Dark picture",
    "image_blurred": "Blurred picture",
}
USUAL = 0.5
"""A sign that more rows than this show is how the set is; single rows of it tell nothing."""


@dataclass(frozen=True)
class ShownSign:
    """A sign with the rows that are shown for it.

    Args:
        sign: As counted.
        places: Of rows, no picture twice.
    """

    sign: Sign
    places: list[int]


def choose_signs(material: Material) -> list[ShownSign]:
    """Return every sign, also those that no row shows."""
    signs = find_run_signs(material.run, material.rows, num_examples=NUM_EXAMPLES * CANDIDATES)
    return [
        ShownSign(
            sign,
            distinct(sign.examples, material.image_keys, NUM_EXAMPLES)
            if sign.rate <= USUAL
            else [],
        )
        for sign in signs
    ]


def signs_section(
    material: Material, chosen: list[ShownSign], shown: Mapping[int, ShownPair]
) -> Section:
    """Return the section.

    Args:
        material: Of the run.
        chosen: As ``choose_signs`` gives them.
        shown: Every place of ``chosen``.
    """
    if material.num_scored == 0:
        return missing(ID, TITLE, "No row has a similarity.")
    lines: list[list[Content]] = [
        [
            [_name(entry.sign), element("small", SIGNS[entry.sign.name])],
            f"{entry.sign.rows:,}",
            percent(entry.sign.rate),
        ]
        for entry in chosen
    ]
    columns = [Column("Sign"), Column("Rows", is_number=True), Column("Rate", is_number=True)]
    parts = [
        element("p", "A sign is not a fault, and no row is dropped for one.", class_="aside"),
        table("Scored rows by sign; a row may show several", columns, lines),
    ]
    unknown = unknown_signs(material.run)
    if unknown:
        words = f"Not known here: {', '.join(NOUNS[sign] for sign in unknown)}."
        parts.append(element("p", words, class_="missing"))
    if lacks_pixels([entry.sign for entry in chosen]) and not set(PIXEL_SIGNS) <= set(unknown):
        hint = f"{PIXELS_HINT[0].upper()}{PIXELS_HINT[1:]}."
        parts.append(element("p", hint, class_="missing"))
    for entry in chosen:
        if entry.places:
            parts += [
                element("h3", _name(entry.sign)),
                cards(shown[place] for place in entry.places),
            ]
    findings = tuple(
        f"{counted(entry.sign.rows, 'scored pair')} ({percent(entry.sign.rate)}) with a "
        "similarity below 0."
        for entry in chosen
        if entry.sign.name == "negative_similarity" and entry.sign.rows
    )
    return Section(ID, TITLE, join(*parts), findings)


def _name(sign: Sign) -> str:
    return NAMES.get(sign.name, sign.name.replace("_", " ").capitalize())
