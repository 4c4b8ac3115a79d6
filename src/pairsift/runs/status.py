"""How far a run is, whether it runs, was stopped or is done; from its folder alone."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from pairsift.runs.commits import Commit
from pairsift.runs.layout import PLAN
from pairsift.runs.marks import is_at_work
from pairsift.runs.reading import Run, open_run
from pairsift.statuses import RowStatus

RECENT_COMMITS = 20

State = Literal["finished", "running", "stopped"]


@dataclass(frozen=True)
class RunState:
    """How far a run is.

    Args:
        run: The run folder.
        state: ``finished`` once its table is written.
        inputs: Paths of the input files.
        rows_done: Rows scored or failed.
        rows_total: Rows of the job, or None where nobody has counted them.
        counts: Rows by status.
        num_shards: Finished shards.
        pairs_per_second: Over the latest commits, or None where that cannot be told.
        seconds_left: At that rate, or None.
        model: That scores.
        measure: Likewise.
        resume: The command that goes on, or None for a finished run.
        last_commit: ISO time, UTC, or None before the first one.
    """

    run: str
    state: State
    inputs: tuple[str, ...]
    rows_done: int
    rows_total: int | None
    counts: dict[RowStatus, int]
    num_shards: int
    pairs_per_second: float | None
    seconds_left: float | None
    model: str
    measure: str
    resume: str | None
    last_commit: str | None

    @property
    def num_failed(self) -> int:
        """Rows without a similarity."""
        return self.rows_done - self.counts.get(RowStatus.OK, 0)

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self) | {"failed": self.num_failed}


def look_at(path: str | Path) -> RunState:
    """Return how far a run is.

    Args:
        path: The run folder, or the table beside which it lies.

    Raises:
        RunFolderError: It is no run folder, or is damaged.
    """
    run = open_run(path, allow_partial=True)
    is_running = is_at_work(run.store)
    state: State = "running" if is_running else "finished" if run.is_finished else "stopped"
    total = run.num_rows if state == "finished" else _total(run)
    rate = _rate(run.commits)
    left = None
    if rate and total is not None and state != "finished":
        left = max(0, total - run.num_rows) / rate
    return RunState(
        run=run.location,
        state=state,
        inputs=tuple(item["path"] for item in run.info["inputs"]),
        rows_done=run.num_rows,
        rows_total=total,
        counts=run.counts,
        num_shards=len(run.shards),
        pairs_per_second=rate,
        seconds_left=left,
        model=run.info["provenance"]["model"],
        measure=run.info["measure"],
        resume=None if state == "finished" else _resume(run),
        last_commit=max((commit.when for commit in run.commits), default=None),
    )


def resume_command(typed: Sequence[str]) -> str:
    """Return the command that goes on with what a command began.

    Args:
        typed: The arguments after ``pairsift``.

    Example:
        >>> resume_command(["score", "a b.csv", "-o", "out.csv", "--overwrite"])
        "pairsift score 'a b.csv' -o out.csv"
    """
    return shlex.join(["pairsift", *(word for word in typed if word != "--overwrite")])


def _resume(run: Run) -> str:
    typed = run.info.get("command")
    return resume_command(typed) if typed else "the same call of score_file again"


def _total(run: Run) -> int | None:
    try:
        rows = json.loads(run.store.read(PLAN))["rows"]
    except FileNotFoundError:
        return None
    return int(sum(rows))


def _rate(commits: Sequence[Commit]) -> float | None:
    """Return rows a second between the latest commits; a pause before them does not count."""
    latest = sorted(commits, key=lambda commit: commit.when)[-RECENT_COMMITS:]
    if len(latest) < 2:
        return None
    times = [datetime.fromisoformat(commit.when) for commit in latest]
    steps = [(b - a).total_seconds() for a, b in pairwise(times)]
    usual = sorted(steps)[len(steps) // 2]
    kept = [
        (n.num_rows, step)
        for n, step in zip(latest[1:], steps, strict=True)
        if step <= 10 * usual + 1
    ]
    seconds = sum(step for _, step in kept)
    return sum(rows for rows, _ in kept) / seconds if seconds > 0 else None
