"""What the README shows: three functions over the parts below."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from pairsift.build import build_calculator, build_given_scorer, build_scorer
from pairsift.calculator import ImageTextSimilarityCalculator
from pairsift.config import ScoreConfig
from pairsift.engines import local
from pairsift.engines.sessions import Engine
from pairsift.errors import UsageError
from pairsift.job import JobSummary, Progress
from pairsift.protocols import TableReader
from pairsift.scorers import Scorer
from pairsift.tables.caption_lists import fold_scores
from pairsift.tables.columns import added_names, find_columns
from pairsift.tables.embeddings import find_embeddings
from pairsift.tables.exploded import ExplodedReader
from pairsift.tables.formats import batch_to_arrow, empty_table, open_table
from pairsift.tables.in_memory import MemoryReader
from pairsift.tables.inputs import find_inputs
from pairsift.tables.vectors import arrays_name


class ArrowStream(Protocol):
    """Anything that speaks the Arrow C stream: pandas, polars, pyarrow, duckdb and others."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return a capsule of an ArrowArrayStream."""


def load_calculator(
    model: str | None = None, *, measure: str | None = None, config: ScoreConfig | None = None
) -> ImageTextSimilarityCalculator:
    """Return a calculator for images and captions that are already in memory.

    Args:
        model: A name from ``pairsift models list``, a folder, or ``hf:ORG/NAME[@REVISION]``.
        measure: A name from ``pairsift measures``.
        config: Every other option.

    Raises:
        UsageError: There is no such model or measure.
        ModelError: The model's files are missing, wrong or unsound.

    Example:
        >>> from pairsift.config import ModelConfig
        >>> fake = ScoreConfig(model=ModelConfig(runtime="fake"))
        >>> load_calculator(config=fake).measure.name
        'cosine'
    """
    return build_calculator(_with(config, model=model, measure=measure))


def score_file(
    input_path: str | Path,
    output_path: str | Path | None,
    *,
    config: ScoreConfig | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
    announce: Callable[[str], None] | None = None,
    command: Sequence[str] = (),
) -> JobSummary:
    """Write a table again with the score columns added; see ``engines.local.score_file``.

    What is scored is kept in a run folder beside the output, so that the same call goes on where
    an earlier one was stopped.

    Args:
        input_path: The table.
        output_path: Where the enriched table goes; None for standard output.
        config: Every option of the job.
        on_progress: Called after every batch.
        announce: Told what the user should know, such as a licence (default: a log line).
        command: What was typed, to say later how to resume.

    Returns:
        What was done, over the whole run.
    """
    config = config or ScoreConfig()
    return local.score_file(
        config,
        Path(input_path),
        output_path=None if output_path is None else Path(output_path),
        build=_choose_build(config, str(input_path), announce),
        engine=_choose_engine(config, str(input_path), announce),
        on_progress=on_progress,
        command=command,
    )


def score_table(
    table: str | Path | ArrowStream,
    *,
    model: str | None = None,
    measure: str | None = None,
    config: ScoreConfig | None = None,
) -> pa.Table:
    """Return a table with the score columns added.

    Args:
        table: A path, or anything that speaks the Arrow C stream. Relative image paths start at
            ``config.table.image_root``, else at the table's folder, else at the working folder.
        model: A name from ``pairsift models list``, a folder, or ``hf:ORG/NAME[@REVISION]``.
        measure: A name from ``pairsift measures``.
        config: Every other option.

    Returns:
        The input's rows and columns in order, with the added columns last.

    Raises:
        UsageError: The table, a column or a name is not as it must be.
        ModelError: The model's files are missing, wrong or unsound.
    """
    config = _with(config, model=model, measure=measure)
    build: local.Build = build_scorer
    if isinstance(table, str | Path):
        path = Path(table)
        if path.is_dir() and config.table.from_embeddings is not None:
            message = f"{path} is a folder: name one .npz or img_emb_N.npy, or use score_file"
            raise UsageError(message)
        build = _choose_build(config, str(path))
        return _score_reader(open_table(path, config.table), config, build)
    if not hasattr(table, "__arrow_c_stream__"):
        message = (
            f"a {type(table).__name__} is no table; give a path, or a frame (pandas, polars, …)"
        )
        raise UsageError(message)
    whole = pa.RecordBatchReader.from_stream(table).read_all()
    inner, how = MemoryReader(whole, config.table), config.table.caption_list
    reader = inner if how is None else ExplodedReader(inner, config.table, how)
    return _score_reader(reader, config, build)


def _choose_engine(
    config: ScoreConfig, input_path: str, tell: Callable[[str], None] | None
) -> Engine | None:
    if config.engine.engine == "local":
        return None
    from pairsift.engines.ray import RayEngine

    return RayEngine(config.engine, _choose_build(config, input_path), tell=tell)


def _score_reader(reader: TableReader, config: ScoreConfig, build: local.Build) -> pa.Table:
    columns = find_columns(reader.column_names, config.table)
    with closing(build(config, Path(config.table.image_root or reader.image_root))) as scorer:
        return _score_rows(reader, columns, config=config, scorer=scorer)


def _score_rows(
    reader: TableReader, columns: tuple[str, str], *, config: ScoreConfig, scorer: Scorer
) -> pa.Table:
    image_column, caption_column = columns
    names = added_names(
        reader.column_names, scorer.output_schema.names, config.output.column_prefix
    )
    batches = reader.read_batches(
        image_column=image_column,
        caption_column=caption_column,
        batch_rows=scorer.batch_rows,
        rows=local.choose_rows(reader.count_rows, config.table),
    )
    folds = isinstance(reader, ExplodedReader) and reader.how != "rows"
    kept: list[pa.RecordBatch] = []
    counts: list[Sequence[int]] = []

    def pairs() -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if isinstance(reader, ExplodedReader) and folds:
                rows, captions = reader.whole_rows(batch)
                kept.append(rows)
                counts.append(captions)
            else:
                kept.append(batch_to_arrow(reader, batch))
            yield batch.pairs

    added = list(scorer.stream(pairs()))
    if folds:
        is_mean = config.table.caption_list == "mean"
        pieces = zip(added, counts, strict=True)
        added = [fold_scores(scores, of, is_mean=is_mean) for scores, of in pieces]
    if not kept:
        empty = reader.inner if isinstance(reader, ExplodedReader) and folds else reader
        return _append(empty_table(empty), added, scorer=scorer, names=names)
    return _append(pa.Table.from_batches(kept), added, scorer=scorer, names=names)


def _choose_build(
    config: ScoreConfig, argument: str, announce: Callable[[str], None] | None = None
) -> local.Build:
    """Return what makes the scorer: of a model, or of embeddings that are there already."""
    if config.table.from_embeddings is None:
        return partial(build_scorer, announce=announce)
    first = find_inputs(argument, config.table)[0]
    (part,) = find_embeddings(first, model=arrays_name(config.table))
    return partial(build_given_scorer, part=part, announce=announce)


def _append(
    table: pa.Table, added: Iterable[pa.RecordBatch], *, scorer: Scorer, names: Sequence[str]
) -> pa.Table:
    columns = pa.Table.from_batches(added, schema=scorer.output_schema)
    for name, column in zip(names, columns.columns, strict=True):
        table = table.append_column(name, column)
    return table


def _with(config: ScoreConfig | None, *, model: str | None, measure: str | None) -> ScoreConfig:
    config = config or ScoreConfig()
    if model is not None:
        config = replace(config, model=replace(config.model, model=model))
    return config if measure is None else replace(config, measure=measure)
