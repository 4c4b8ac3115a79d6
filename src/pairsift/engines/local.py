"""Score a table in this process: what is left of its run, then the table from the run."""

import errno
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from pairsift.config import ScoreConfig, TableConfig
from pairsift.engines.direct import score_to_stdout
from pairsift.engines.jobs import Job, Output
from pairsift.engines.opening import (
    InputTable,
    bind_precision,
    check_outputs,
    find_run,
    look_at_run,
)
from pairsift.engines.outputs import check_output, run_folder, without_own_output
from pairsift.engines.reading import split_rows
from pairsift.engines.resuming import score_in_run
from pairsift.engines.sessions import Engine
from pairsift.engines.sharded import LocalEngine
from pairsift.errors import ColumnError, JobError, OfflineError, OutputExistsError, UsageError
from pairsift.job import JobSummary, Progress
from pairsift.objects import as_address
from pairsift.protocols import TableReader
from pairsift.runs.store import RunStore
from pairsift.scorers import Scorer
from pairsift.tables.columns import find_columns
from pairsift.tables.enriched import check_alike
from pairsift.tables.formats import open_table, output_format_of
from pairsift.tables.inputs import find_inputs, output_paths
from pairsift.tables.staging import shown

__all__ = ["Build", "check_output", "choose_rows", "run_folder", "score_file"]

NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

Build = Callable[[ScoreConfig, Path], Scorer]


def score_file(
    config: ScoreConfig,
    input_path: Path,
    *,
    output_path: Path | None,
    build: Build,
    engine: Engine | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
    command: Sequence[str] = (),
) -> JobSummary:
    """Write the table again with the score columns added.

    What is scored is kept in a run folder, shard by shard, so that the same call goes on where an
    earlier one was stopped. To standard output without ``config.run.run`` there is none.

    Args:
        config: Every option of the job.
        input_path: A table, a folder, a glob or a range in braces, as ``find_inputs`` takes it.
        output_path: Where the enriched table goes; None for standard output. Of several inputs a
            name with a table's suffix takes all rows, and a folder one table for each.
        build: Makes the scorer, given the folder that relative references start from.
        engine: Where shards are scored (default: in this process).
        on_progress: Called after every batch.
        command: What was typed, to say later how to resume.

    Returns:
        What was done, over the whole run.

    Raises:
        UsageError: The table, a column, the output or the run is not as it must be (exit code 2).
        ModelError: The model cannot be found or is unsound.
        JobError: The disk is full or the input vanished; what was finished stays.
    """
    check_offline(config, [input_path, output_path, config.run.run, config.table.image_root])
    store = find_run(config, output_path)
    inputs = find_inputs(shown(input_path), config.table)
    if store is not None and output_path is not None:
        inputs = without_own_output(store, inputs, output_path)
    readers = [open_table(path, config.table) for path in inputs]
    manifest = None if store is None else look_at_run(store, config)
    if store is None and engine is not None:
        message = "an engine of several processes needs a run folder: name an output, or --run DIR"
        raise UsageError(message)
    outputs = _find_outputs(output_path, inputs)
    paths = [path for path, _ in outputs if path is not None]
    check_outputs(paths, inputs=inputs, config=config, store=store, manifest=manifest)
    for _, ordinals in outputs:
        check_alike([readers[ordinal] for ordinal in ordinals])
    columns = _find_columns(readers, config.table)
    tables = _choose_tables(readers, config.table)
    begin = time.perf_counter()
    config = bind_precision(config, manifest)
    root = Path(config.table.image_root or readers[0].image_root)
    with closing(build(config, root)) as scorer:
        job = Job(
            config,
            scorer,
            tables=tables,
            outputs=outputs,
            columns=columns,
            names=(shown(input_path), None if output_path is None else shown(output_path)),
        )
        job.summary.setup_seconds = time.perf_counter() - begin
        try:
            if store is None:
                return score_to_stdout(job, on_progress=on_progress)
            return score_in_run(
                job,
                store,
                engine=engine or LocalEngine(),
                on_progress=on_progress,
                command=command,
            )
        except OSError as error:
            raise _job_error(error, config, output_path, store) from error


def _find_outputs(output_path: Path | None, inputs: Sequence[Path]) -> list[Output]:
    is_folder = output_path is not None and len(inputs) > 1 and not output_path.suffix
    if is_folder and output_path is not None and as_address(output_path) is None:
        if not output_path.parent.is_dir():
            message = f"no such folder: {output_path.parent}"
            raise OutputExistsError(message)
        output_path.mkdir(exist_ok=True)
    outputs = output_paths(output_path, inputs, is_folder=is_folder)
    for path, _ in outputs:
        if path is not None:
            output_format_of(path)  # so that a suffix without a format is said before the work
    return outputs


def check_offline(config: ScoreConfig, places: Sequence[str | Path | None]) -> None:
    """Refuse places in object stores where no socket may be opened.

    Raises:
        OfflineError: One is there.
    """
    if not config.model.offline:
        return
    for place in places:
        if place is not None and (address := as_address(place)) is not None:
            message = f"--offline opens no socket, and {address} is in an object store"
            raise OfflineError(message)


def _find_columns(readers: Sequence[TableReader], config: TableConfig) -> tuple[str, str]:
    # An empty file of JSON lines has no columns, and no rows to miss them.
    named = [reader for reader in readers if reader.column_names] or readers
    columns = find_columns(named[0].column_names, config)
    for reader in named[1:]:
        for name in columns:
            if name not in reader.column_names:
                available = ", ".join(reader.column_names)
                message = f"{reader.path}: column {name} not found; available: {available}"
                raise ColumnError(message)
    return columns


def _choose_tables(readers: Sequence[TableReader], config: TableConfig) -> list[InputTable]:
    counts: list[int] = []

    def count_rows() -> int:
        counts.extend(reader.count_rows() for reader in readers)
        return sum(counts)

    chosen = choose_rows(count_rows, config)
    wanted: Sequence[Sequence[int] | None] = [None] * len(readers)
    if chosen is not None:
        wanted = split_rows(chosen, counts)
    roots = [
        None
        if config.image_root or reader.image_root == readers[0].image_root
        else reader.image_root
        for reader in readers
    ]
    return [
        InputTable(ordinal, reader.path, reader, wanted[ordinal], roots[ordinal])
        for ordinal, reader in enumerate(readers)
    ]


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
    error: OSError, config: ScoreConfig, output_path: Path | None, store: RunStore | None
) -> Exception:
    if isinstance(error, BrokenPipeError):
        return error
    kept = "nothing was left behind"
    if store is not None:
        kept = f"what was finished stays in {store.location}; the same command resumes"
        if config.output.overwrite:
            kept += ", without --overwrite"
    if error.errno in NO_SPACE:
        where = "standard output" if output_path is None else shown(output_path)
        return JobError(f"no space left while writing {where}; {kept}")
    return JobError(f"{error.strerror or error}: {error.filename or output_path}; {kept}")
