"""What a person reads when a job is done."""

import math
from collections.abc import Iterator, Mapping

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pairsift.charts import ASCII, BLOCKS, axis_limits, draw_axis, draw_bar, draw_columns
from pairsift.charts import num_decimals as decimals_of
from pairsift.job import JobSummary
from pairsift.progress import format_rate, format_seconds
from pairsift.runs.status import RunState
from pairsift.statuses import STATUS_MEANINGS, RowStatus

WIDTH = 80
CHART_WIDTH = 68
CHART_HEIGHT = 6
QUANTILE_NAMES = {0.0: "min", 0.5: "median", 1.0: "max"}
QUANTILE_WIDTH = 7
MAX_STAGES = 3
SHOWN_INPUTS = 3
STATE_STYLES = {"finished": "bold green", "running": "bold", "stopped": "bold yellow"}


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
    if summary.note:
        parts.append(Text(printable(summary.note)))
    if summary.num_failed:
        parts += [Text(), _failures(summary)]
    if summary.counts.get(RowStatus.OK):
        parts += [Text(), *_distribution(summary, is_ascii=is_ascii)]
    parts += [Text(), facts]
    for warning in summary.warnings:
        parts += [Text(), Text.assemble(("warning  ", "bold yellow"), printable(warning))]
    return Padding(Group(*parts), (0, 1), expand=False)


def print_state(state: RunState, console: Console) -> None:
    """Print how far a run is.

    Args:
        state: Of the run.
        console: Where.
    """
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", min_width=8, no_wrap=True)
    facts.add_column(overflow="fold")
    for label, value in _state_facts(state):
        facts.add_row(label, Text(printable(value)))
    failed: dict[RowStatus, int] = {s: n for s, n in state.counts.items() if s is not RowStatus.OK}
    parts: list[RenderableType] = [Text(), Text(state.state, style=STATE_STYLES[state.state])]
    if failed:
        parts += [Text(), _failed(failed, {})]
    console.print(Padding(Group(*parts, Text(), facts), (0, 1), expand=False), width=WIDTH)


def _state_facts(state: RunState) -> Iterator[tuple[str, str]]:
    of_total = "" if state.rows_total is None else f" of {state.rows_total:,}"
    failed = f", {state.num_failed:,} failed" if state.num_failed else ""
    yield "rows", f"{state.rows_done:,}{of_total} done{failed}"
    if state.pairs_per_second:
        left = "" if state.seconds_left is None else f", {format_seconds(state.seconds_left)} left"
        yield "speed", f"{format_rate(state.pairs_per_second)} pairs/s{left}"
    yield "shards", f"{state.num_shards:,} finished; the last at {state.last_commit or 'never'}"
    yield "scores", f"{state.measure} of {state.model}"
    more = len(state.inputs) - SHOWN_INPUTS
    tail = f", and {more:,} more" if more > 0 else ""
    yield "input", ", ".join(state.inputs[:SHOWN_INPUTS]) + tail
    if state.resume:
        yield "go on", state.resume


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
    failed: dict[RowStatus, int] = {
        s: n for s, n in summary.counts.items() if s is not RowStatus.OK and n
    }
    return _failed(failed, summary.examples)


def _failed(
    failed: Mapping[RowStatus, int], examples: Mapping[RowStatus, tuple[int, str]]
) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", min_width=8)
    table.add_column(overflow="fold")
    for status, count in sorted(failed.items(), key=lambda item: (-item[1], item[0])):
        words = Text.assemble((str(status), "red"), f"  {STATUS_MEANINGS[status]}")
        if status in examples:
            row, reason = examples[status]
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
    if summary.session_rows:
        yield (
            "speed",
            f"{format_rate(summary.pairs_per_second)} pairs/s"
            f" ({summary.seconds:.1f} s, and {summary.setup_seconds:.1f} s to start the model)",
        )
    if summary.resumed_rows:
        shards = f"{summary.resumed_shards:,} of {_counted(summary.num_shards, 'shard')}"
        yield "resumed", f"{shards} ({summary.resumed_rows:,} rows) were finished already"
    if once := _once(summary):
        yield "once", once
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
    if summary.run:
        yield "run", f"{summary.run} (pairsift status shows it)"


def _once(summary: JobSummary) -> str:
    """Return what was saved by encoding equal images and captions once; empty where nothing."""
    work, scored = summary.work, summary.counts.get(RowStatus.OK, 0)
    parts = [
        f"{encoded:,} {noun} encoded for {_counted(scored, 'pair')} ({encoded / scored:.0%})"
        for encoded, noun in ((work.encoded_images, "images"), (work.encoded_captions, "captions"))
        if 0 < encoded < scored
    ]
    reused = work.reused_images + work.reused_captions
    if reused:
        parts.append(f"{reused:,} came from earlier shards")
    return "; ".join(parts)


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
