"""What a person sees of wrong pairs and of duplicates."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from rich.console import Console
from rich.text import Text

from pairsift.curation.embedded import FEWEST_ROWS
from pairsift.curation.mismatches import Mismatches
from pairsift.curation.searching import RunDuplicates
from pairsift.summary import printable

_CAPTION_WIDTH = 60


def print_mismatches(found: Mismatches, console: Console, *, most: int = 5) -> None:
    """Print the findings with their evidence, the clearest of each kind."""
    num = len(found.pairs)
    if found.levels is None:
        words = (
            "no pair has embeddings: nothing was scored, or they were not kept (hint: score "
            "with --embeddings all)"
        )
        if num:
            has = "pair has" if num == 1 else "pairs have"
            words = f"{num:,} {has} embeddings, fewer than the {FEWEST_ROWS} that a search needs"
        console.print(f"\n {words}; captions were looked at by their shape only", highlight=False)
        _print_shapes(found, console)
        return
    levels = found.levels
    console.print(
        f"\n {num:,} pairs; a usual one has cosine {levels.typical:.3f}, a mismatched one "
        f"{levels.null:.3f}\n",
        highlight=False,
    )
    _print_shifts(found, console)
    _print_kind(console, found, "pairs swapped their captions", found.swaps, _swap_words, most)
    _print_kind(
        console,
        found,
        "captions say nothing of their pictures",
        found.boilerplate,
        lambda _, item: f"{len(item.places):,} rows: {_short(item.text)}",
        most,
    )
    _print_shapes(found, console)
    _print_kind(
        console,
        found,
        "captions fit the picture of another row clearly better",
        found.suspects,
        _suspect_words,
        most,
    )


def _print_shapes(found: Mismatches, console: Console) -> None:
    for shape, count in Counter(item.shape for item in found.shapes).items():
        shaped = [item for item in found.shapes if item.shape == shape]
        examples = ", ".join(
            f"row {_row(item.file, item.row)}: {_short(item.text)}" for item in shaped[:3]
        )
        console.print(Text(f" {count:>9,}  captions are no captions but: {shape}"))
        console.print(Text(f"            {examples}"), style="dim")


def print_duplicates(found: RunDuplicates, console: Console, *, most: int = 5) -> None:
    """Print how many pictures stand more than once, and the largest groups."""
    groups, kinds = found.duplicates.group, Counter(found.duplicates.kind)
    dropped = int((~found.duplicates.kept).sum())
    console.print(
        f"\n {len(groups):,} rows, {found.num_hashed:,} of them compared by their looks\n",
        highlight=False,
    )
    console.print(
        f" {found.duplicates.num_groups:>9,}  groups of rows with one picture: "
        f"{kinds['exact']:,} rows with equal bytes, {kinds['near']:,} that look the same\n"
        f" {dropped:>9,}  rows beside the best one of their group",
        highlight=False,
    )
    sizes = Counter(groups[groups >= 0].tolist())
    for group, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0]))[:most]:
        members = np.flatnonzero(groups == group)[:8]
        places = zip(found.pictures.files[members], found.pictures.rows[members], strict=True)
        shown = ", ".join(_row(*place) for place in places) + (", …" if size > 8 else "")
        console.print(f"            {size:,} rows: {shown}", style="dim", highlight=False)


def _print_shifts(found: Mismatches, console: Console) -> None:
    console.print(f" {len(found.shifts):>9,}  blocks of captions slipped by a row", highlight=False)
    for shift in found.shifts:
        where = "after" if shift.direction > 0 else "before"
        block = f"{_row(0, shift.first_row)} to {_row(shift.file, shift.last_row)}"
        console.print(
            f"            rows {block}: each caption belongs to the row {where}; cosine "
            f"{shift.similarity_now:.3f} now, "
            f"{shift.similarity_proposed:.3f} there",
            style="dim",
            highlight=False,
        )


def _print_kind(
    console: Console,
    found: Mismatches,
    title: str,
    items: Iterable[Any],
    words: Callable[[Mismatches, Any], str],
    most: int,
) -> None:
    items = list(items)
    console.print(f" {len(items):>9,}  {title}", highlight=False)
    for item in items[:most]:
        console.print(Text(f"            {words(found, item)}"), style="dim")


def _swap_words(found: Mismatches, swap: Any) -> str:
    now = ", ".join(f"{value:.3f}" for value in swap.now)
    then = ", ".join(f"{value:.3f}" for value in swap.proposed)
    first, second = _row_of(found, swap.first), _row_of(found, swap.second)
    return f"rows {first} and {second}: {now} now, {then} exchanged"


def _suspect_words(found: Mismatches, suspect: Any) -> str:
    return (
        f"row {_row_of(found, suspect.place)}: {suspect.now:.3f} now, {suspect.proposed:.3f} with "
        f"row {_row_of(found, suspect.other)}: {_short(found.pairs.texts[suspect.place])}"
    )


def _row_of(found: Mismatches, place: int) -> str:
    return _row(found.pairs.files[place], found.pairs.rows[place])


def _row(file: int | np.integer[Any], row: int | np.integer[Any]) -> str:
    """Return a row as a reader counts it, from 1, as in the closing summary of a job."""
    return f"{row + 1:,}" + (f" of file {file + 1:,}" if file else "")


def _short(text: str) -> str:
    text = printable(" ".join(text.split()))
    return text if len(text) <= _CAPTION_WIDTH else text[: _CAPTION_WIDTH - 1] + "…"
