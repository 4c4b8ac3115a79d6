"""Score what is left of a run, shard by shard, reading and writing beside it."""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress

import numpy as np
import pyarrow as pa

from pairsift import stages
from pairsift.engines.ahead import read_ahead
from pairsift.engines.committing import Committer
from pairsift.engines.jobs import Job
from pairsift.engines.reading import OpenShard
from pairsift.engines.sessions import FileWork, Replaced, Session, replaces_nothing
from pairsift.errors import JobError
from pairsift.job import Progress
from pairsift.runs.commits import Commit
from pairsift.runs.layout import ATTEMPTS, ShardKey, key_of
from pairsift.runs.marks import make_mark
from pairsift.runs.ownership import current_run_id, has_commit
from pairsift.runs.plan import SUSPECT_ATTEMPTS, count_attempts
from pairsift.runs.writing import ScoredShard


class LocalEngine:
    """Scores in this process, with the job's own scorer."""

    def score(
        self,
        job: Job,  # noqa: ARG002 - the seam
        session: Session,
        work: Iterable[FileWork],
        *,
        replaced: Replaced = replaces_nothing,
    ) -> None:
        """Score pieces and commit each when it is complete; see ``score_pieces``."""
        score_pieces(session, work, replaced=replaced)


def score_pieces(
    session: Session,
    work: Iterable[FileWork],
    *,
    replaced: Replaced = replaces_nothing,
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
    session.attempts = count_attempts(session.store)
    run_id = current_run_id(session.store) if session.run_id is None else session.run_id
    for file in work:
        for piece in file.pieces:
            if has_commit(session.store, piece.key, run_id):  # by another process, meanwhile
                continue
            is_suspect = session.attempts[piece.key.stem] >= SUSPECT_ATTEMPTS
            _mark(session, piece.key)
            memory = session.scorer.new_memory(is_suspect=is_suspect, root=file.root)
            shard = OpenShard(piece, memory)
            for pairs in file.reader.read(piece):
                shard.digest.add(pairs)
                yield shard, pairs


def _mark(session: Session, key: ShardKey) -> None:
    session.attempts[key.stem] += 1
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
