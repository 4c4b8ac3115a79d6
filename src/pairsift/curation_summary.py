"""What a person sees of a threshold, of an audit and of a curation."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pairsift.charts import draw_bar
from pairsift.curation.audit import SIGNIFICANT
from pairsift.curation.auditing import Audit
from pairsift.curation.balance import REPEATS_WARNING
from pairsift.curation.calibrating import Calibration
from pairsift.curation.choice import ASSUMPTIONS, Choice, ExamplePair
from pairsift.curation.curating import Curation
from pairsift.curation.declared import REASONS
from pairsift.curation.looking import PIXELS_HINT, lacks_pixels
from pairsift.curation.scales import RunContrast, Scales
from pairsift.curation.worth import NOUNS, PIXEL_SIGNS, SIGNS, Sign
from pairsift.summary import printable

_BAR_WIDTH = 24
_CAPTION_WIDTH = 60


def print_kept(choice: Choice, console: Console) -> None:
    """Print how many rows a rule keeps."""
    console.print(f"\n {choice.rule} by {choice.score}: ", end="", style="bold", highlight=False)
    share = choice.num_kept / choice.num_scored if choice.num_scored else 0.0
    console.print(
        f"keeps {choice.num_kept:,} of {choice.num_scored:,} scored rows ({share:.1%}); "
        f"{len(choice.rows) - choice.num_scored:,} rows have no score",
        highlight=False,
    )


def print_choice(choice: Choice, console: Console) -> None:
    """Print the curve, the cut, the pairs beside it, and what is known of wrong pairs."""
    print_kept(choice, console)
    if choice.num_scored == 0:
        console.print(" nothing was scored, so there is nothing to choose from")
        return
    _print_groups(choice, console)
    _print_curve(choice, console)
    _print_scales(choice.scales, choice.contrast, console)
    _print_examples("just above the cut", choice.above, console)
    _print_examples("just below the cut", choice.below, console)
    _print_references(choice, console)


def print_curation(curation: Curation, console: Console) -> None:
    """Print what each rule of a recipe drops, alone and where it stands, and what is left."""
    num_rows, num_kept = len(curation), len(curation.kept)
    share = num_kept / num_rows if num_rows else 0.0
    console.print(
        f"\n keeps {num_kept:,} of {num_rows:,} rows ({share:.1%})\n",
        style="bold",
        highlight=False,
    )
    table = Table(box=None, pad_edge=True, header_style="dim", padding=(0, 1, 0, 0))
    for heading in ("rule", "alone", "drops", "left"):
        is_text = heading == "rule"
        table.add_column(heading, justify="left" if is_text else "right", no_wrap=not is_text)
    for line in curation.verdict.funnel:
        numbers = f"{line.alone:,}", f"{line.dropped:,}", f"{line.left:,}"
        table.add_row(printable(line.rule), *numbers)
    console.print(table)
    counts = {reason: count for reason, count in curation.verdict.counts.items() if count}
    if counts:
        console.print("\n reasons; a row may have several", style="bold")
        table = Table(box=None, pad_edge=True, show_header=False, padding=(0, 1, 0, 0))
        table.add_column(justify="right")
        for reason, count in counts.items():
            meaning = REASONS.get(reason, "its condition is not met")
            table.add_row(f"{count:,}", reason, meaning)
        console.print(table)
    if curation.has_repeats:
        repeats = curation.verdict.repeats
        warning = REPEATS_WARNING.format(most=int(repeats.max()))
        console.print(f"\n {int(repeats.sum()):,} with repeats: {warning}", highlight=False)


def print_written(folder: Path, exports: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Print where a curation lies, what was exported, and what could not be."""
    console.print(f"\n written to {printable(str(folder))}", highlight=False)
    for item in exports:
        counts = {unit: item[unit] for unit in ("rows", "pairs", "uids") if unit in item}
        words = ", ".join(f"{count:,} {unit}" for unit, count in counts.items())
        if item.get("left_out"):
            words += f"; {item['left_out']:,} left out: curation.json names pictures and reasons"
        console.print(f"  {item['export']:<11}{words}", highlight=False)


def print_audit(audit: Audit, console: Console, *, most: int = 20) -> None:
    """Print the lines of an audit, those that are more than chance first."""
    lines = audit.lines
    if not lines:
        console.print("\n no groups to compare: too few rows, or all of one kind", highlight=False)
        return
    significant = sum(line.is_significant for line in lines)
    console.print(
        f"\n {significant} of {len(lines)} groups have a keep rate unlike the rest's "
        f"(Holm-corrected p up to {SIGNIFICANT:g})\n",
        highlight=False,
    )
    table = Table(box=None, pad_edge=True, header_style="dim", padding=(0, 1, 0, 0))
    for heading in ("", "group", "rows", "kept", "gap", "95 %", "p"):
        is_text = heading in ("", "group")
        table.add_column(
            heading, justify="left" if is_text else "right", no_wrap=not is_text, overflow="fold"
        )
    for line in lines[:most]:
        table.add_row(
            "*" if line.is_significant else "",
            printable(f"{line.dimension}: {line.group}"),
            f"{line.rows:,}",
            f"{line.rate:.1%}",
            f"{line.gap:+.1%}",
            f"{100 * line.gap_low:+.1f} to {100 * line.gap_high:+.1f}",
            "-" if line.p_value is None else f"{line.p_value:.2g}",
        )
    console.print(table)
    if len(lines) > most:
        console.print(f" and {len(lines) - most} more (--json shows all)", style="dim")
    if audit.num_languages is not None:
        words = f" languages are those of {audit.num_languages:,} captions chosen at random"
        console.print(words, style="dim", highlight=False)


def print_signs(signs: Sequence[Sign], console: Console, *, unknown: Sequence[str] = ()) -> None:
    """Print what is worth a look, with rates, and what of it cannot be told."""
    console.print("\n worth a look", style="bold")
    if not any(sign.looked_at for sign in signs):
        console.print("  nothing was scored, so there is nothing to look at")
        return
    for sign in signs:
        console.print(
            Text(f"  {sign.rate:7.2%}  {sign.rows:>9,}  {SIGNS[sign.name]}"), highlight=False
        )
    if unknown:
        words = ", ".join(NOUNS[sign] for sign in unknown)
        console.print(f"  not known here: {words}", style="dim", highlight=False)
    if lacks_pixels(list(signs)) and not set(PIXEL_SIGNS) <= set(unknown):
        console.print(f"  {PIXELS_HINT}", style="dim", highlight=False)


def print_calibration(found: Calibration, console: Console) -> None:
    """Print the pairs beside mismatched ones."""
    console.print(
        f"\n {int(found.rows.scored.sum()):,} of {len(found.rows):,} rows have a similarity",
        style="bold",
        highlight=False,
    )
    quantiles = found.quantiles()
    if not quantiles:
        console.print(" nothing was scored, so there is nothing to calibrate")
        return
    table = Table(box=None, pad_edge=True, header_style="dim", padding=(0, 1, 0, 0))
    for heading in ("below", "cosine of pairs", "of mismatched pairs"):
        table.add_column(heading, justify="right")
    for share, pair, other in quantiles:
        table.add_row(f"{share:.0%}", f"{pair:.4f}", "-" if other is None else f"{other:.4f}")
    console.print(table)
    _print_scales(found.scales, found.contrast, console)


def _print_groups(choice: Choice, console: Console, *, most: int = 30) -> None:
    groups = choice.groups
    if len(groups) > most:
        groups = sorted(groups, key=lambda group: -group.scored)[:most]
    table = Table(box=None, pad_edge=True, header_style="dim", padding=(0, 1, 0, 0))
    for heading in ("group", "scored", "kept", f"{choice.score} from"):
        table.add_column(heading, justify="left" if heading == "group" else "right")
    for group in groups:
        cut = "-" if group.cut is None else f"{group.cut:.4f}"
        table.add_row(printable(group.name), f"{group.scored:,}", f"{group.kept:,}", cut)
    console.print(table)
    if len(choice.groups) > most:
        words = f" the largest of {len(choice.groups):,} groups (--json shows all)"
        console.print(words, style="dim", highlight=False)


def _print_curve(choice: Choice, console: Console) -> None:
    console.print("\n rows kept against similarity", style="bold")
    shown = 0
    for point in choice.curve:
        if point.rows == shown:  # few rows: the next share is the same rows
            continue
        shown = point.rows
        bar = draw_bar(point.share, width=_BAR_WIDTH)
        line = f"  {point.share:4.0%}  {point.rows:>11,}  >= {point.threshold:8.4f}  {bar}"
        console.print(Text(line), highlight=False)


def _print_scales(scales: Scales, contrast: RunContrast | None, console: Console) -> None:
    console.print("\n against mismatched pairs", style="bold")
    if not scales.has_null:
        console.print("  there are no embeddings of two unlike pairs to make them from")
        return
    null = scales.null
    by_group = f", in the smallest group at {null.largest_floor:.1e}" if null.by_stratum else ""
    share = f"{scales.share:.1%} of the pairs look mismatched"
    if not scales.is_share_known:
        share = "too few pairs to say how many look mismatched"
    console.print(
        f"  {len(null.similarities):,} mismatched pairs of {null.num_rows:,} rows; p-values end at "
        f"{null.floor:.1e}{by_group}\n  {share} "
        f"(95 %: {scales.share_low:.1%} to {scales.share_high:.1%})",
        highlight=False,
    )
    console.print(Text(f"  assumed: {ASSUMPTIONS}"), style="dim", highlight=False)
    error = contrast.error if contrast else None
    if error is not None:
        console.print(
            f"  negative CLIP loss from a sample: on {error.num_checked} checked rows off by "
            f"{error.median:.3f} (median) and {error.percentile_95:.3f} (95 %), rank correlation "
            f"{error.rank_correlation:.3f}",
            highlight=False,
        )


def _print_examples(title: str, pairs: Sequence[ExamplePair], console: Console) -> None:
    if not pairs:
        return
    console.print(f"\n {title}", style="bold")
    for pair in pairs:
        chance = "" if pair.probability is None else f"  match {pair.probability:4.0%}"
        caption = printable(" ".join(pair.caption.split()))
        if len(caption) > _CAPTION_WIDTH:
            caption = caption[: _CAPTION_WIDTH - 1] + "…"
        # Rows count from 1 for a reader, as in the closing summary of a job.
        place = f"row {pair.row + 1:,}"
        place = place if pair.file == 0 else f"file {pair.file + 1:,} {place}"
        console.print(Text(f"  {pair.score:8.4f}{chance}  {place}: {caption}"), highlight=False)


def _print_references(choice: Choice, console: Console) -> None:
    if not choice.references:
        return
    console.print(
        "\n public thresholds for this model, and what they would keep here", style="bold"
    )
    for reference, rows in choice.references:
        share = rows / choice.num_scored
        console.print(
            f"  >= {reference.threshold:.3f}  keeps {share:6.1%}  {reference.name}",
            highlight=False,
        )
