import io

import pytest
from rich.console import Console

from pairsift.job import Progress
from pairsift.progress import describe_progress, format_seconds, show_progress


def steps(total: int | None) -> list[Progress]:
    return [Progress(done, total, done // 10, done / 100) for done in (10, 20, 30)]


def told(*, between_lines_seconds: float) -> str:
    out = io.StringIO()
    with show_progress(
        Console(file=out, width=80), between_lines_seconds=between_lines_seconds
    ) as show:
        for step in steps(30):
            show(step)
    return out.getvalue()


def test_plain_lines_elsewhere_than_on_a_terminal() -> None:
    assert told(between_lines_seconds=0).splitlines() == [
        "10 of 30 pairs, 100/s, 0:00 left, 1 failed",
        "20 of 30 pairs, 100/s, 0:00 left, 2 failed",
    ]


def test_a_short_job_says_nothing() -> None:
    assert told(between_lines_seconds=3600) == ""


@pytest.mark.parametrize("total", [30, None])
def test_a_bar_on_a_terminal_that_is_gone_at_the_end(total: int | None) -> None:
    out = io.StringIO()
    with show_progress(Console(file=out, width=80, force_terminal=True)) as show:
        for step in steps(total):
            show(step)
    assert "30 pairs" in out.getvalue() if total is None else "30 of 30 pairs" in out.getvalue()
    assert out.getvalue().endswith("\x1b[2K")  # the last thing is to clear the line


def test_words_without_a_total_or_a_rate() -> None:
    assert describe_progress(Progress(5, None, 0, 0.0)) == "5 pairs, 0.0/s"
    assert format_seconds(59.6) == "1:00"
