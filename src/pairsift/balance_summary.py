"""What a person sees of how even a set is, and of a more even one drawn from it."""

from rich.console import Console
from rich.table import Table

from pairsift.curation.auditing import Balance
from pairsift.curation.balancing import Draw
from pairsift.summary import printable

_MISSED = 0.02


def print_balance(balance: Balance, console: Console, *, most: int = 20) -> None:
    """Print how even the rows are over the groups of a dimension."""
    console.print(f"\n balance over {printable(balance.dimension)}: ", style="bold", end="")
    if not balance.lines:
        console.print("no scored row has a group")
        return
    console.print(
        f"{len(balance.lines)} groups, as even as {balance.effective:.1f} alike in size; "
        f"{balance.effective_kept:.1f} among the kept rows\n",
        highlight=False,
    )
    table = Table(box=None, pad_edge=True, header_style="dim", padding=(0, 1, 0, 0))
    for heading in ("group", "rows", "share", "mean", "median"):
        table.add_column(heading, justify="left" if heading == "group" else "right")
    for line in balance.lines[:most]:
        numbers = f"{line.mean_similarity:.4f}", f"{line.median_similarity:.4f}"
        table.add_row(printable(line.name), f"{line.rows:,}", f"{line.share:.1%}", *numbers)
    console.print(table)


def print_draw(draw: Draw, console: Console, *, most: int = 30) -> None:
    """Print what is drawn of each category, what that leaves out, and what repeats mean."""
    before, after = draw.effective()
    if not any(line.rows for line in draw.lines):
        console.print(
            f"\n nothing to draw from: no scored row that {draw.choice.rule} keeps has a "
            f"{printable(draw.dimension.name)}",
            highlight=False,
        )
        return
    console.print(
        f"\n {draw.num_drawn:,} rows drawn over {printable(draw.dimension.name)}; as even as "
        f"{after:.1f} categories alike in size, before {before:.1f}\n",
        style="bold",
        highlight=False,
    )
    table = Table(box=None, pad_edge=True, header_style="dim", padding=(0, 1, 0, 0))
    for heading in ("category", "rows", "share", "target", "drawn", "share", "left out"):
        is_text = heading == "category"
        table.add_column(heading, justify="left" if is_text else "right", no_wrap=not is_text)
    for line in draw.lines[:most]:
        table.add_row(
            printable(line.name),
            f"{line.rows:,}",
            f"{line.share:.1%}",
            f"{line.target:.1%}",
            f"{line.drawn:,}",
            f"{line.drawn_share:.1%}",
            f"{line.rows - line.distinct:,}",
        )
    console.print(table)
    if len(draw.lines) > most:
        console.print(f" and {len(draw.lines) - most} more (--json shows all)", style="dim")
    if draw.num_without:
        console.print(f" {draw.num_without:,} rows have no category and are not drawn")
    empty = [line for line in draw.lines if line.target and not line.rows]
    if empty and not draw.size:
        console.print(
            f" no row is drawn: {printable(empty[0].name)} has none, so that no number meets the "
            "target exactly (hint: --size takes what there is)",
            highlight=False,
        )
    if draw.num_drawn < draw.size:
        console.print(
            f" {draw.size - draw.num_drawn:,} rows fewer than wanted: there are no more to take "
            "(hint: a smaller --size, or --max-repeats)",
            highlight=False,
        )
    missed = [x for x in draw.lines if abs(x.drawn_share - x.target) > _MISSED and draw.num_drawn]
    if missed:
        names = ", ".join(printable(line.name) for line in missed[:5])
        console.print(
            f" off their target by more than {_MISSED:.0%}: {names}"
            + (f" and {len(missed) - 5} more" if len(missed) > 5 else ""),
            highlight=False,
        )
    if draw.warning is not None:
        console.print(f" warning: {draw.warning}", style="yellow", highlight=False)
