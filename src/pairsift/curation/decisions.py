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
from pairsift.curation.balancing import Draw
from pairsift.curation.calibrating import Calibration
from pairsift.curation.choice import Choice
from pairsift.curation.rows import FILE, ROW, ScoredRows
from pairsift.curation.scales import Scales
from pairsift.errors import OutputExistsError, UsageError
from pairsift.tables.outputs import check_local, open_output

NOT_SCORED = "not_scored"
"""Reason of rows that have no similarity; their status says why."""

BELOW_THRESHOLD = "below_threshold"
"""Reason of rows that have a similarity, and a rule does not keep it."""

NO_CATEGORY = "no_category"
"""Reason of rows that belong to no category, where one is needed."""

OVER_CAP = "over_cap"
"""Reason of rows whose category has enough rows without them."""

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


def draw_table(draw: Draw) -> pa.Table:
    """Return a row for each row of the run, with how often it is taken into a more even set.

    Columns: ``file``, ``row``, the similarity, ``category``, ``keep``, ``repeats``,
    ``drop_reasons``.
    """
    rows, labels = draw.choice.rows, draw.dimension.labels
    is_kept, has_category = draw.choice.keep, labels >= 0
    which = np.select(
        [draw.repeats > 0, ~rows.scored, ~is_kept, ~has_category], [0, 1, 2, 3], default=4
    )
    words = [[], [NOT_SCORED], [BELOW_THRESHOLD], [NO_CATEGORY], [OVER_CAP]]
    reasons = pa.array(words, pa.list_(pa.string()))
    names = pa.array([*draw.dimension.names, None], pa.string())
    return pa.table(
        {
            FILE: pa.array(rows.files),
            ROW: pa.array(rows.rows),
            schema.SIMILARITY: pa.array(rows.similarities, from_pandas=True),
            "category": names.take(pa.array(np.where(has_category, labels, len(names) - 1))),
            schema.KEEP: pa.array(draw.repeats > 0),
            "repeats": pa.array(draw.repeats, pa.int32()),
            schema.DROP_REASONS: reasons.take(pa.array(which.astype(np.int8))),
        }
    )


def calibration_table(found: Calibration) -> pa.Table:
    """Return a row for each row of the run: ``file``, ``row`` and the score columns."""
    contrast = None if found.contrast is None else found.contrast.values
    identity = {FILE: pa.array(found.rows.files), ROW: pa.array(found.rows.rows)}
    return pa.table(identity | dict(score_arrays(found.rows, found.scales, contrast, slice(None))))


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
    check_local(path)
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
    write_table(decision_table(choice), path)


def write_table(table: pa.Table, path: Path) -> None:
    """Write a table of decisions or scores; the file appears whole or not at all.

    Args:
        table: What is written.
        path: Ends in .parquet or .csv, where lists of reasons become text.
    """
    with open_output(path) as stream:
        if path.suffix.lower() == ".csv":
            pc_csv.write_csv(_without_lists(table), stream)
        else:
            pq.write_table(table, stream, compression="zstd")


def _without_lists(table: pa.Table) -> pa.Table:
    names: Sequence[str] = table.column_names
    if schema.DROP_REASONS not in names:
        return table
    joined = joined_reasons(table.column(schema.DROP_REASONS))
    return table.set_column(names.index(schema.DROP_REASONS), schema.DROP_REASONS, joined)
