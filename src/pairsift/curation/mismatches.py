"""Wrong pairs of a table, each with its evidence: what a row's caption is, or where it belongs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from pairsift.curation.boilerplate import Boilerplate, find_boilerplate
from pairsift.curation.caption_shapes import shape_of
from pairsift.curation.embedded import (
    FEWEST_ROWS,
    BoolArray,
    EmbeddedPairs,
    Levels,
    measure_levels,
)
from pairsift.curation.shifts import Shift, find_shifts
from pairsift.curation.suspects import Suspect, find_suspects
from pairsift.curation.swaps import Swap, find_swaps

FINDINGS_SCHEMA = pa.schema(
    [
        pa.field("finding", pa.int32()),  # rows of one finding share the number
        pa.field("kind", pa.string()),
        pa.field("file", pa.int32()),
        pa.field("row", pa.int64()),
        pa.field("partner_file", pa.int32()),  # whose image the caption belongs to or fits best
        pa.field("partner_row", pa.int64()),
        pa.field("similarity", pa.float32()),  # cosine as it stands
        pa.field("similarity_proposed", pa.float32()),  # with the partner's image
        pa.field("margin", pa.float32()),
        pa.field("detail", pa.string()),
    ]
)
"""One line a row of a finding, as in ``derived/mismatches.parquet`` of a run folder."""

_Line = dict[str, Any]


@dataclass(frozen=True)
class ShapedCaption:
    """A caption that is a URL, a file name or an identifier.

    Args:
        file: Ordinal of the input file.
        row: Ordinal of the row in it.
        shape: As ``shape_of`` says.
        text: The caption.
    """

    file: int
    row: int
    shape: str
    text: str


@dataclass(frozen=True)
class Mismatches:
    """All that was found; a row is in one finding at most.

    Args:
        pairs: What was searched; places in the findings are places in it.
        levels: What right and mismatched pairs look like; None with too few pairs to tell.
        shapes: Captions that are no captions.
        shifts: Blocks of rows.
        boilerplate: Captions that say nothing.
        swaps: Pairs of rows.
        suspects: Pairs whose caption fits elsewhere.
    """

    pairs: EmbeddedPairs
    levels: Levels | None
    shapes: list[ShapedCaption] = field(default_factory=list)
    shifts: list[Shift] = field(default_factory=list)
    boilerplate: list[Boilerplate] = field(default_factory=list)
    swaps: list[Swap] = field(default_factory=list)
    suspects: list[Suspect] = field(default_factory=list)

    def to_arrow(self) -> pa.Table:
        """Return the findings as lines of ``FINDINGS_SCHEMA``, the surest kind first."""
        lines: list[_Line] = []
        groups = [*self._shifts(), *self._swaps(), *self._captions(), *self._suspects()]
        for finding, group in enumerate(groups):
            lines += [{"finding": finding} | line for line in group]
        return pa.Table.from_pylist(lines, schema=FINDINGS_SCHEMA)

    def _line(self, kind: str, place: int, **more: object) -> _Line:
        return {
            "kind": kind,
            "file": int(self.pairs.files[place]),
            "row": int(self.pairs.rows[place]),
            **more,
        }

    def _to(self, other: int) -> _Line:
        files, rows = self.pairs.files, self.pairs.rows
        return {"partner_file": int(files[other]), "partner_row": int(rows[other])}

    def _shifts(self) -> Iterator[list[_Line]]:
        for shift in self.shifts:
            words = f"rows {shift.first_row} to {shift.last_row}, by {shift.direction:+d}"
            yield [
                {
                    "kind": "shift",
                    "file": shift.file,
                    "row": row,
                    "partner_file": None if partner is None else shift.file,
                    "partner_row": partner,
                    "similarity": shift.similarity_now,
                    "similarity_proposed": shift.similarity_proposed,
                    "margin": shift.similarity_proposed - shift.similarity_now,
                    "detail": words,
                }
                for row, partner in shift_partners(shift)
            ]

    def _swaps(self) -> Iterator[list[_Line]]:
        for swap in self.swaps:
            first = {"similarity": swap.now[0], "similarity_proposed": swap.proposed[1]}
            second = {"similarity": swap.now[1], "similarity_proposed": swap.proposed[0]}
            yield [
                self._line("swap", place, **self._to(other), **cosines, margin=swap.margin)
                for place, other, cosines in (
                    (swap.first, swap.second, first),
                    (swap.second, swap.first, second),
                )
            ]

    def _captions(self) -> Iterator[list[_Line]]:
        for item in self.boilerplate:
            words = f"{len(item.places)} pictures, mean rank {item.mean_rank:.2f}: {item.text}"
            yield [self._line("boilerplate", place, detail=words) for place in item.places]
        for shaped in self.shapes:
            line = {"kind": shaped.shape, "file": shaped.file, "row": shaped.row}
            yield [line | {"detail": shaped.text[:200]}]

    def _suspects(self) -> Iterator[list[_Line]]:
        for item in self.suspects:
            cosines = {"similarity": item.now, "similarity_proposed": item.proposed}
            yield [
                self._line(
                    "suspect", item.place, **self._to(item.other), **cosines, margin=item.margin
                )
            ]


def find_mismatches(
    pairs: EmbeddedPairs,
    *,
    captions: Sequence[tuple[int, int, str]] | None = None,
    seed: int = 0,
) -> Mismatches:
    """Find the wrong pairs of a table.

    Args:
        pairs: The pairs that have embeddings, in order of file and row.
        captions: File, row and caption of all rows, those without a score as well (default: of
            the pairs).
        seed: Of all that is drawn; the same seed finds the same.

    Returns:
        The findings. With fewer than ten pairs only captions are looked at, by their shape.
    """
    if captions is None:
        captions = list(zip(pairs.files.tolist(), pairs.rows.tolist(), pairs.texts, strict=True))
    shapes = [
        ShapedCaption(file, row, shape, text)
        for file, row, text in captions
        if (shape := shape_of(text)) is not None
    ]
    if len(pairs) < FEWEST_ROWS:
        return Mismatches(pairs, None, shapes)
    generator = np.random.default_rng(seed)
    levels = measure_levels(pairs, generator)
    shifts = find_shifts(pairs, levels)
    taken = _rows_taken(pairs, shapes, shifts)
    boilerplate = [
        item for item in find_boilerplate(pairs, generator) if not taken[list(item.places)].any()
    ]
    for item in boilerplate:
        taken[list(item.places)] = True
    swaps = find_swaps(pairs, levels, taken=taken, generator=generator)
    for swap in swaps:
        taken[[swap.first, swap.second]] = True
    suspects = find_suspects(pairs, levels, taken=taken)
    return Mismatches(pairs, levels, shapes, shifts, boilerplate, swaps, suspects)


def shift_partners(shift: Shift) -> list[tuple[int, int | None]]:
    """Return each row of a block with the row whose image its caption belongs to.

    Args:
        shift: The block.

    Returns:
        (row, partner) in row order; None for the caption at the open end, unless it wraps.
    """
    pairs: list[tuple[int, int | None]] = []
    for row in range(shift.first_row, shift.last_row + 1):
        partner: int | None = row + shift.direction
        if not shift.first_row <= row + shift.direction <= shift.last_row:
            partner = None
            if shift.wraps:
                partner = shift.first_row if shift.direction > 0 else shift.last_row
        pairs.append((row, partner))
    return pairs


def _rows_taken(
    pairs: EmbeddedPairs, shapes: Sequence[ShapedCaption], shifts: Sequence[Shift]
) -> BoolArray:
    taken = np.zeros(len(pairs), dtype=bool)
    for shift in shifts:
        is_inside = (pairs.rows >= shift.first_row) & (pairs.rows <= shift.last_row)
        taken |= is_inside & (pairs.files == shift.file)
    named = {(item.file, item.row) for item in shapes}
    if named:
        identities = zip(pairs.files.tolist(), pairs.rows.tolist(), strict=True)
        taken |= np.fromiter((each in named for each in identities), dtype=bool, count=len(pairs))
    return taken
