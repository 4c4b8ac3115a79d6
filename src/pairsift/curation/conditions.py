"""Conditions in SQL over the rows of a run: the user's own columns beside the score columns."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pairsift import schema
from pairsift.curation.material import CHANGED, Material
from pairsift.curation.rows import FILE, ROW, own_columns
from pairsift.curation.scored_tables import is_alone, lacks, why_unknown
from pairsift.curation.where import Condition, read_as, widest_kind
from pairsift.errors import ColumnError, JobError
from pairsift.runs import Run
from pairsift.tables.parquet import ParquetReader

BoolArray = NDArray[np.bool_]

CALIBRATED = (schema.PERCENTILE, schema.P_VALUE, schema.PROBABILITY)


def rows_that_meet(text: str, material: Material) -> BoolArray:
    """Say which rows of a run meet a condition.

    Args:
        text: An SQL expression. A name is a score column if there is one of that name and it is
            known, else a column of the user's; small and capital letters are alike, as in SQL.
        material: Of the run.

    Returns:
        Shape (N,); a condition that is null for a row is not met.

    Raises:
        UsageError: It is no condition, or does not fit the columns' types.
        ColumnError: There is no such column, and the message lists those that there are; or
            nobody knows what is in it.
    """
    condition = Condition(text)
    scored, own = _resolve(condition.columns, material)
    kinds = _text_kinds(material, own)
    met = np.zeros(len(material.rows), dtype=bool)
    done = 0
    for size, batch in _own_batches(material, own):
        part = slice(done, done + size)
        columns = {} if batch is None else _typed(batch, own, kinds)
        met[part] = condition.meets(
            # The nulls say how many rows there are where no column is named.
            pa.RecordBatch.from_pydict({"_": pa.nulls(size), **columns, **scored(part)})
        )
        done += size
    return met


def _resolve(names: Sequence[str], material: Material) -> "tuple[_Scores, list[str]]":
    run = material.run
    scores = _score_names(run)
    own: list[str] = []
    scored: list[str] = []
    available = material.reader.column_names
    for name in names:
        score, mine = _match(name, scores), _match(name, available)
        if score and not lacks(run, score):
            scored.append(score)
        elif score and (is_alone(run) or mine is None):
            # Null in every row, so that no row would meet a condition on it.
            message = f"column `{score}` is not known: {why_unknown(run, score)}"
            raise ColumnError(message)
        elif mine:
            own.append(mine)
        else:
            message = f"column `{name}` not found; available: {', '.join([*available, *scores])}"
            raise ColumnError(message)
    return _Scores(material, list(dict.fromkeys(scored))), list(dict.fromkeys(own))


class _Scores:
    """Slices of score columns, which are held for the whole run: they are few and narrow."""

    def __init__(self, material: Material, names: Sequence[str]) -> None:
        self._columns: dict[str, pa.ChunkedArray] = {}
        stored = [name for name in names if name not in CALIBRATED]
        if stored:
            table = pa.Table.from_batches(list(material.run.iter_scores(stored)))
            self._columns |= {name: table.column(name) for name in stored}
        arrays = {
            schema.PERCENTILE: lambda: material.scales.percentiles,
            schema.P_VALUE: lambda: material.scales.p_values,
            schema.PROBABILITY: lambda: material.scales.probabilities,
        }
        for name in names:
            if name in arrays:
                column = pa.array(arrays[name](), from_pandas=True)
                self._columns[name] = pa.chunked_array([column])

    def __call__(self, part: slice) -> dict[str, pa.Array]:
        """Return the columns' rows of a slice."""
        size = part.stop - part.start
        cut = {name: column.slice(part.start, size) for name, column in self._columns.items()}
        return {name: pa.concat_arrays(column.chunks) for name, column in cut.items()}


def _score_names(run: Run) -> list[str]:
    stored = schema.output_schema(
        is_distance=run.info["is_distance"],
        is_cosine=run.info["measure"] == "cosine",
        details=True,
    ).names
    return [FILE, ROW, *stored, *CALIBRATED]


def _match(name: str, available: Sequence[str]) -> str | None:
    if name in available:
        return name
    folded = [known for known in available if known.casefold() == name.casefold()]
    return folded[0] if len(folded) == 1 else None


def _text_kinds(material: Material, own: Sequence[str]) -> dict[str, pa.DataType]:
    """Return what each column of text can be read as, by a scan of all its cells."""
    if not own or isinstance(material.reader, ParquetReader):  # which knows its types
        return {}
    kinds: dict[str, pa.DataType | None] = dict.fromkeys(own)
    for _, batch in _own_batches(material, own):
        for name in own:
            if batch is not None and pa.types.is_string(batch.schema.field(name).type):
                kinds[name] = widest_kind(batch.column(name), kinds[name])
    return {name: kind for name, kind in kinds.items() if kind is not None}


def _typed(
    batch: pa.RecordBatch, own: Sequence[str], kinds: Mapping[str, pa.DataType]
) -> dict[str, pa.Array]:
    found = {name: batch.column(name) for name in own}
    return {n: read_as(c, kinds[n]) if n in kinds else c for n, c in found.items()}


def _own_batches(
    material: Material, own: Sequence[str]
) -> Iterator[tuple[int, pa.RecordBatch | None]]:
    if not own:
        if len(material.rows):
            yield len(material.rows), None
        return
    done = 0
    for places, batch in own_columns(material.run, material.rows, own):
        if not np.array_equal(places, np.arange(done, done + len(places))):
            raise JobError(CHANGED)
        done += len(places)
        yield len(places), batch
    if done != len(material.rows):
        raise JobError(CHANGED)
