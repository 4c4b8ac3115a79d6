"""Score in a run folder: what is left, what is to be scored again, and then the table."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pairsift import stages
from pairsift.engines.finishing import FinishedFile, write_table
from pairsift.engines.jobs import Job
from pairsift.engines.logging import open_log
from pairsift.engines.opening import open_or_create
from pairsift.engines.outputs import describe_output, is_own_output, read_written
from pairsift.engines.reading import PieceReader
from pairsift.engines.retrying import Retry, begin_retry, choose_retries
from pairsift.engines.sharded import Session, score_pieces
from pairsift.histograms import Histogram
from pairsift.job import JobSummary, Progress
from pairsift.runs.commits import Commit
from pairsift.runs.layout import PLAN, SUCCESS, SUMMARY, TABLE, WRITING
from pairsift.runs.manifest import describe_input
from pairsift.runs.marks import make_mark
from pairsift.runs.plan import Coverage, pending
from pairsift.runs.reading import Run
from pairsift.runs.store import FolderStore
from pairsift.statuses import RowStatus

ROWS_AT_ONCE = 4096


def score_in_run(
    job: Job,
    store: FolderStore,
    *,
    on_progress: Callable[[Progress], None],
    command: Sequence[str],
) -> JobSummary:
    """Finish a run, whatever of it is done, and write its table.

    Args:
        job: What is read and how it is scored.
        store: The run folder.
        on_progress: Called after every batch.
        command: What was typed, to say later how to resume.

    Returns:
        What was done, over the whole run.

    Raises:
        RunFolderError: The run is of another configuration.
        JobError: The input changed.
    """
    columns = (job.columns.image, job.columns.caption)
    manifest = open_or_create(
        store, job.config, job.scorer, columns=columns, tables=[job.table], command=command
    )
    run = Run(store, manifest)
    job.summary.run = str(store.root)
    wish = job.config.run.retry
    if wish is None and _is_done(job, store):
        return _describe_finished(job, run)
    begin = time.perf_counter()
    with open_log(job.config.run.log_json) as log:
        session = _begin_session(job, run, on_progress=on_progress, on_commit=log)
        retry = None if wish is None else begin_retry(store, wish)
        store.delete(SUCCESS)  # until the table says again what the run says
        _score_left(job, run, session)
        if retry is not None:
            _score_again(job, session, retry_of=Run(store, manifest), retry=retry)
    return _finish(job, Run(store, manifest), session, begin=begin)


def _begin_session(
    job: Job,
    run: Run,
    *,
    on_progress: Callable[[Progress], None],
    on_commit: Callable[[Commit], None],
) -> Session:
    total = job.rows_total
    if total is not None:
        run.store.put(PLAN, json.dumps({"rows": [total]}).encode())
    counts = run.counts
    return Session(
        config=job.config,
        store=run.store,
        scorer=job.scorer,
        similarity_range=job.similarity_range,
        on_progress=on_progress,
        on_commit=on_commit,
        rows_before=run.num_rows,
        failed_before=sum(counts.values()) - counts.get(RowStatus.OK, 0),
        rows_total=total,
    )


def _score_left(job: Job, run: Run, session: Session) -> None:
    table = job.table
    coverage = Coverage(shard.base for shard in run.shards if shard.base.key.file == table.ordinal)
    spans = table.reader.plan(run.info["shard_rows"])
    pieces = pending(spans, coverage, file=table.ordinal, wanted=table.wanted)
    reader = PieceReader(table.reader, job.columns, wanted=table.wanted, name=str(table.path))
    score_pieces(session, [(reader, pieces)])


def _score_again(job: Job, session: Session, *, retry_of: Run, retry: Retry) -> None:
    choose_retries(retry_of.store, retry_of.shards, retry)
    pieces = retry.pieces.get(job.table.ordinal, [])
    rows = [row for piece in pieces for row in piece.rows]
    total = retry_of.num_rows
    session.rows_total, session.rows_before = total, total - len(rows) - session.num_rows
    reader = PieceReader(job.table.reader, job.columns, wanted=rows, name=str(job.table.path))
    score_pieces(session, [(reader, iter(pieces))], replaced=retry.replaced.__getitem__)


def _is_done(job: Job, store: FolderStore) -> bool:
    """Say whether the table is there, is this run's, and is of these inputs and columns."""
    written = read_written(store)
    if written is None or not store.exists(SUCCESS) or job.output_path is None:
        return False
    is_there = job.output_path.exists() and is_own_output(store, job.output_path)
    return is_there and written["job"] == _facts(job)


def _facts(job: Job) -> dict[str, Any]:
    """Return what the table depends on beside the scores."""
    return {
        "inputs": [describe_input(0, job.table.path, "")],
        "added_columns": job.added_schema.names,
    }


def _describe_finished(job: Job, run: Run) -> JobSummary:
    summary = job.summary
    summary.note = "nothing to do: the table is there and up to date"
    known = (run.summary or {}).get("examples", {})
    _fill_in(job, run, counts=run.counts)
    summary.examples = {RowStatus(status): (row, why) for status, (row, why) in known.items()}
    summary.resumed_shards, summary.resumed_rows = summary.num_shards, summary.num_rows
    return summary


def _finish(job: Job, run: Run, session: Session, *, begin: float) -> JobSummary:
    store, table = run.store, job.table
    facts = _facts(job)
    store.put(WRITING, make_mark())
    file = FinishedFile(
        ordinal=table.ordinal,
        path=table.path,
        reader=table.reader,
        shards=[shard for shard in run.shards if shard.base.key.file == table.ordinal],
        wanted=table.wanted,
    )
    with job.scorer.clock.stage(stages.WRITE):
        tally = write_table(
            store,
            file,
            replace(job.columns, batch_rows=ROWS_AT_ONCE),
            output=(job.table_format, job.output_path),
            added_schema=job.added_schema,
            score_names=job.scorer.output_schema.names,
            metadata=job.metadata(run.info["provenance"]),
        )
    _fill_in(job, run, counts=tally.counts)
    job.summary.examples = tally.examples
    bases = sum(commit.key.generation == 0 for commit in session.commits)
    job.summary.resumed_shards = job.summary.num_shards - bases
    job.summary.resumed_rows = job.summary.num_rows - session.num_rows
    summary = job.close_summary(time.perf_counter() - begin)
    _put_json(store, SUMMARY, summary.to_json())
    _put_json(store, TABLE, {"job": facts, "output": describe_output(job.output_path)})
    store.put(SUCCESS, b"")
    store.delete(WRITING)
    return summary


def _fill_in(job: Job, run: Run, *, counts: Mapping[RowStatus, int]) -> None:
    summary = job.summary
    summary.counts = dict(counts)
    summary.similarities = run.histogram() if run.shards else Histogram(*job.similarity_range)
    summary.work = run.work
    summary.num_shards = len(run.shards)


def _put_json(store: FolderStore, name: str, plain: Mapping[str, Any]) -> None:
    store.put(name, (json.dumps(plain, indent=2, ensure_ascii=False) + "\n").encode())
