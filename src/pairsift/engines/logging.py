"""A JSON line a shard, for machines that watch a job."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pairsift.runs.commits import Commit


@contextmanager
def open_log(place: str | None) -> Iterator[Callable[[Commit], None]]:
    """Open the log of a job.

    Args:
        place: A file that is appended to, ``-`` for standard error, or None for no log.

    Yields:
        What to call with each commit.
    """
    if place is None:
        yield lambda _: None
        return
    begin = time.monotonic()

    def line(commit: Commit) -> str:
        facts = {
            "event": "shard",
            "time": commit.when,
            "file": commit.key.file,
            "first_row": commit.key.first_row,
            "generation": commit.key.generation,
            "rows": commit.num_rows,
            "failed": commit.num_failed,
            "counts": commit.counts,
            "encoded_images": commit.work.encoded_images,
            "encoded_captions": commit.work.encoded_captions,
            "seconds": {stage: round(value, 3) for stage, value in commit.seconds.items()},
            "session_seconds": round(time.monotonic() - begin, 3),
        }
        return json.dumps(facts) + "\n"

    if place == "-":
        yield lambda commit: print(line(commit), end="", file=sys.stderr, flush=True)  # noqa: T201
        return
    with Path(place).open("a", encoding="utf-8") as file:

        def write(commit: Commit) -> None:
            file.write(line(commit))
            file.flush()

        yield write
