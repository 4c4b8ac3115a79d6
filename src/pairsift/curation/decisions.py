"""What was decided of each row, as a table: nothing is lost, and every dropped row has a reason."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc_csv
import pyarrow.parquet as pq

from pairsift import schema
from pairsift.curation.choice import Choice
from pairsift.curation.rows import FILE, ROW
from pairsift.errors import OutputExistsError, UsageError
from pairsift.tables.outputs import open_output

NOT_SCORED = "not_scored"
"""Reason of rows that have no similarity; their status says why."""

SUFFIXES = (".parquet", ".csv")


def decision_table(choice: Choice) -> pa.Table:
    """Return a row for each row of the run, in its order.

    Columns: ``file`` and ``row``, the similarity, the calibrated columns, ``keep``, and
    ``drop_reasons``, empty where the row is kept.
    """
    rows, scales = choice.rows, choice.scales
    columns = {
        FILE: pa.array(rows.files),
        ROW: pa.array(rows.rows),
        schema.SIMILARITY: pa.array(rows.similarities, from_pandas=True),
        schema.PERCENTILE: pa.array(scales.percentiles, from_pandas=True),
        schema.P_VALUE: pa.array(scales.p_values, from_pandas=True),
        schema.PROBABILITY: pa.array(scales.probabilities, from_pandas=True),
    }
    if choice.contrast is not None:
        columns[schema.NEGATIVE_CLIP_LOSS] = pa.array(choice.contrast.values, from_pandas=True)
    reasons = ["", NOT_SCORED, str(choice.rule)]
    which = np.where(choice.keep, 0, np.where(rows.scored, 2, 1)).astype(np.int8)
    columns[schema.KEEP] = pa.array(choice.keep)
    encoded = pa.DictionaryArray.from_arrays(pa.array(which), pa.array(reasons))
    columns[schema.DROP_REASONS] = encoded.dictionary_decode()
    return pa.table(columns)


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
            pc_csv.write_csv(table, stream)
        else:
            pq.write_table(table, stream, compression="zstd")
