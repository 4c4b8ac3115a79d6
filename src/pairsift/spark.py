"""Score a Spark DataFrame; the extra ``spark``.

Spark moves the rows, and pairsift's batch function scores them in its Python workers, each of which
loads the model once.
"""

import logging
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

try:
    import pandas as _  # noqa: F401, ICN001 - mapInArrow needs it, and pyspark does not bring it
    from pyspark.sql import DataFrame
    from pyspark.sql import types as spark_types
except ImportError as error:
    from pairsift.errors import MissingExtraError

    _message = 'Spark is not installed: pip install "pairsift[spark]"'
    raise MissingExtraError(_message) from error

from pairsift.build import build_scorer
from pairsift.config import ScoreConfig
from pairsift.engines.opening import bind_precision
from pairsift.engines.spark import BatchScorer
from pairsift.errors import UsageError
from pairsift.tables.columns import added_names, find_columns

ROWS_SETTING = "spark.sql.execution.arrow.maxRecordsPerBatch"
MAX_ROWS = 1024
"""Rows of an Arrow batch with pictures in it: at 200 kB each, 200 MB in every Python worker."""

_SPARK_TYPES: dict[pa.DataType, spark_types.DataType] = {
    pa.float32(): spark_types.FloatType(),
    pa.string(): spark_types.StringType(),
    pa.int32(): spark_types.IntegerType(),
    pa.bool_(): spark_types.BooleanType(),
}

_log = logging.getLogger(__name__)


def score(
    df: DataFrame,
    *,
    image_column: str | None = None,
    caption_column: str | None = None,
    model: str | None = None,
    measure: str | None = None,
    config: ScoreConfig | None = None,
) -> DataFrame:
    """Return a DataFrame with the score columns added, row for row.

    The model is built once here, which finds what is wrong with the options and settles
    ``precision auto`` for all workers, and once in each Python worker.

    Args:
        df: Any rows; the image column holds references or the encoded images themselves
            (binary). Paths are read by the workers, so they have to be on a disk that all share.
        image_column: Column with the image (default: by usual names).
        caption_column: Column with the caption (default: by usual names).
        model: A name from ``pairsift models list``, a folder, or ``hf:ORG/NAME[@REVISION]``.
        measure: A name from ``pairsift measures``.
        config: Every other option. Relative paths start at ``config.table.image_root``, else at
            the working folder of this process.

    Returns:
        Lazy, as all of Spark: nothing is scored before its rows are asked for.

    Raises:
        UsageError: A column, a name or an option is not as it must be.
        ModelError: The model's files are missing, wrong or unsound.
    """
    config = _bind(config or ScoreConfig(), df, image_column, caption_column)
    if model is not None:
        config = replace(config, model=replace(config.model, model=model))
    if measure is not None:
        config = replace(config, measure=measure)
    columns = find_columns(df.columns, config.table)
    root = Path(config.table.image_root or ".").absolute()
    with closing(build_scorer(config, root)) as scorer:
        schema = scorer.output_schema
        config = bind_precision(config, {"provenance": vars(scorer.encoder.provenance)})
    added = added_names(df.columns, schema.names, config.output.column_prefix)
    fields = list(df.schema.fields)
    for name, field in zip(added, schema, strict=True):
        fields.append(spark_types.StructField(name, _SPARK_TYPES[field.type]))
    scorer_of_batches = BatchScorer(build_scorer, config, str(root), columns, tuple(added))
    _warn_of_large_batches(df, columns[0])
    return df.mapInArrow(scorer_of_batches.__call__, spark_types.StructType(fields))


def _bind(
    config: ScoreConfig, df: DataFrame, image_column: str | None, caption_column: str | None
) -> ScoreConfig:
    """Return the config with the columns, and the processors that Spark gives to a task."""
    table = config.table
    if table.caption_list is not None or table.limit is not None or table.sample is not None:
        message = "caption_list, limit and sample are for tables in files; use Spark's own"
        raise UsageError(message)
    table = replace(
        table,
        image_column=image_column or table.image_column,
        caption_column=caption_column or table.caption_column,
    )
    threads = config.model.threads or int(df.sparkSession.conf.get("spark.task.cpus", "1") or 1)
    return replace(config, table=table, model=replace(config.model, threads=threads))


def _warn_of_large_batches(df: DataFrame, image_column: str) -> None:
    holds_pictures = not isinstance(df.schema[image_column].dataType, spark_types.StringType)
    rows = int(df.sparkSession.conf.get(ROWS_SETTING, "10000") or 10_000)
    if holds_pictures and not 0 < rows <= MAX_ROWS:
        _log.warning(
            "%s is %s, and so many pictures pass to each Python worker at once: "
            "spark.conf.set(%r, %d) keeps memory low",
            ROWS_SETTING,
            rows,
            ROWS_SETTING,
            256,
        )
