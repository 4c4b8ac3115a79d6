"""A block of rows whose captions slipped by one: found as one thing, with range and direction.

Row by row the evidence is weak where captions are alike; along a block it adds up. Each row votes
by how much better its caption fits the image of the row beside it, and the stretch with the
largest sum of votes is the block.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pairsift.curation.embedded import FEWEST_ROWS, EmbeddedPairs, IntArray, Levels
from pairsift.protocols import FloatArray

LEAST_VOTES = 3.0
"""A shorter stretch is better told as swaps: two neighbours in each other's place give one vote."""

DECOY_OFFSETS = (2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 17, 19)
"""Slips that nobody makes: what they vote for is chance, in this table's own order."""

DRIFT = 0.1
"""Taken off each vote, so that chance cannot add up along a block of rows that fit nothing: sums
then fall back within tens of rows. Small, so that rows with equal neighbours (five captions an
image) hardly count against a block: one clear row in five still carries it."""

DECOY_FACTOR = 1.5
"""How far a stretch must exceed the longest of the 24 decoys."""


@dataclass(frozen=True)
class Shift:
    """Captions of a block of rows that belong to the row after or before.

    Args:
        file: Ordinal of the input file.
        first_row: First row of the block, whose image or caption is touched.
        last_row: Last row of the block.
        direction: +1 where the caption in row k belongs to the image of row k + 1, else -1.
        similarity_now: Mean cosine of the block's captions with the images beside them now.
        similarity_proposed: Likewise with the images that they belong to.
        num_rows: Rows that bear witness; rows that failed do not.
        wraps: The caption at the open end belongs to the image at the other end; otherwise that
            image's own caption is not in the block.
        votes: The evidence: 1 for each row that is as clear as can be.
        chance: The most votes that any other slip got.
    """

    file: int
    first_row: int
    last_row: int
    direction: int
    similarity_now: float
    similarity_proposed: float
    num_rows: int
    wraps: bool
    votes: float
    chance: float


def find_shifts(pairs: EmbeddedPairs, levels: Levels) -> list[Shift]:
    """Find blocks of rows whose captions slipped by one.

    Args:
        pairs: In order of file and row.
        levels: Of these pairs.

    Returns:
        The blocks, in order of file and row.
    """
    if len(pairs) < FEWEST_ROWS:
        return []
    now = pairs.similarities
    decoys = [
        max((score for _, _, score in _stretches(pairs, now, offset, levels)), default=0.0)
        for distance in DECOY_OFFSETS
        for offset in (-distance, distance)
    ]
    chance = max(decoys)
    least = max(LEAST_VOTES, DECOY_FACTOR * chance)
    found = [
        _describe(pairs, now, direction, (begin, end, votes), levels=levels, chance=chance)
        for direction in (1, -1)
        for begin, end, votes in _stretches(pairs, now, direction, levels)
        if votes >= least
    ]
    return sorted(found, key=lambda shift: (shift.file, shift.first_row))


def partners(pairs: EmbeddedPairs, offset: int) -> IntArray:
    """Return where the row that many rows further on stands among the pairs.

    Args:
        pairs: In order of file and row.
        offset: In rows of the table.

    Returns:
        Places, shape (N,), int64; -1 where that row is in another file, failed, or is not there.
    """
    span = int(pairs.rows.max(initial=0)) + abs(offset) + 1
    keys = pairs.files * (2 * span) + pairs.rows
    wanted = keys + offset
    places = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    is_there = (keys[places] == wanted) & (pairs.rows + offset >= 0)
    return np.where(is_there, places, -1)


def best_stretches(votes: Sequence[float] | FloatArray) -> list[tuple[int, int, float]]:
    """Return every stretch whose sum cannot be made larger by moving its ends.

    Args:
        votes: One number a row, shape (N,); negative ones speak against.

    Returns:
        (first, after the last, sum) of each, disjoint, in order, all sums above 0.

    Source:
        Ruzzo and Tompa 1999, "A linear time algorithm for finding all maximal scoring
        subsequences", section 2.

    Example:
        >>> best_stretches([1, -3, 2, -1, 2, -9, 4])
        [(0, 1, 1.0), (2, 5, 3.0), (6, 7, 4.0)]
    """
    numbers = np.asarray(votes, dtype=np.float64)
    totals = np.cumsum(numbers)
    # Each: begin, end, sum of all votes before it, sum up to its end, and the last one below it on
    # the stack with a lesser sum before it, -1 where there is none.
    stack: list[tuple[int, int, float, float, int]] = []
    # Only who votes for it can begin or end a stretch: in a table of a million few rows do.
    for at in np.flatnonzero(numbers > 0.0).tolist():
        begin, end = at, at + 1
        left, right = float(totals[at - 1]) if at else 0.0, float(totals[at])
        place = len(stack) - 1
        while place >= 0:
            earlier, _, before, until, lesser = stack[place]
            if before < left:
                if until >= right:
                    break
                begin, left = earlier, before
                del stack[place:]
            place = lesser
        stack.append((begin, end, left, right, place))
    return [(begin, end, right - left) for begin, end, left, right, _ in stack]


def _stretches(
    pairs: EmbeddedPairs, now: FloatArray, offset: int, levels: Levels
) -> list[tuple[int, int, float]]:
    found = []
    votes = _votes(pairs, now, offset, levels)
    # Files are told apart: a slip does not run from one into the next.
    for file in np.unique(pairs.files):
        first, after = np.searchsorted(pairs.files, [file, file + 1])
        part = votes[first:after]
        found += [(first + b, first + e, score) for b, e, score in best_stretches(part)]
    return found


def _votes(pairs: EmbeddedPairs, now: FloatArray, offset: int, levels: Levels) -> FloatArray:
    """Return how much better each caption fits the image ``offset`` rows on, within [-1.1, 0.9].

    One vote is the whole way from a mismatched pair to a right one, so that no single row
    outweighs the others. A row whose partner is missing does not vote.
    """
    other = partners(pairs, offset)
    there = other >= 0
    votes = np.zeros(len(pairs), dtype=np.float32)
    # In pieces: the gathered images are as large as the table.
    for places in np.array_split(np.flatnonzero(there), max(1, len(pairs) // 50_000)):
        moved = np.einsum("nd,nd->n", pairs.images[other[places]], pairs.captions[places])
        votes[places] = np.clip((moved - now[places]) / levels.gap, -1.0, 1.0) - DRIFT
    return votes


def _describe(
    pairs: EmbeddedPairs,
    now: FloatArray,
    direction: int,
    stretch: tuple[int, int, float],
    *,
    levels: Levels,
    chance: float,
) -> Shift:
    begin, end, votes = stretch
    other = partners(pairs, direction)[begin:end]
    here = np.arange(begin, end)[other >= 0]
    there = other[other >= 0]
    first = int(min(pairs.rows[begin], pairs.rows[begin] + direction))
    last = int(max(pairs.rows[end - 1], pairs.rows[end - 1] + direction))
    moved = np.einsum("nd,nd->n", pairs.images[there], pairs.captions[here])
    return Shift(
        file=int(pairs.files[begin]),
        first_row=first,
        last_row=last,
        direction=direction,
        similarity_now=float(now[here].mean()),
        similarity_proposed=float(moved.mean()),
        num_rows=len(here),
        wraps=_wraps(pairs, now, (int(pairs.files[begin]), first, last), direction, levels),
        votes=votes,
        chance=chance,
    )


def _wraps(
    pairs: EmbeddedPairs,
    now: FloatArray,
    block: tuple[int, int, int],
    direction: int,
    levels: Levels,
) -> bool:
    """Say whether the caption left over at one end fits the image left over at the other."""
    file, first, last = block
    image_row, caption_row = (first, last) if direction > 0 else (last, first)
    image = np.flatnonzero((pairs.files == file) & (pairs.rows == image_row))
    caption = np.flatnonzero((pairs.files == file) & (pairs.rows == caption_row))
    if not len(image) or not len(caption):
        return False
    moved = float(pairs.images[image[0]] @ pairs.captions[caption[0]])
    return moved - float(now[caption[0]]) > levels.gap / 2
