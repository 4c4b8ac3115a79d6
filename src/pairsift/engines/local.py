"""Score a table in this process: what is left of its run, then the table from the run."""

import errno
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from pairsift.config import ScoreConfig, TableConfig
from pairsift.engines.direct import score_to_stdout
from pairsift.engines.jobs import Job
from pairsift.engines.opening import InputTable, bind_precision, find_run, look_at_run
from pairsift.engines.outputs import check_output, run_folder
from pairsift.engines.resuming import score_in_run
from pairsift.errors import JobError, UsageError
from pairsift.job import JobSummary, Progress
from pairsift.runs.store import FolderStore
from pairsift.scoring import PairScorer
from pairsift.tables.columns import find_columns
from pairsift.tables.formats import format_of, open_table

__all__ = ["Build", "check_output", "choose_rows", "run_folder", "score_file"]

NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

Build = Callable[[ScoreConfig, Path], PairScorer]


def score_file(
    config: ScoreConfig,
    input_path: Path,
    *,
    output_path: Path | None,
    build: Build,
    on_progress: Callable[[Progress], None] = lambda _: None,
    command: Sequence[str] = (),
) -> JobSummary:
    """Write the table again with the score columns added.

    What is scored is kept in a run folder, shard by shard, so that the same call goes on where an
    earlier one was stopped. To standard output without ``config.run.run`` there is none.

    Args:
        config: Every option of the job.
        input_path: The table.
        output_path: Where the enriched table goes; None for standard output.
        build: Makes the scorer, given the folder that relative references start from.
        on_progress: Called after every batch.
        command: What was typed, to say later how to resume.

    Returns:
        What was done, over the whole run.

    Raises:
        UsageError: The table, a column, the output or the run is not as it must be (exit code 2).
        ModelError: The model cannot be found or is unsound.
        JobError: The disk is full or the input vanished; what was finished stays.
    """
    reader = open_table(input_path, config.table)
    table_format = format_of(input_path)
    store = find_run(config, output_path)
    manifest = None
    if store is not None:
        manifest = look_at_run(store, config, input_path=input_path, output_path=output_path)
    if output_path is not None and format_of(output_path) is not table_format:
        message = (
            f"{output_path.name}: the output keeps the input's format; "
            f"give a name ending in {input_path.suffix}"
        )
        raise UsageError(message)
    columns = find_columns(reader.column_names, config.table)
    wanted = choose_rows(reader.count_rows, config.table)
    table = InputTable(0, input_path, reader, wanted)
    begin = time.perf_counter()
    config = bind_precision(config, manifest)
    with closing(build(config, Path(config.table.image_root or input_path.parent))) as scorer:
        job = Job(
            config,
            scorer,
            table=table,
            table_format=table_format,
            output_path=output_path,
            columns=columns,
        )
        job.summary.setup_seconds = time.perf_counter() - begin
        try:
            if store is None:
                return score_to_stdout(job, on_progress=on_progress)
            return score_in_run(job, store, on_progress=on_progress, command=command)
        except OSError as error:
            raise _job_error(error, config, output_path, store) from error


def choose_rows(count_rows: Callable[[], int], config: TableConfig) -> Sequence[int] | None:
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
        return range(num_rows)
    generator = np.random.default_rng(config.seed)
    chosen: list[int] = sorted(
        generator.choice(num_rows, size=config.sample, replace=False).tolist()
    )
    return chosen


def _job_error(
    error: OSError, config: ScoreConfig, output_path: Path | None, store: FolderStore | None
) -> Exception:
    if isinstance(error, BrokenPipeError):
        return error
    kept = "nothing was left behind"
    if store is not None:
        kept = f"what was finished stays in {store.root}; the same command resumes"
        if config.output.overwrite:
            kept += ", without --overwrite"
    if error.errno in NO_SPACE:
        where = output_path or "standard output"
        return JobError(f"no space left while writing {where}; {kept}")
    return JobError(f"{error.strerror or error}: {error.filename or output_path}; {kept}")
