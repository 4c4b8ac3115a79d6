"""Score in a run folder: what is left, what is to be scored again, and then the table."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from pairsift import stages
from pairsift.engines.finishing import Enriched, FinishedFile, Tally, write_table
from pairsift.engines.jobs import Job
from pairsift.engines.logging import ShardLog, open_log
from pairsift.engines.opening import open_or_create
from pairsift.engines.outputs import (
    describe_output,
    drop_finished_marks,
    drop_notes,
    is_own_output,
    note_output,
    read_written,
    sweep_run,
)
from pairsift.engines.reading import PieceReader
from pairsift.engines.retrying import (
    Retry,
    begin_retry,
    choose_retries,
    finish_retry,
    parse_statuses,
)
from pairsift.engines.sessions import Engine, FileWork, Session
from pairsift.histograms import Histogram
from pairsift.job import JobSummary, Progress
from pairsift.runs.commits import Commit
from pairsift.runs.layout import PLAN, SUCCESS, SUMMARY, TABLE, WRITING
from pairsift.runs.manifest import describe_input
from pairsift.runs.marks import make_mark
from pairsift.runs.overlays import Layers
from pairsift.runs.ownership import check_run, run_id_of
from pairsift.runs.plan import Coverage, pending
from pairsift.runs.reading import Run
from pairsift.runs.store import RunStore, open_store
from pairsift.statuses import RowStatus
from pairsift.tables.outputs import told_before_naming
from pairsift.tables.staging import KEEP_SECONDS, keep_copies, shown

ROWS_AT_ONCE = 4096


def score_in_run(
    job: Job,
    store: RunStore,
    *,
    engine: Engine,
    on_progress: Callable[[Progress], None],
    command: Sequence[str],
) -> JobSummary:
    """Finish a run, whatever of it is done, and write its table.

    Args:
        job: What is read and how it is scored.
        store: The run folder.
        engine: Where it is scored.
        on_progress: Called after every batch.
        command: What was typed, to say later how to resume.

    Returns:
        What was done, over the whole run.

    Raises:
        RunFolderError: The run is of another configuration.
        JobError: The input changed.
        UnknownNameError: No such status can be retried.
    """
    wish = job.config.run.retry
    if wish is not None:
        parse_statuses(wish)  # before there is a folder
    columns = (job.columns.image, job.columns.caption)
    manifest = open_or_create(
        store, job.config, job.scorer, columns=columns, tables=job.tables, command=command
    )
    run = Run(store, manifest)
    sweep_run(store, [path for path, _ in job.outputs if path is not None])
    job.summary.run = store.location
    if wish is None and _is_done(job, store):
        return _describe_finished(job, run)
    begin = time.perf_counter()
    with open_log(job.config.run.log_json) as log:
        session = _begin_session(job, run, on_progress=on_progress, log=log)
        retry = None if wish is None else begin_retry(store, wish)
        store.delete(SUCCESS)  # until the table says again what the run says
        _score_left(job, run, session, engine)
        if retry is not None:
            _score_again(job, session, engine, retry_of=Run(store, manifest), retry=retry)
            finish_retry(store, retry)
    return _finish(job, Run(store, manifest), session, begin=begin)


def _begin_session(
    job: Job,
    run: Run,
    *,
    on_progress: Callable[[Progress], None],
    log: ShardLog,
) -> Session:
    rows = job.count_rows()
    if rows is not None:
        run.store.put(PLAN, json.dumps({"rows": rows}).encode())
    counts = run.counts
    return Session(
        config=job.config,
        store=run.store,
        run_id=run_id_of(run.info),
        scorer=job.scorer,
        similarity_range=job.similarity_range,
        on_progress=on_progress,
        on_commit=_note(job, log),
        on_event=log.event,
        rows_before=run.num_rows,
        failed_before=sum(counts.values()) - counts.get(RowStatus.OK, 0),
        rows_total=None if rows is None else sum(rows),
    )


def _note(job: Job, log: ShardLog) -> Callable[[Commit], None]:
    """Return what is told of every commit: the log, and now and then who else makes copies."""
    last = time.monotonic()

    def note(commit: Commit) -> None:
        nonlocal last
        log.commit(commit)
        if time.monotonic() - last >= KEEP_SECONDS:
            last = time.monotonic()
            keep_copies(table.path for table in job.tables)

    return note


def _score_left(job: Job, run: Run, session: Session, engine: Engine) -> None:
    bases: dict[int, list[Commit]] = {}
    for shard in run.shards:
        bases.setdefault(shard.base.key.file, []).append(shard.base)

    def work() -> Iterator[FileWork]:
        for table in job.tables:
            spans = table.reader.plan(run.info["shard_rows"])
            coverage = Coverage(bases.get(table.ordinal, []))
            pieces = pending(spans, coverage, file=table.ordinal, wanted=table.wanted)
            reader = PieceReader(
                table.reader, job.columns, wanted=table.wanted, name=shown(table.path)
            )
            yield FileWork(reader, pieces, table.root)

    engine.score(job, session, work())


def _score_again(
    job: Job, session: Session, engine: Engine, *, retry_of: Run, retry: Retry
) -> None:
    choose_retries(retry_of.store, retry_of.shards, retry)
    total = retry_of.num_rows
    session.rows_total = total
    session.rows_before = total - retry.num_rows - session.num_rows

    def work() -> Iterator[FileWork]:
        for table in job.tables:
            pieces = retry.pieces.get(table.ordinal, [])
            rows = [row for piece in pieces for row in piece.rows]
            reader = PieceReader(table.reader, job.columns, wanted=rows, name=shown(table.path))
            yield FileWork(reader, pieces, table.root)

    engine.score(job, session, work(), replaced=retry.replaced.__getitem__)


def _is_done(job: Job, store: RunStore) -> bool:
    """Say whether the tables are there, are this run's, and are of these inputs and columns."""
    written = read_written(store)
    if written is None or not store.exists(SUCCESS) or job.summary.output is None:
        return False
    are_there = all(
        path is not None and describe_output(path) is not None and is_own_output(store, path)
        for path, _ in job.outputs
    )
    return are_there and written["job"] == _facts(job)


def _facts(job: Job) -> dict[str, Any]:
    """Return what the tables depend on beside the scores."""
    return {
        "inputs": [describe_input(table.ordinal, table.path, "") for table in job.tables],
        "added_columns": job.added_schema.names,
        "copy_images": job.config.output.copy_images,
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
    store = run.store
    facts = _facts(job)
    run_id = run_id_of(run.info)
    check_run(store, run_id)
    store.put(WRITING, make_mark())
    naming = told_before_naming(partial(note_output, store))
    with job.scorer.clock.stage(stages.WRITE), naming:
        tally = _write_tables(job, run)
    _fill_in(job, run, counts=tally.counts)
    job.summary.examples = tally.examples
    job.summary.resumed_shards = job.summary.num_shards - session.num_shards
    job.summary.resumed_rows = job.summary.num_rows - session.num_committed
    summary = job.close_summary(time.perf_counter() - begin)
    check_run(store, run_id)
    _put_json(store, SUMMARY, summary.to_json())
    written = [describe_output(path) for path, _ in job.outputs if path is not None]
    _put_json(store, TABLE, {"job": facts, "outputs": written})
    drop_finished_marks(store)
    store.put(SUCCESS, b"")
    drop_notes(store)
    store.delete(WRITING)
    return summary


def _write_tables(job: Job, run: Run) -> Tally:
    by_file: dict[int, list[Layers]] = {}
    for shard in run.shards:
        by_file.setdefault(shard.base.key.file, []).append(shard)
    enriched = Enriched(
        added_schema=job.added_schema,
        score_names=job.scorer.output_schema.names,
        metadata=job.metadata(run.info["provenance"]),
        copy_images=job.config.output.copy_images,
    )
    tally = Tally()
    folder = open_store(str(job.summary.output)) if job.is_folder else None
    if folder is not None:
        folder.delete(SUCCESS)  # while one table is of this session and another of the last
    for path, ordinals in job.outputs:
        files = [
            FinishedFile(
                ordinal=table.ordinal,
                path=table.path,
                reader=table.reader,
                shards=by_file.get(table.ordinal, []),
                wanted=table.wanted,
            )
            for table in (job.tables[ordinal] for ordinal in ordinals)
        ]
        columns = replace(job.columns, batch_rows=ROWS_AT_ONCE)
        tally.merge(write_table(run.store, path, files, columns=columns, enriched=enriched))
    if folder is not None:
        folder.put(SUCCESS, b"")
    return tally


def _fill_in(job: Job, run: Run, *, counts: Mapping[RowStatus, int]) -> None:
    summary = job.summary
    summary.counts = dict(counts)
    summary.similarities = run.histogram() if run.shards else Histogram(*job.similarity_range)
    summary.work = run.work
    summary.num_shards = len(run.shards)


def _put_json(store: RunStore, name: str, plain: Mapping[str, Any]) -> None:
    store.put(name, (json.dumps(plain, indent=2, ensure_ascii=False) + "\n").encode())
