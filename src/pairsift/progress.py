"""How far a job is: a bar on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TextColumn
from rich.progress import Progress as Bar

from pairsift.job import Progress

SECONDS_BETWEEN_LINES = 5.0
"""Often enough to see that it lives, rare enough that a day's log stays readable."""


@contextmanager
def show_progress(
    console: Console,
    *,
    verb: str = "scoring",
    between_lines_seconds: float = SECONDS_BETWEEN_LINES,
) -> Iterator[Callable[[Progress], None]]:
    """Show a job's progress until the block ends.

    Args:
        console: Where; a bar if it is a terminal, else plain lines.
        verb: What is being done to the pairs.
        between_lines_seconds: Shortest time between two plain lines.

    Yields:
        What to call after every batch.
    """
    if not console.is_terminal:
        yield _plain_lines(console, between_lines_seconds)
        return
    with Bar(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[words]}"),
        console=console,
        transient=True,
    ) as bar:
        task = bar.add_task("getting ready", total=None, words="")

        def show(progress: Progress) -> None:
            bar.update(
                task,
                description=verb,
                completed=progress.rows_done,
                total=progress.rows_total,
                words=describe_progress(progress),
            )

        yield show


def describe_progress(progress: Progress) -> str:
    """Return progress in words, as short as a line of a log may be.

    Example:
        >>> describe_progress(Progress(rows_done=500, rows_total=2000, rows_failed=3, seconds=2.0))
        '500 of 2,000 pairs, 250/s, 0:06 left, 3 failed'
    """
    done = progress.rows_done - progress.rows_before
    rate = done / progress.seconds if progress.seconds > 0 else 0.0
    words = f"{progress.rows_done:,}"
    if progress.rows_total is not None:
        words += f" of {progress.rows_total:,}"
    words += f" pairs, {format_rate(rate)}/s"
    if progress.rows_total is not None and rate > 0:
        words += f", {format_seconds((progress.rows_total - progress.rows_done) / rate)} left"
    return words + (f", {progress.rows_failed:,} failed" if progress.rows_failed else "")


def format_rate(rate: float) -> str:
    """Return a rate with as many digits as mean something.

    Example:
        >>> format_rate(1234.5), format_rate(12.34), format_rate(0.0)
        ('1,234', '12.3', '0.0')
    """
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.1f}"


def format_seconds(seconds: float) -> str:
    """Return a duration as a clock shows it.

    Example:
        >>> format_seconds(6.2), format_seconds(3725)
        ('0:06', '1:02:05')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _plain_lines(console: Console, between_seconds: float) -> Callable[[Progress], None]:
    last = time.monotonic()

    def show(progress: Progress) -> None:
        nonlocal last
        now = time.monotonic()
        if progress.rows_done == progress.rows_total:
            return  # what is said at the end says more
        if now - last >= between_seconds:
            last = now
            console.print(describe_progress(progress), highlight=False, soft_wrap=True)

    return show
