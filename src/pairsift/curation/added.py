"""The columns that an export adds to the user's own."""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pairsift import schema
from pairsift.curation.curating import Curation
from pairsift.curation.decisions import joined_reasons
from pairsift.curation.scored_tables import is_alone
from pairsift.tables.cells import json_value

IntArray = NDArray[np.int64]

REPEATS = "repeats"
CAPTIONS = "captions"


def added_schema(curation: Curation, *, has_lists: bool, has_verdict: bool) -> pa.Schema:
    """Return the added columns.

    Args:
        curation: What was decided.
        has_lists: The format has lists; else reasons are text with semicolons between, and
            captions are JSON.
        has_verdict: Rows that were dropped are written too, so that it has to be said which.
    """
    texts = pa.list_(pa.string()) if has_lists else pa.string()
    fields = [] if is_alone(curation.run) else [pa.field(schema.SIMILARITY, pa.float32())]
    fields += [
        pa.field(schema.PERCENTILE, pa.float64()),
        pa.field(schema.P_VALUE, pa.float64()),
        pa.field(schema.PROBABILITY, pa.float64()),
    ]
    if curation.has_contrast:
        fields.append(pa.field(schema.NEGATIVE_CLIP_LOSS, pa.float32()))
    if has_verdict:
        fields += [pa.field(schema.KEEP, pa.bool_()), pa.field(schema.DROP_REASONS, texts)]
    if curation.has_repeats:
        fields.append(pa.field(REPEATS, pa.int32()))
    if curation.collects_captions:
        fields.append(pa.field(CAPTIONS, texts))
    return pa.schema(fields)


def added_columns(
    curation: Curation, places: IntArray, fields: pa.Schema, names: Sequence[str]
) -> pa.RecordBatch:
    """Return the added columns of some rows.

    Args:
        curation: What was decided.
        places: Which rows, shape (M,).
        fields: As ``added_schema`` gives them.
        names: What they are called in the output.
    """
    arrays = [_column(curation, places, field) for field in fields]
    typed = pa.schema([field.with_name(name) for field, name in zip(fields, names, strict=True)])
    return pa.RecordBatch.from_arrays(arrays, schema=typed)


def _column(curation: Curation, places: IntArray, field: pa.Field) -> pa.Array:
    material, verdict = curation.material, curation.verdict
    values: dict[str, Callable[[], object]] = {
        schema.SIMILARITY: lambda: material.rows.similarities[places],
        schema.PERCENTILE: lambda: material.scales.percentiles[places],
        schema.P_VALUE: lambda: material.scales.p_values[places],
        schema.PROBABILITY: lambda: material.scales.probabilities[places],
        schema.NEGATIVE_CLIP_LOSS: lambda: material.contrast.values[places],
        schema.KEEP: lambda: verdict.keep[places],
        schema.DROP_REASONS: lambda: _reasons(curation, places, field.type),
        REPEATS: lambda: verdict.repeats[places],
        CAPTIONS: lambda: _captions(curation, places, field.type),
    }
    return pa.array(values[field.name](), field.type, from_pandas=True)


def _reasons(curation: Curation, places: IntArray, kind: pa.DataType) -> list[object]:
    reasons = curation.verdict.reasons(places)
    shown = reasons if pa.types.is_list(kind) else joined_reasons(reasons)
    return list(shown.to_pylist())


def _captions(curation: Curation, places: IntArray, kind: pa.DataType) -> list[object]:
    captions = [curation.captions.get(place) for place in places.tolist()]
    if pa.types.is_list(kind):
        return list(captions)
    return [None if each is None else json_value(each) for each in captions]
