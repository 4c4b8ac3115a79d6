"""A comparison as a person reads it."""

from rich.console import Console
from rich.table import Table

from pairsift.comparing.job import Comparison

HEADINGS = ("", "pairs/s", "MB", "AUC", "95 %", "ranks", "kept", "front")


def print_comparison(found: Comparison, console: Console) -> None:
    """Print a line a candidate, what the columns mean, and the answer."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 1, 0, 0))
    for heading in HEADINGS:
        table.add_column(heading, no_wrap=True, justify="left" if not heading else "right")
    for one in sorted(found.figures, key=lambda one: one.pairs_per_second):
        low, high = one.auc_95
        table.add_row(
            one.name + (" *" if one.is_reference else ""),
            f"{one.pairs_per_second:,.0f}",
            f"{one.peak_bytes / 1e6:,.0f}",
            f"{one.auc:.4f}",
            f"{low:.4f} {high:.4f}",
            f"{one.spearman:.3f}",
            f"{one.kept_shared:.0%}",
            "yes" if one.is_on_front else "",
        )
    console.print(table)
    for name, why in found.left_out.items():
        console.print(f"{name} is left out: {why}", markup=False, highlight=False)
    unreadable = sum(found.failures.values())
    console.print(
        f"\n* the reference; {found.num_pairs:,} of {found.num_rows:,} pairs, seed {found.seed}"
        + (f", {unreadable} more could not be read" if unreadable else "")
        + "\nMB: peak memory of a process of its own; AUC: how often a true pair is more similar"
        "\nthan a mismatched one; ranks: Spearman with the reference; kept: of the rows that the"
        f"\nreference keeps under {found.rule}; front: none is both faster and better\n",
        markup=False,
        highlight=False,
        soft_wrap=True,
        style="dim",
    )
    for line in found.words:
        console.print(line, markup=False, highlight=False)
