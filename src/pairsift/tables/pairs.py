"""Any Arrow batch as pairs: which type of column holds what."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pairsift import schema
from pairsift.errors import ColumnError, TableFormatError
from pairsift.protocols import TableBatch
from pairsift.tables.caption_lists import explode_lists, parents_of
from pairsift.tables.rows import payload_of


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
    reference, content = _images(batch, image_column)
    captions = _decoded(_column(batch, caption_column))
    if _is_list(captions.type):
        message = f"column {caption_column} holds lists (hint: --caption-list rows, best or mean)"
        raise TableFormatError(message)
    caption = _binary(captions, caption_column)
    arrays = [reference, content, caption, pa.nulls(len(batch), pa.string())]
    return pa.RecordBatch.from_arrays(arrays, schema=schema.PAIR_SCHEMA)


def pairs_of_lists(
    batch: pa.RecordBatch, image_column: str, caption_column: str
) -> tuple[pa.RecordBatch, list[int] | None]:
    """Return a pair for each caption, and how many each row has; None for one each.

    Args:
        batch: The user's columns.
        image_column: As ``pairs_from_arrow`` takes it.
        caption_column: Likewise, or lists of such.

    Raises:
        TableFormatError: A column has another type; it is named.
    """
    captions = _decoded(_column(batch, caption_column))
    if not _is_list(captions.type):
        return pairs_from_arrow(batch, image_column, caption_column), None
    flat, counts = explode_lists(captions.to_pylist())
    caption = _binary(_decoded(pa.array(flat, captions.type.value_type)), caption_column)
    parents = parents_of(counts)
    reference, content = (column.take(parents) for column in _images(batch, image_column))
    arrays = [reference, content, caption, pa.nulls(len(flat), pa.string())]
    return pa.RecordBatch.from_arrays(arrays, schema=schema.PAIR_SCHEMA), counts


def batch_of(
    first_row: int, rows: pa.RecordBatch, columns: tuple[str, str], *, has_lists: bool
) -> TableBatch:
    """Return a batch whose payload is the Arrow rows themselves.

    Args:
        first_row: Ordinal of the first one.
        rows: The user's columns.
        columns: Names of the image and the caption column.
        has_lists: Captions may stand in lists.
    """
    if not has_lists:
        return TableBatch(first_row, pairs_from_arrow(rows, *columns), rows)
    pairs, counts = pairs_of_lists(rows, *columns)
    return TableBatch(first_row, pairs, rows, counts)


def arrow_rows(batch: TableBatch, wider: pa.Schema | None) -> pa.RecordBatch:
    """Return the user's columns of such a batch, under another schema if one is given."""
    rows = payload_of(batch, pa.RecordBatch)
    return rows if wider is None else pa.RecordBatch.from_arrays(rows.columns, schema=wider)


def list_counts(column: Any) -> list[int]:
    """Return how many pairs each row of a caption column gives: at least one."""
    column = _decoded(column)
    if not _is_list(column.type):
        return [1] * len(column)
    lengths = pc.fill_null(pc.list_value_length(column), 0)
    return [max(1, length) for length in lengths.to_pylist()]


def _images(batch: pa.RecordBatch, name: str) -> tuple[Any, Any]:
    """Return the references and the contents, either of them null."""
    image = _decoded(_column(batch, name))
    nothing = pa.nulls(len(batch), pa.binary())
    if pa.types.is_struct(image.type) and image.type.get_field_index("bytes") >= 0:
        content = _binary(pc.struct_field(image, "bytes"), name)
        if image.type.get_field_index("path") < 0:
            return nothing, content
        return _binary(pc.struct_field(image, "path"), name), content
    cells = _binary(image, name)
    return (cells, nothing) if _is_text(image.type) else (nothing, cells)


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


def _is_list(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_list(kind)
        or pa.types.is_large_list(kind)
        or pa.types.is_fixed_size_list(kind)
        or pa.types.is_list_view(kind)
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
