"""The closing summary says what happened, and fits."""

import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from pairsift.histograms import Histogram
from pairsift.job import JobSummary
from pairsift.protocols import Provenance
from pairsift.runs.commits import Work
from pairsift.statuses import STATUS_MEANINGS, RowStatus
from pairsift.summary import print_summary

RAN = Provenance(
    "storybook", None, "ab", "openvino 2026.4.1", "cpu", "bf16", "squash 128", "77 tokens"
)


def make_summary(values: list[float], **changed: object) -> JobSummary:
    similarities = Histogram(-1.0, 1.0)
    similarities.add(np.array(values, dtype=np.float32))
    summary = JobSummary(
        input="pairs.csv",
        output="scored.csv",
        image_column="image",
        caption_column="caption",
        added_columns=("similarity", "similarity_status", "similarity_error"),
        measure="cosine",
        provenance=RAN,
        similarities=similarities,
        setup_seconds=1.2,
        counts={RowStatus.OK: len(values)} if values else {},
        seconds=0.5,
        stage_seconds={"encode images": 0.3, "write table": 0.1},
        limiting_stage="encode images",
    )
    return replace(summary, **changed)  # type: ignore[arg-type]


def shown(summary: JobSummary, *, encoding: str = "utf-8", terminal: bool = False) -> str:
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding=encoding, write_through=True) as file:
        print_summary(summary, Console(file=file, width=80, force_terminal=terminal))
        return raw.getvalue().decode(encoding)


VALUES = [0.1, 0.2, 0.2, 0.3, 0.9]


def test_it_says_what_was_done() -> None:
    text = shown(make_summary(VALUES))
    for words in (
        "5 of 5 pairs scored",
        "median",
        "10.0 pairs/s",
        "encode images",
        "75%",
        "storybook, bf16 on cpu (openvino 2026.4.1)",
        "image `image`, caption `caption`",
        "scored.csv",
    ):
        assert words in text


def test_failures_stand_by_reason_with_an_example_the_most_frequent_first() -> None:
    text = shown(
        make_summary(
            VALUES,
            counts={RowStatus.OK: 5, RowStatus.IMAGE_EMPTY: 1, RowStatus.IMAGE_CORRUPT: 1200},
            examples={RowStatus.IMAGE_CORRUPT: (1023, "truncated after 17 bytes")},
        )
    )
    assert "5 of 1,206 pairs scored, 1,201 failed" in text
    assert "row 1,024: truncated after 17 bytes" in text
    assert text.index("image_corrupt") < text.index("image_empty")
    assert STATUS_MEANINGS[RowStatus.IMAGE_EMPTY] in text


@pytest.mark.parametrize(
    "values", [VALUES, [0.3], [-1.0, 1.0], [], list(np.linspace(-0.2, 0.6, 999))]
)
def test_no_line_is_wider_than_eighty(values: list[float]) -> None:
    text = shown(make_summary(values, output="a/" * 60 + "scored.csv"))
    assert "…" not in text
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80


def test_an_empty_table_and_a_table_of_failures() -> None:
    assert "no rows" in shown(make_summary([]))
    text = shown(make_summary([], counts={RowStatus.IMAGE_NOT_FOUND: 3}))
    assert "0 of 3 pairs scored, 3 failed" in text
    assert "median" not in text


def test_colour_only_on_a_terminal_and_never_with_no_color(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    summary = make_summary(VALUES)
    assert "\x1b[" not in shown(summary)
    assert "\x1b[36m" in shown(summary, terminal=True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[36m" not in shown(summary, terminal=True)


def test_a_console_without_block_characters_gets_plain_ones() -> None:
    text = shown(make_summary(VALUES), encoding="ascii")
    assert "#" in text


def test_a_distance_and_another_measure_are_named() -> None:
    added = ("similarity", "distance", "similarity_status", "similarity_error")
    assert "similarity (cosine; angular in `distance`)" in shown(
        make_summary(VALUES, measure="angular", added_columns=added)
    )
    assert "similarity (clip-score)" in shown(make_summary(VALUES, measure="clip-score"))


def test_what_a_table_says_cannot_steer_the_terminal_or_the_markup() -> None:
    text = shown(
        make_summary(
            VALUES,
            image_column="[red]x[/red]",
            counts={RowStatus.IMAGE_NOT_FOUND: 1},
            examples={RowStatus.IMAGE_NOT_FOUND: (0, "no such file: \x1b[2J[bold]a")},
            warnings=["[b]\x07"],
        )
    )
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[red]x[/red]" in text
    assert "[bold]a" in text


def test_truncated_captions_and_warnings_are_told() -> None:
    text = shown(make_summary(VALUES, work=Work(truncated_captions=2), warnings=["look at this"]))
    assert "2 captions longer than the model reads" in text
    assert "warning  look at this" in text
