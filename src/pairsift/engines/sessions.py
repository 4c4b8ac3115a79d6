"""What an engine is given and what it promises: one of the four seams."""

import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pairsift.config import ScoreConfig
from pairsift.engines.jobs import Job
from pairsift.engines.reading import PieceReader
from pairsift.job import Progress
from pairsift.runs.commits import Commit
from pairsift.runs.layout import ShardKey
from pairsift.runs.plan import Piece
from pairsift.runs.store import RunStore
from pairsift.scorers import Scorer
from pairsift.statuses import RowStatus

Replaced = Callable[[ShardKey], tuple[dict[RowStatus, int], int]]


@dataclass(frozen=True)
class FileWork:
    """What is to be done in one file.

    Args:
        reader: Of its pieces.
        pieces: In order.
        root: Folder of its references, where it is not the scorer's.
    """

    reader: PieceReader
    pieces: Iterable[Piece]
    root: Path | None = None


@dataclass
class Session:
    """What this process does for a run.

    Args:
        config: Of the job.
        store: The run folder.
        scorer: Scores.
        similarity_range: Of the ``similarity`` column.
        on_progress: Called after every batch.
        on_commit: Called with every commit of this session, on another thread.
        on_event: Called with what else a log should know.
        rows_before: Rows that were finished when it began.
        failed_before: Failed ones among them.
        rows_total: Rows of the job, or None while nobody has counted them.
        run_id: Of the run; None takes the one in the folder.
    """

    config: ScoreConfig
    store: RunStore
    scorer: Scorer
    similarity_range: tuple[float, float]
    on_progress: Callable[[Progress], None] = lambda _: None
    on_commit: Callable[[Commit], None] = lambda _: None
    on_event: Callable[[Mapping[str, Any]], None] = lambda _: None
    rows_before: int = 0
    failed_before: int = 0
    rows_total: int | None = None
    num_rows: int = 0
    num_failed: int = 0
    num_shards: int = 0
    num_committed: int = 0
    attempts: "Counter[str]" = field(default_factory=Counter)
    run_id: str | None = None
    token: str = field(default_factory=lambda: secrets.token_hex(4))


def replaces_nothing(_: ShardKey) -> tuple[dict[RowStatus, int], int]:
    """Return what a shard replaces that is scored for the first time."""
    return {}, 0


class Engine(Protocol):
    """Decides where pieces are scored, and nothing else.

    Every piece is committed to the run folder exactly once, although it may be run more than
    once; the loss of what it runs on is not the end of a job.
    """

    def score(
        self,
        job: Job,
        session: Session,
        work: Iterable[FileWork],
        *,
        replaced: Replaced = replaces_nothing,
    ) -> None:
        """Score pieces and commit each when it is complete.

        Args:
            job: What is read and how it is scored.
            session: Counts what is done, and tells it.
            work: What is to be done in each file, in order; gone through once.
            replaced: What an overlay takes the place of.

        Raises:
            OSError: A file cannot be read or written; what was committed stays.
        """
