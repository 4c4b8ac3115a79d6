"""One pass from table to table, without a run folder: for pipes."""

import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from pairsift import schema, stages
from pairsift.engines.ahead import read_ahead
from pairsift.engines.jobs import Job
from pairsift.engines.opening import InputTable
from pairsift.job import JobSummary, Progress
from pairsift.memory import ShardMemory
from pairsift.protocols import TableBatch
from pairsift.runs.commits import Work
from pairsift.statuses import RowStatus
from pairsift.tables.enriched import open_enriched


def score_to_stdout(job: Job, *, on_progress: Callable[[Progress], None]) -> JobSummary:
    """Write every row to standard output as soon as it is scored.

    Args:
        job: What is read and how it is scored.
        on_progress: Called after every batch.

    Returns:
        What was done.
    """
    begin = time.perf_counter()
    summary, scorer = job.summary, job.scorer
    counted = job.count_rows()
    total = None if counted is None else sum(counted)
    with open_enriched(
        None,
        [table.reader for table in job.tables],
        image_column=job.columns.image,
        added_schema=job.added_schema,
        metadata=job.metadata(vars(summary.provenance)),
        copy_images=job.config.output.copy_images,
    ) as writer:
        for table, batch, added in _score(job):
            _count(summary, batch, added, table)
            seconds = time.perf_counter() - begin
            on_progress(Progress(summary.num_rows, total, summary.num_failed, seconds))
            with scorer.clock.stage(stages.WRITE):
                writer.write(batch, added.rename_columns(job.added_schema.names))
    summary.work = Work(truncated_captions=scorer.num_truncated)
    return job.close_summary(time.perf_counter() - begin)


def _score(job: Job) -> Iterator[tuple[InputTable, TableBatch, pa.RecordBatch]]:
    waiting: deque[tuple[InputTable, TableBatch]] = deque()
    scorer = job.scorer
    batches = read_ahead(_read(job))

    def feed() -> Iterator[tuple[pa.RecordBatch, ShardMemory]]:
        while True:
            with scorer.clock.stage(stages.READ):
                found = next(batches, None)
            if found is None:
                return
            waiting.append(found)
            yield found[1].pairs, scorer.new_memory(root=found[0].root)

    names = scorer.output_schema.names
    for scored in scorer.stream_shards(feed()):
        yield *waiting.popleft(), scored.select(names)


def _read(job: Job) -> Iterator[tuple[InputTable, TableBatch]]:
    for table in job.tables:
        for batch in table.reader.read_batches(
            image_column=job.columns.image,
            caption_column=job.columns.caption,
            batch_rows=job.columns.batch_rows,
            rows=table.wanted,
        ):
            yield table, batch


def _count(
    summary: JobSummary, batch: TableBatch, added: pa.RecordBatch, table: InputTable
) -> None:
    rows = table.wanted
    begin = 0 if rows is None else bisect_left(rows, batch.first_row)
    statuses = added.column(schema.STATUS)
    for entry in statuses.value_counts().to_pylist():
        status = RowStatus(entry["values"])
        summary.counts[status] = summary.counts.get(status, 0) + entry["counts"]
        if status is not RowStatus.OK and status not in summary.examples:
            row = pc.index(statuses, status.value).as_py()
            ordinal = batch.first_row + row if rows is None else rows[begin + row]
            summary.examples[status] = (ordinal, added.column(schema.ERROR)[row].as_py())
    summary.similarities.add(added.column(schema.SIMILARITY).drop_null().to_numpy())
