"""What a person reads when a job is done."""

import math
from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pairsift.charts import ASCII, BLOCKS, axis_limits, draw_axis, draw_bar, draw_columns
from pairsift.charts import num_decimals as decimals_of
from pairsift.job import JobSummary
from pairsift.progress import format_rate
from pairsift.statuses import STATUS_MEANINGS, RowStatus

WIDTH = 80
CHART_WIDTH = 68
CHART_HEIGHT = 6
QUANTILE_NAMES = {0.0: "min", 0.5: "median", 1.0: "max"}
QUANTILE_WIDTH = 7
MAX_STAGES = 3


def print_summary(summary: JobSummary, console: Console) -> None:
    """Print what a job did.

    Args:
        summary: Of the job.
        console: Where; colours, width and character set are its business.
    """
    console.print(render_summary(summary, is_ascii=console.options.ascii_only), width=WIDTH)


def render_summary(summary: JobSummary, *, is_ascii: bool = False) -> RenderableType:
    """Return the closing summary for a Rich console, at most 80 columns wide.

    Args:
        summary: Of the job.
        is_ascii: The console cannot show block characters.
    """
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", min_width=8, no_wrap=True)
    facts.add_column(overflow="fold")
    for label, value in _facts(summary, is_ascii=is_ascii):
        facts.add_row(label, Text(printable(value)) if isinstance(value, str) else value)
    parts: list[RenderableType] = [Text(), _headline(summary)]
    if summary.num_failed:
        parts += [Text(), _failures(summary)]
    if summary.counts.get(RowStatus.OK):
        parts += [Text(), *_distribution(summary, is_ascii=is_ascii)]
    parts += [Text(), facts]
    for warning in summary.warnings:
        parts += [Text(), Text.assemble(("warning  ", "bold yellow"), printable(warning))]
    return Padding(Group(*parts), (0, 1), expand=False)


def printable(text: str) -> str:
    r"""Return text without what would move a terminal's cursor: a table's cells are not trusted.

    Example:
        >>> printable("a\x1b[2Jb")
        'a�[2Jb'
    """
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def _headline(summary: JobSummary) -> Text:
    scored = summary.counts.get(RowStatus.OK, 0)
    if summary.num_rows == 0:
        return Text("The table has no rows; only its header was written.", style="bold")
    line = Text.assemble(
        (f"{scored:,}", "bold green" if scored else "bold"),
        f" of {_counted(summary.num_rows, 'pair')} scored",
    )
    if summary.num_failed:
        line.append(", ")
        line.append(f"{summary.num_failed:,} failed", style="bold red")
    return line


def _failures(summary: JobSummary) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", min_width=8)
    table.add_column(overflow="fold")
    failed = {s: n for s, n in summary.counts.items() if s is not RowStatus.OK and n}
    for status, count in sorted(failed.items(), key=lambda item: (-item[1], item[0])):
        words = Text.assemble((str(status), "red"), f"  {STATUS_MEANINGS[status]}")
        if status in summary.examples:
            row, reason = summary.examples[status]
            # Rows count from 1 for a reader, as in a spreadsheet without its header.
            words.append(f"\nrow {row + 1:,}: {printable(reason)}", style="dim")
        table.add_row(f"{count:,}", words)
    return table


def _distribution(summary: JobSummary, *, is_ascii: bool) -> Iterator[RenderableType]:
    quantiles = summary.quantiles()
    low, high, step = axis_limits(quantiles[0.0], quantiles[1.0])
    counts = summary.similarities.coarse(CHART_WIDTH, low=low, high=high).tolist()
    lines = draw_columns(counts, height=CHART_HEIGHT, levels=ASCII if is_ascii else BLOCKS)
    rule, numbers = draw_axis(low, high, step, width=CHART_WIDTH)
    if is_ascii:
        rule = rule.replace("─", "-").replace("┬", "+")
    title = "similarity" if summary.measure == "cosine" else f"similarity ({_measure(summary)})"
    peak = f"   highest column: {_counted(max(counts), 'pair')}"
    yield Text.assemble((title, "bold"), (peak, "dim"))
    yield Text("\n".join(line.rstrip() for line in lines), style="cyan", no_wrap=True)
    yield Text(f"{rule}\n{numbers}", style="dim", no_wrap=True)
    yield Text()
    # Two digits more than the axis, as far as nine numbers fit beside each other.
    whole = max(len(f"{value:.0f}") for value in quantiles.values())
    decimals = max(0, min(decimals_of(step) + 2, QUANTILE_WIDTH - 2 - whole))
    table = Table.grid(padding=(0, 1), expand=False)
    for _ in quantiles:
        table.add_column(justify="right", min_width=QUANTILE_WIDTH, no_wrap=True)
    table.add_row(
        *(QUANTILE_NAMES.get(q, f"{q * 100:g} %") for q in quantiles),
        style="dim",
    )
    table.add_row(*(f"{value:.{decimals}f}" for value in quantiles.values()))
    yield table


def _measure(summary: JobSummary) -> str:
    is_distance = any(name.endswith("distance") for name in summary.added_columns)
    return f"cosine; {summary.measure} in `distance`" if is_distance else summary.measure


def _facts(summary: JobSummary, *, is_ascii: bool) -> Iterator[tuple[str, RenderableType]]:
    if summary.num_rows:
        yield (
            "speed",
            f"{format_rate(summary.pairs_per_second)} pairs/s"
            f" ({summary.seconds:.1f} s, and {summary.setup_seconds:.1f} s to start the model)",
        )
    shares = _stage_shares(summary)
    if shares:
        yield "limited by", _stages(shares, is_ascii=is_ascii)
    ran = summary.provenance
    revision = f" at {ran.revision[:12]}" if ran.revision else ""
    yield "model", f"{ran.model}{revision}, {ran.precision} on {ran.device} ({ran.runtime})"
    if summary.truncated_captions:
        yield (
            "cut",
            f"{_counted(summary.truncated_captions, 'caption')} longer than the model reads"
            " (--details marks them)",
        )
    yield (
        "columns",
        f"image `{summary.image_column}`, caption `{summary.caption_column}`;"
        f" added {', '.join(summary.added_columns)}",
    )
    yield "output", Text(printable(summary.output or "standard output"), style="bold")


def _stage_shares(summary: JobSummary) -> list[tuple[str, float]]:
    total = sum(summary.stage_seconds.values())
    if not total or not math.isfinite(total):
        return []
    shares = [(name, seconds / total) for name, seconds in summary.stage_seconds.items()]
    return sorted(shares, key=lambda item: -item[1])


def _stages(shares: list[tuple[str, float]], *, is_ascii: bool) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="cyan", no_wrap=True)
    for name, share in shares[:MAX_STAGES]:
        bar = draw_bar(share, width=20, levels="#" if is_ascii else "▏▎▍▌▋▊▉█")
        table.add_row(name, f"{share:.0%}", bar)
    return table


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
