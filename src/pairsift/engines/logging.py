"""A JSON line a shard, for machines that watch a job."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pairsift.runs.commits import Commit


class ShardLog:
    """Writes what happens in a job, a JSON object a line.

    Args:
        write: Takes each line.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._begin = time.monotonic()

    def commit(self, commit: Commit) -> None:
        """Write a line for a finished shard."""
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
        }
        self._put(facts)

    def event(self, facts: Mapping[str, Any]) -> None:
        """Write a line for anything else; ``facts`` says under ``event`` what it is."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._put({"event": facts["event"], "time": now, **facts})

    def _put(self, facts: Mapping[str, Any]) -> None:
        seconds = round(time.monotonic() - self._begin, 3)
        self._write(json.dumps({**facts, "session_seconds": seconds}) + "\n")


@contextmanager
def open_log(place: str | None) -> Iterator[ShardLog]:
    """Open the log of a job.

    Args:
        place: A file that is appended to, ``-`` for standard error, or None for no log.

    Yields:
        What to tell what happens.
    """
    if place is None:
        yield ShardLog(lambda _: None)
        return
    if place == "-":
        yield ShardLog(lambda line: print(line, end="", file=sys.stderr, flush=True))  # noqa: T201
        return
    with Path(place).open("a", encoding="utf-8") as file:

        def write(line: str) -> None:
            file.write(line)
            file.flush()

        yield ShardLog(write)
