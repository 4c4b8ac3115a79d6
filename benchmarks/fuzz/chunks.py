"""Chunks of cases, each in a process that may crash or hang without harm."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.fuzz.reports import Report, from_json

ROOT = Path(__file__).parents[2]
WORKER = (sys.executable, "-X", "faulthandler", "-m", "benchmarks.fuzz.worker")
CHUNK_CASES = {"images": 100, "tables": 50}
DEADLINE_SECONDS = 120.0
"""For a chunk, some 50 times what one takes on an idle machine."""

CASE_DEADLINE_SECONDS = 30.0
_TROUBLE = ("Traceback", "Warning:", "Exception ignored", "Fatal Python error")


def run_all(num_images: int, num_tables: int, *, seed: int, say: Callable[[str], object]) -> Report:
    """Run the first cases of a seed.

    Args:
        num_images: Broken pictures.
        num_tables: Broken tables.
        seed: What everything follows from.
        say: Told how far it is.
    """
    total = Report()
    for what, number in (("images", num_images), ("tables", num_tables)):
        step = CHUNK_CASES[what]
        for begin in range(0, number, step):
            total.add(run_chunk(what, seed, range(begin, min(number, begin + step))))
            say(f"{what}: {min(number, begin + step)} of {number}, {len(total.findings)} findings")
    return total


def run_chunk(
    what: str,
    seed: int,
    indices: Sequence[int],
    *,
    worker: Sequence[str] = WORKER,
    deadline_seconds: float = DEADLINE_SECONDS,
) -> Report:
    """Run some cases in one process, and each alone where that crashes or hangs.

    Args:
        what: ``images`` or ``tables``.
        seed: What everything follows from.
        indices: Which cases.
        worker: The command of the process; tests give another one.
        deadline_seconds: After which it is killed.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.json"
        command = [*worker, what, str(seed), str(path), *map(str, indices)]
        try:
            done = subprocess.run(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                errors="replace", timeout=deadline_seconds, check=False,
            )  # fmt: skip
            trouble = "" if done.returncode == 0 else f"exit {done.returncode}: {done.stderr}"
            words = done.stderr
        except subprocess.TimeoutExpired:
            trouble, words = f"no end within {deadline_seconds} s", ""
        if not trouble:
            report = from_json(json.loads(path.read_text(encoding="utf-8")))
            return _with_words(report, words, f"{what} {list(indices)} of seed {seed}")
    report = Report()
    if len(indices) == 1:
        report.find(f"{what} {indices[0]} of seed {seed}", trouble)
        report.count(what, "crashed or hung")
        return report
    for index in indices:
        report.add(
            run_chunk(
                what, seed, [index], worker=worker,
                deadline_seconds=min(deadline_seconds, CASE_DEADLINE_SECONDS),
            )
        )  # fmt: skip
    if not report.findings:
        report.find(f"{what} {list(indices)} of seed {seed}", f"only together: {trouble}")
    return report


def _with_words(report: Report, words: str, case: str) -> Report:
    """Look through what a process that ended well wrote to standard error."""
    report.native_lines += len(words.splitlines())
    if any(mark in words for mark in _TROUBLE):
        report.find(case, f"on standard error: {words}")
    return report
