"""Score what is left of a run, shard by shard, reading and writing beside it."""

import secrets
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from pairsift import stages
from pairsift.config import ScoreConfig
from pairsift.engines.ahead import read_ahead
from pairsift.engines.committing import Committer
from pairsift.engines.reading import OpenShard, PieceReader
from pairsift.errors import JobError
from pairsift.job import Progress
from pairsift.runs.commits import Commit
from pairsift.runs.layout import ATTEMPTS, ShardKey, key_of
from pairsift.runs.marks import make_mark
from pairsift.runs.ownership import current_run_id, has_commit
from pairsift.runs.plan import SUSPECT_ATTEMPTS, Piece, count_attempts
from pairsift.runs.store import RunStore
from pairsift.runs.writing import ScoredShard
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
        on_commit: Called with every commit of this process, on another thread.
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


def score_pieces(
    session: Session,
    work: Iterable[FileWork],
    *,
    replaced: Replaced = lambda _: ({}, 0),
) -> None:
    """Score pieces and commit each when it is complete.

    Args:
        session: Of this process; counts what is done.
        work: What is to be done in each file, in order.
        replaced: What an overlay takes the place of.

    Raises:
        OSError: A file cannot be read or written; what was committed stays.
    """
    begin = time.perf_counter()
    on_way: deque[OpenShard] = deque()
    committer = Committer(
        session.store,
        embeddings=session.config.run.embeddings,
        similarity_range=session.similarity_range,
        run_id=session.run_id,
        on_commit=lambda commit: _settle(session, commit),
        on_drop=lambda key: session.store.delete(key.attempt(session.token)),
    )
    clock = session.scorer.clock
    batches = read_ahead(_read(session, work))

    def feed() -> Iterator[tuple[pa.RecordBatch, object]]:
        while True:
            with clock.stage(stages.READ):
                found = next(batches, None)
            if found is None:
                return
            shard, pairs = found
            on_way.append(shard)
            yield pairs, shard.memory

    before = dict(clock.seconds)
    try:
        for scored in session.scorer.stream_shards(feed()):  # type: ignore[arg-type]
            shard = on_way.popleft()
            shard.scored.append(scored)
            shard.num_scored += len(scored)
            if shard.is_complete:
                done = _close(shard, _since(clock.seconds, before), replaced)
                before = dict(clock.seconds)
                with clock.stage(stages.WRITE):
                    committer.put(done)
            _report(session, scored, time.perf_counter() - begin)
    except BaseException:
        # What is complete is kept; what is not was dropped on purpose, not by a crash.
        batches.close()  # type: ignore[attr-defined]
        with suppress(OSError, JobError):
            committer.finish()
        _drop_marks(session)
        raise
    with clock.stage(stages.WRITE):
        committer.finish()


def _read(session: Session, work: Iterable[FileWork]) -> Iterator[tuple[OpenShard, pa.RecordBatch]]:
    attempts = session.attempts = count_attempts(session.store)
    run_id = current_run_id(session.store) if session.run_id is None else session.run_id
    for file in work:
        for piece in file.pieces:
            if has_commit(session.store, piece.key, run_id):  # by another process, meanwhile
                continue
            is_suspect = attempts[piece.key.stem] >= SUSPECT_ATTEMPTS
            _mark(session, piece.key, attempts)
            memory = session.scorer.new_memory(is_suspect=is_suspect, root=file.root)
            shard = OpenShard(piece, memory)
            for pairs in file.reader.read(piece):
                shard.digest.add(pairs)
                yield shard, pairs


def _mark(session: Session, key: ShardKey, attempts: "Counter[str]") -> None:
    attempts[key.stem] += 1
    session.store.put(key.attempt(session.token), make_mark(), is_durable=False)


def _settle(session: Session, commit: Commit) -> None:
    session.num_shards += commit.key.generation == 0
    session.num_committed += commit.num_rows
    if session.attempts[commit.key.stem] > 1:
        earlier = [name for name in session.store.names(ATTEMPTS) if commit.key.stem in name]
        for name in earlier:
            session.store.delete(name)
    session.store.delete(commit.key.attempt(session.token))
    session.on_commit(commit)


def _drop_marks(session: Session) -> None:
    for name in session.store.names(ATTEMPTS):
        if name.endswith(f"-{session.token}.json") and key_of(name) is not None:
            with suppress(OSError):
                session.store.delete(name)


def _close(shard: OpenShard, seconds: dict[str, float], replaced: Replaced) -> ScoredShard:
    piece, memory = shard.piece, shard.memory
    counts, num_truncated = replaced(piece.key)
    rows = np.asarray(piece.rows, dtype=np.int64)
    return ScoredShard(
        key=piece.key,
        span_rows=piece.span_rows,
        read_from=piece.span,
        id=shard.digest.id(piece.key.file, rows),
        rows=rows,
        table=pa.Table.from_batches(shard.scored),
        images=memory.images.rows,
        captions=memory.captions.rows,
        work=memory.work(),
        seconds=seconds,
        replaced=counts,
        replaced_truncated=num_truncated,
    )


def _since(now: dict[str, float], before: dict[str, float]) -> dict[str, float]:
    return {name: seconds - before.get(name, 0.0) for name, seconds in now.items()}


def _report(session: Session, scored: pa.RecordBatch, seconds: float) -> None:
    session.num_rows += len(scored)
    session.num_failed += scored.column("similarity").null_count
    session.on_progress(
        Progress(
            rows_done=session.rows_before + session.num_rows,
            rows_total=session.rows_total,
            rows_failed=session.failed_before + session.num_failed,
            seconds=seconds,
            rows_before=session.rows_before,
        )
    )
