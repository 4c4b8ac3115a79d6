"""The demo: draw pairs, plant mistakes, score, and see whether the scores find them."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pairsift.api import score_file
from pairsift.config import ScoreConfig
from pairsift.errors import OutputExistsError
from pairsift.progress import show_progress
from pairsift.statuses import RowStatus
from pairsift.storybook.contact_sheet import contact_sheet
from pairsift.storybook.writing import StorybookSet, write_storybook
from pairsift.summary import print_summary, printable

NUM_PAIRS = 300
FAULTS = "swap=0.04,word=0.02,boilerplate=0.01,broken-image=0.02"
"""Enough of each to be found among 300, few enough that most pairs are right."""

NUM_WORST = 10
SHEET_COLUMNS = 6
SHEET_ROWS = 2  # of best pairs, and again of worst pairs
MARKER = ".pairsift-demo"


@dataclass(frozen=True)
class ScoredPair:
    """A row of the scored table beside what was planted in it.

    Args:
        row: Ordinal in the table, from 0.
        image: Path of the picture below the demo's folder.
        caption: As it stands in the table.
        similarity: Of the row, or None where it failed.
        status: What became of the row.
        fault: What was planted, or an empty string.
    """

    row: int
    image: str
    caption: str
    similarity: float | None
    status: RowStatus
    fault: str


def run_demo(folder: Path, *, config: ScoreConfig, console: Console, seed: int) -> list[ScoredPair]:
    """Draw, score and show pairs.

    Args:
        folder: A new or empty folder, or that of an earlier demo, which is replaced.
        config: With which model, and how it runs.
        console: Where the story is told.
        seed: Which pairs are drawn.

    Returns:
        Every pair with its score and its truth.

    Raises:
        OutputExistsError: The folder holds something that is not a demo.
    """
    drawn = _draw(folder, seed)
    planted = ", ".join(f"{count} {name}" for name, count in drawn.num_faults.items())
    console.print(
        Text.assemble(
            f"Drew {drawn.num_pairs} pictures with captions into ",
            (str(folder), "bold"),
            f",\nand planted mistakes: {planted}.",
        ),
        soft_wrap=True,
    )
    output = folder / "scored.csv"
    config = replace(config, output=replace(config.output, overwrite=True))
    with show_progress(console) as on_progress:
        summary = score_file(drawn.table, output, config=config, on_progress=on_progress)
    print_summary(summary, console)
    pairs = read_pairs(output, drawn.truth)
    ranked = rank_pairs(pairs)
    _print_worst(ranked[:NUM_WORST], console)
    _print_found(pairs, ranked, console)
    sheet = folder / "contact-sheet.png"
    draw_sheet(folder, ranked).save(sheet)
    _print_next(folder, sheet, console)
    return pairs


def _draw(folder: Path, seed: int) -> StorybookSet:
    # A storybook set that somebody drew on purpose looks the same, so the demo marks its own.
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARKER).exists():
        message = f"{folder} holds something that is no demo; name another folder"
        raise OutputExistsError(message)
    drawn = write_storybook(
        folder, num_pairs=NUM_PAIRS, seed=seed, faults=FAULTS, image_format="png", overwrite=True
    )
    (folder / MARKER).touch()
    return drawn


def read_pairs(scored: Path, truth: Path) -> list[ScoredPair]:
    """Read the scored table and lay the truth beside it.

    Args:
        scored: A scored storybook table in CSV.
        truth: Its ``truth.csv``, row for row.

    Returns:
        One pair a row, in order.
    """
    with (
        scored.open(encoding="utf-8", errors="replace", newline="") as table,
        truth.open(encoding="utf-8", newline="") as facts,
    ):
        rows = csv.reader(table)
        next(rows)
        return [
            ScoredPair(
                row=row,
                image=cells[0],
                caption=cells[1],
                # The added cells are the last three, also in a row with too many cells.
                similarity=float(cells[-3]) if cells[-3] else None,
                status=RowStatus(cells[-2]),
                fault=fact["fault"],
            )
            for row, (cells, fact) in enumerate(zip(rows, csv.DictReader(facts), strict=True))
        ]


def rank_pairs(pairs: Sequence[ScoredPair]) -> list[ScoredPair]:
    """Return the scored pairs, the worst first; ties in table order."""
    scored = [pair for pair in pairs if pair.similarity is not None]
    return sorted(scored, key=lambda pair: (pair.similarity, pair.row))


def draw_sheet(folder: Path, ranked: Sequence[ScoredPair]) -> Image.Image:
    """Return a picture of the best pairs above the worst ones.

    Args:
        folder: Where the pictures' paths start.
        ranked: Scored pairs, the worst first.
    """
    num_cards = min(SHEET_COLUMNS * SHEET_ROWS, len(ranked) // 2)
    values = [pair.similarity for pair in ranked if pair.similarity is not None]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    high = max(high, low + 1e-6)
    sheets = []
    for title, pairs in (
        ("Best pairs", ranked[::-1][:num_cards]),
        ("Worst pairs", ranked[:num_cards]),
    ):
        items = [(_open(folder / pair.image), pair.caption, pair.similarity) for pair in pairs]
        sheets.append(contact_sheet(items, SHEET_COLUMNS, title=title, low=low, high=high))
    page = Image.new("RGB", (sheets[0].width, sum(sheet.height for sheet in sheets)))
    page.paste(sheets[0], (0, 0))
    page.paste(sheets[1], (0, sheets[0].height))
    return page


def _open(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def _print_worst(worst: Sequence[ScoredPair], console: Console) -> None:
    table = Table(box=None, pad_edge=False, header_style="dim", width=78, padding=(0, 1))
    table.add_column("similarity", justify="right", no_wrap=True)
    table.add_column("row", justify="right", no_wrap=True)
    table.add_column("caption", overflow="fold", ratio=1)
    table.add_column("planted", no_wrap=True)
    for pair in worst:
        planted = Text(pair.fault, style="red") if pair.fault else Text("-", style="dim")
        caption = Text(printable(pair.caption))
        table.add_row(f"{pair.similarity:.3f}", str(pair.row + 1), caption, planted)
    console.print(Text(f"\nThe {len(worst)} worst pairs", style="bold"))
    console.print(table)


def _print_found(
    pairs: Sequence[ScoredPair], ranked: Sequence[ScoredPair], console: Console
) -> None:
    """Say how many of the planted mistakes the scores and the statuses show."""
    num_worst = min(NUM_WORST, len(ranked))
    among = sum(1 for pair in ranked[:num_worst] if pair.fault)
    console.print(f"\n{among} of these {num_worst} were planted. By sort of mistake:\n")
    table = Table.grid(padding=(0, 2))
    lowest = {pair.row for pair in ranked[: len(ranked) // 10]}
    for name in dict.fromkeys(pair.fault for pair in pairs if pair.fault):
        rows = [pair for pair in pairs if pair.fault == name]
        failed = sum(1 for pair in rows if pair.similarity is None)
        low = sum(1 for pair in rows if pair.row in lowest)
        told = [f"{low} of {len(rows)} in the lowest tenth"] if low or not failed else []
        told += [f"{failed} of {len(rows)} with a status that says why"] if failed else []
        table.add_row(Text(f"  {name}", style="red"), ", ".join(told))
    console.print(table)


def _print_next(folder: Path, sheet: Path, console: Console) -> None:
    console.print(
        Text.assemble(
            "\nLook at ",
            (str(sheet), "bold"),
            " and ",
            (str(folder / "scored.csv"), "bold"),
            f"; the truth is in {folder / 'truth.csv'}.\n\n",
            "Next, your own table; the default model is fetched once:\n\n",
            ("  pairsift score pairs.csv -o scored.csv\n", "bold"),
        ),
        soft_wrap=True,
    )
