"""One pass from table to table, without a run folder: for pipes."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from pairsift import schema, stages
from pairsift.engines.ahead import read_ahead
from pairsift.engines.jobs import Job
from pairsift.job import JobSummary, Progress
from pairsift.protocols import TableBatch
from pairsift.runs.commits import Work
from pairsift.statuses import RowStatus


def score_to_stdout(job: Job, *, on_progress: Callable[[Progress], None]) -> JobSummary:
    """Write every row to standard output as soon as it is scored.

    Args:
        job: What is read and how it is scored.
        on_progress: Called after every batch.

    Returns:
        What was done.
    """
    begin = time.perf_counter()
    summary, scorer, table, total = job.summary, job.scorer, job.table, job.rows_total
    with job.table_format.open_writer(
        None,
        reader=table.reader,
        added_schema=job.added_schema,
        metadata=job.metadata(vars(summary.provenance)),
    ) as writer:
        for batch, added in _score(job):
            _count(summary, batch, added, table.wanted)
            seconds = time.perf_counter() - begin
            on_progress(Progress(summary.num_rows, total, summary.num_failed, seconds))
            with scorer.clock.stage(stages.WRITE):
                writer.write(batch, added.rename_columns(job.added_schema.names))
    summary.work = Work(truncated_captions=scorer.num_truncated)
    return job.close_summary(time.perf_counter() - begin)


def _score(job: Job) -> Iterator[tuple[TableBatch, pa.RecordBatch]]:
    waiting: deque[TableBatch] = deque()
    scorer = job.scorer
    batches = read_ahead(
        job.table.reader.read_batches(
            image_column=job.columns.image,
            caption_column=job.columns.caption,
            batch_rows=job.columns.batch_rows,
            rows=job.table.wanted,
        )
    )

    def pairs() -> Iterator[pa.RecordBatch]:
        while True:
            with scorer.clock.stage(stages.READ):
                batch = next(batches, None)
            if batch is None:
                return
            waiting.append(batch)
            yield batch.pairs

    for added in scorer.stream(pairs()):
        yield waiting.popleft(), added


def _count(
    summary: JobSummary, batch: TableBatch, added: pa.RecordBatch, rows: Sequence[int] | None
) -> None:
    begin = summary.num_rows
    statuses = added.column(schema.STATUS)
    for entry in statuses.value_counts().to_pylist():
        status = RowStatus(entry["values"])
        summary.counts[status] = summary.counts.get(status, 0) + entry["counts"]
        if status is not RowStatus.OK and status not in summary.examples:
            row = pc.index(statuses, status.value).as_py()
            ordinal = batch.first_row + row if rows is None else rows[begin + row]
            summary.examples[status] = (ordinal, added.column(schema.ERROR)[row].as_py())
    summary.similarities.add(added.column(schema.SIMILARITY).drop_null().to_numpy())
