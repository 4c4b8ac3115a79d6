"""Any Arrow batch as pairs: which type of column holds what."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pairsift import schema
from pairsift.errors import ColumnError, TableFormatError


def pairs_from_arrow(
    batch: pa.RecordBatch, image_column: str, caption_column: str
) -> pa.RecordBatch:
    """Return an Arrow batch's pairs as ``schema.PAIR_SCHEMA``.

    Args:
        batch: The user's columns.
        image_column: Text (a reference), binary (the encoded image), or a struct of ``bytes`` and
            ``path`` as Hugging Face datasets keep images.
        caption_column: Text, or binary holding UTF-8.

    Raises:
        TableFormatError: A column has another type; it is named.
    """
    image = _decoded(_column(batch, image_column))
    nothing = pa.nulls(len(batch), pa.binary())
    reference, content = nothing, nothing
    if pa.types.is_struct(image.type) and image.type.get_field_index("bytes") >= 0:
        content = _binary(pc.struct_field(image, "bytes"), image_column)
        if image.type.get_field_index("path") >= 0:
            reference = _binary(pc.struct_field(image, "path"), image_column)
    elif _is_text(image.type):
        reference = _binary(image, image_column)
    else:
        content = _binary(image, image_column)
    caption = _binary(_decoded(_column(batch, caption_column)), caption_column)
    arrays = [reference, content, caption, pa.nulls(len(batch), pa.string())]
    return pa.RecordBatch.from_arrays(arrays, schema=schema.PAIR_SCHEMA)


def _column(batch: pa.RecordBatch, name: str) -> Any:
    places = batch.schema.get_all_field_indices(name)
    if len(places) != 1:
        message = f"column {name} stands {len(places)} times; available: {batch.schema.names}"
        raise ColumnError(message)
    return batch.column(places[0])


def _decoded(column: Any) -> Any:
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
        or pa.types.is_null(kind)
    )


def _binary(column: Any, name: str) -> Any:
    kind = column.type
    if pa.types.is_binary(kind):
        return column
    is_bytes = pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)
    if not (is_bytes or _is_text(kind) or pa.types.is_fixed_size_binary(kind)):
        message = f"column {name} has type {kind}; accepted: text, binary, struct of bytes and path"
        raise TableFormatError(message)
    return column.cast(pa.binary())
