"""What was decided of each row, as a table: nothing is lost, and every dropped row has a reason."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pc_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pairsift import schema
from pairsift.curation.choice import Choice
from pairsift.curation.rows import FILE, ROW, ScoredRows
from pairsift.curation.scales import Scales
from pairsift.errors import OutputExistsError, UsageError
from pairsift.tables.outputs import open_output

NOT_SCORED = "not_scored"
"""Reason of rows that have no similarity; their status says why."""

BELOW_THRESHOLD = "below_threshold"
"""Reason of rows that have a similarity, and a rule does not keep it."""

SUFFIXES = (".parquet", ".csv")


def score_arrays(
    rows: ScoredRows, scales: Scales, contrast: NDArray[np.float32] | None, part: slice
) -> Mapping[str, pa.Array]:
    """Return the score columns that stand in decisions, of some rows.

    Args:
        rows: Of the run.
        scales: Its calibrated columns.
        contrast: Negative CLIP losses, or None where they were not made.
        part: Which rows.
    """
    floats: dict[str, NDArray[np.float32] | NDArray[np.float64]] = {
        schema.SIMILARITY: rows.similarities,
        schema.PERCENTILE: scales.percentiles,
        schema.P_VALUE: scales.p_values,
        schema.PROBABILITY: scales.probabilities,
    }
    if contrast is not None:
        floats[schema.NEGATIVE_CLIP_LOSS] = contrast
    return {name: pa.array(values[part], from_pandas=True) for name, values in floats.items()}


def decision_table(choice: Choice) -> pa.Table:
    """Return a row for each row of the run, in its order.

    Columns: ``file`` and ``row``, the similarity, the calibrated columns, ``keep``, and the list
    ``drop_reasons``, empty where the row is kept.
    """
    rows = choice.rows
    contrast = None if choice.contrast is None else choice.contrast.values
    which = np.where(choice.keep, 0, np.where(rows.scored, 2, 1)).astype(np.int8)
    reasons = pa.array([[], [NOT_SCORED], [BELOW_THRESHOLD]], pa.list_(pa.string()))
    return pa.table(
        {
            FILE: pa.array(rows.files),
            ROW: pa.array(rows.rows),
            **score_arrays(rows, choice.scales, contrast, slice(None)),
            schema.KEEP: pa.array(choice.keep),
            schema.DROP_REASONS: reasons.take(pa.array(which)),
        }
    )


def joined_reasons(reasons: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Return lists of reasons as text, for formats without lists: ``swap;below_threshold``."""
    return pc.binary_join(reasons, ";")


def check_decision_path(path: Path, *, overwrite: bool) -> None:
    """Refuse a place where decisions cannot be written, before anything is computed.

    Raises:
        UsageError: The suffix is neither .parquet nor .csv.
        OutputExistsError: It exists already, or its folder does not.
    """
    if path.suffix.lower() not in SUFFIXES:
        message = f"{path.name}: decisions are written as {' or '.join(SUFFIXES)}"
        raise UsageError(message)
    if path.exists() and not overwrite:
        message = f"{path} exists already (hint: --overwrite replaces it)"
        raise OutputExistsError(message)
    if not path.parent.is_dir():
        message = f"no such folder: {path.parent}"
        raise OutputExistsError(message)


def write_decisions(choice: Choice, path: Path) -> None:
    """Write the decisions; the file appears whole or not at all.

    Args:
        choice: What was decided.
        path: Ends in .parquet or .csv.
    """
    table = decision_table(choice)
    with open_output(path) as stream:
        if path.suffix.lower() == ".csv":
            pc_csv.write_csv(_without_lists(table), stream)
        else:
            pq.write_table(table, stream, compression="zstd")


def _without_lists(table: pa.Table) -> pa.Table:
    names: Sequence[str] = table.column_names
    joined = joined_reasons(table.column(schema.DROP_REASONS))
    return table.set_column(names.index(schema.DROP_REASONS), schema.DROP_REASONS, joined)
