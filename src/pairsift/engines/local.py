"""Score a table in this process: read, decode beside inference, write, in one pass."""

import errno
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pairsift import __version__, schema, stages
from pairsift.config import ScoreConfig, TableConfig, describe
from pairsift.errors import JobError, OutputExistsError, UsageError
from pairsift.histograms import Histogram
from pairsift.job import JobSummary, Progress, write_json
from pairsift.protocols import TableBatch, TableReader
from pairsift.scoring import PairScorer
from pairsift.statuses import RowStatus
from pairsift.tables.columns import added_names, find_columns
from pairsift.tables.formats import format_of, open_table

COUNT_UP_TO_BYTES = 1 << 30
"""Text tables larger than this are not scanned beforehand only to show the remaining time."""

Build = Callable[[ScoreConfig, Path], PairScorer]


def score_file(
    config: ScoreConfig,
    input_path: Path,
    *,
    output_path: Path | None,
    build: Build,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> JobSummary:
    """Write the table again with the score columns added.

    Args:
        config: Every option of the job.
        input_path: The table.
        output_path: Where the enriched table goes; None for standard output.
        build: Makes the scorer, given the folder that relative references start from.
        on_progress: Called after every batch.

    Returns:
        What was done.

    Raises:
        UsageError: The table, a column or the output is not as it must be (exit code 2).
        ModelError: The model cannot be found or is unsound.
        JobError: The disk is full or the input vanished.
    """
    reader = open_table(input_path, config.table)
    input_format = format_of(input_path)
    if output_path is not None:
        check_output(input_path, output_path, overwrite=config.output.overwrite)
        if format_of(output_path) is not input_format:
            message = (
                f"{output_path.name}: the output keeps the input's format; "
                f"give a name ending in {input_path.suffix}"
            )
            raise UsageError(message)
    image_column, caption_column = find_columns(reader.column_names, config.table)
    begin = time.perf_counter()
    scorer = build(config, Path(config.table.image_root or input_path.parent))
    names = added_names(
        reader.column_names, scorer.output_schema.names, config.output.column_prefix
    )
    summary = JobSummary(
        input=str(input_path),
        output=None if output_path is None else str(output_path),
        image_column=image_column,
        caption_column=caption_column,
        added_columns=tuple(names),
        measure=scorer.measure.name,
        provenance=scorer.encoder.provenance,
        similarities=Histogram(*_similarity_range(scorer)),
        setup_seconds=time.perf_counter() - begin,
    )
    added_schema = pa.schema(
        [field.with_name(name) for field, name in zip(scorer.output_schema, names, strict=True)]
    )
    metadata = {"pairsift": __version__, "measure": scorer.measure.name} | {
        key: str(value) for key, value in asdict(summary.provenance).items() if value is not None
    }
    try:
        with input_format.open_writer(
            output_path, reader=reader, added_schema=added_schema, metadata=metadata
        ) as writer:
            for batch, added in _score(
                scorer, reader, config=config, summary=summary, report=on_progress
            ):
                with scorer.clock.stage(stages.WRITE):
                    writer.write(batch, added.rename_columns(names))
    except OSError as error:
        raise _job_error(error, output_path) from error
    finally:
        scorer.close()
    summary.seconds = time.perf_counter() - begin - summary.setup_seconds
    summary.stage_seconds = dict(scorer.clock.seconds)
    summary.limiting_stage = scorer.clock.limiting()
    summary.truncated_captions = scorer.num_truncated
    if scorer.decoding.likeness is not None and (
        words := scorer.decoding.likeness.warning(scorer.encoder.provenance.model)
    ):
        summary.warnings.append(words)
    if output_path is not None:
        facts = {"version": __version__, "config": describe(config), "summary": summary.to_json()}
        write_json(run_folder(output_path) / "run.json", facts)
    return summary


def run_folder(output_path: Path) -> Path:
    """Return where the facts of a job lie: ``b.csv.pairsift`` beside ``b.csv``."""
    return output_path.with_name(output_path.name + ".pairsift")


def check_output(input_path: Path, output_path: Path, *, overwrite: bool) -> None:
    """Refuse an output that would destroy something or has no place to go.

    Raises:
        OutputExistsError: It exists already, is the input itself, or its folder is missing.
    """
    if output_path.exists():
        if output_path.is_dir():
            message = f"{output_path} is a folder; name a file"
            raise OutputExistsError(message)
        if output_path.samefile(input_path):
            message = f"{output_path} is the input itself; choose another output"
            raise OutputExistsError(message)
        if not overwrite:
            message = f"{output_path} exists already (hint: --overwrite replaces it)"
            raise OutputExistsError(message)
    if not output_path.parent.is_dir():
        message = f"no such folder: {output_path.parent}"
        raise OutputExistsError(message)


def choose_rows(count_rows: Callable[[], int], config: TableConfig) -> list[int] | None:
    """Return the ordinals that --limit and --sample leave, or None for all.

    Args:
        count_rows: Asked for the number of rows only where it matters.
        config: Holds ``limit``, ``sample`` and ``seed``; with both, the sample is drawn from the
            first ``limit`` rows.
    """
    if config.limit is None and config.sample is None:
        return None
    num_rows = count_rows()
    if config.limit is not None:
        num_rows = min(num_rows, config.limit)
    if config.sample is None or config.sample >= num_rows:
        return list(range(num_rows))
    generator = np.random.default_rng(config.seed)
    return sorted(generator.choice(num_rows, size=config.sample, replace=False).tolist())


def _score(
    scorer: PairScorer,
    reader: TableReader,
    *,
    config: ScoreConfig,
    summary: JobSummary,
    report: Callable[[Progress], None],
) -> Iterator[tuple[TableBatch, pa.RecordBatch]]:
    """Yield each batch of the table with its added columns."""
    rows = choose_rows(reader.count_rows, config.table)
    total = len(rows) if rows is not None else _count(reader, Path(summary.input))
    waiting: deque[TableBatch] = deque()

    def pairs() -> Iterator[pa.RecordBatch]:
        batches = reader.read_batches(
            image_column=summary.image_column,
            caption_column=summary.caption_column,
            batch_rows=scorer.batch_rows,
            rows=rows,
        )
        while True:
            with scorer.clock.stage(stages.READ):
                batch = next(batches, None)
            if batch is None:
                return
            waiting.append(batch)
            yield batch.pairs

    begin = time.perf_counter()
    for added in scorer.stream(pairs()):
        batch = waiting.popleft()
        _count_batch(summary, batch, added, rows=rows)
        seconds = time.perf_counter() - begin
        report(Progress(summary.num_rows, total, summary.num_failed, seconds))
        yield batch, added


def _count(reader: TableReader, path: Path) -> int | None:
    if path.suffix != ".parquet" and path.stat().st_size > COUNT_UP_TO_BYTES:
        return None
    return reader.count_rows()


def _count_batch(
    summary: JobSummary, batch: TableBatch, added: pa.RecordBatch, *, rows: list[int] | None
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
    similarities = added.column(schema.SIMILARITY).drop_null()
    summary.similarities.add(similarities.to_numpy())


def _similarity_range(scorer: PairScorer) -> tuple[float, float]:
    return (-1.0, 1.0) if scorer.measure.is_distance else scorer.measure.range


def _job_error(error: OSError, output_path: Path | None) -> Exception:
    where = output_path or "standard output"
    if isinstance(error, BrokenPipeError):
        return error
    if error.errno == errno.ENOSPC:
        return JobError(f"no space left while writing {where}; nothing was left behind")
    return JobError(f"{error.strerror or error}: {error.filename or where}")
