"""The enriched table: one door to the writer that fits an input and an output's name."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pairsift.errors import ColumnError, TableFormatError, UsageError
from pairsift.protocols import RowsWriter, TableBatch, TableFormat, TableReader, TableWriter
from pairsift.tables import csv, jsonl, parquet
from pairsift.tables.csv import CsvReader
from pairsift.tables.exploded import ExplodedReader, FoldingWriter
from pairsift.tables.formats import format_of, output_format_of
from pairsift.tables.jsonl import JsonlReader
from pairsift.tables.parquet import ParquetReader
from pairsift.tables.vectors import VectorsReader


@contextmanager
def open_enriched(
    path: Path | None,
    readers: Sequence[TableReader],
    *,
    image_column: str,
    added_schema: pa.Schema,
    metadata: Mapping[str, str],
    copy_images: bool = False,
) -> Iterator[TableWriter]:
    """Open the writer of the enriched table; an engine needs no other.

    The rule: an output in the input's format keeps every byte (text, tars) or type (Parquet) of
    the input. In another format the rows go through Arrow. A column that holds the images
    themselves is left out (of a struct its ``path`` stays), so that scores do not weigh what
    pictures weigh, unless ``copy_images`` is set; a tar's members are copied where the output is a
    ``.tar`` (or ``.tar.gz`` and the like).

    Args:
        path: The output, whose suffix says the format and the compression. None is standard
            output: the input's format if that is text, else CSV.
        readers: The input, or all files of it (``find_inputs``), in order. ``write`` is given
            their batches one file after the other.
        image_column: Which column may hold the images.
        added_schema: The added columns under their final names.
        metadata: Provenance, for formats that have a place for it.
        copy_images: Write the images too, where the table holds them.

    Yields:
        A writer; the output takes its name when the context ends well.

    Raises:
        UsageError: No format has the suffix, or it cannot be written from such an input.
        TableFormatError: The files have different columns; the first that differs is named.
        ColumnError: A column stands twice, and the output's format has one place for it.
    """
    readers = _typed_first(readers)
    reader = readers[0]
    if isinstance(reader, ExplodedReader) and reader.how != "rows":
        with open_enriched(
            path,
            _whole(readers),
            image_column=image_column,
            added_schema=added_schema,
            metadata=metadata,
            copy_images=copy_images,
        ) as writer:
            yield FoldingWriter(writer, reader.how)
        return
    input_format, output_format = format_of(reader.path), _output_format(path, readers[0])
    check_alike(readers)
    # With a row for each caption no line is as it was.
    is_same = output_format is input_format and not isinstance(reader, ExplodedReader)
    if is_same and (copy_images or not _holds_images(reader, image_column)):
        with output_format.open_writer(
            path, reader=reader, added_schema=added_schema, metadata=metadata
        ) as writer:
            yield writer
        return
    columns = _common_schema(readers)
    light = columns if copy_images else _light_schema(columns, image_column)
    twice = {name for name in light.names if light.names.count(name) > 1}
    if twice and output_format is not parquet.FORMAT:
        message = f"column {min(twice)} stands twice; rename it, or keep the input's format"
        raise ColumnError(message)
    with output_format.open_rows_writer(
        path, columns=light, added_schema=added_schema, metadata=metadata
    ) as rows_writer:
        yield _Converting(reader, rows_writer, columns, light)


def check_alike(readers: Sequence[TableReader]) -> None:
    """Refuse files that cannot be one table.

    CSV needs one header and one delimiter, Parquet one schema, embeddings one width too; of JSON
    lines, tars and folders every file goes with every other.

    Raises:
        TableFormatError: A file differs from the first; it is named, and what differs.
    """
    first, *others = _whole(_typed_first(readers))
    for reader in others:
        if isinstance(first, CsvReader) and isinstance(reader, CsvReader):
            differs = _first_difference(first.column_names, reader.column_names)
            if first.dialect.delimiter != reader.dialect.delimiter:
                differs = "its cells are delimited by another character"
        elif isinstance(first, ParquetReader) and isinstance(reader, ParquetReader):
            # Writers that find no row know no types either.
            if reader.count_rows() == 0 and reader.column_names == first.column_names:
                continue
            differs = _first_difference(first.schema, reader.schema)
        elif isinstance(first, VectorsReader) and isinstance(reader, VectorsReader):
            differs = _first_difference(first.schema, reader.schema)
            if first.part.width != reader.part.width:
                differs = f"it has {reader.part.width} dimensions, not {first.part.width}"
        else:
            continue
        if differs is not None:
            message = (
                f"{reader.path.name} is no part of one table with {first.path.name}: {differs}"
            )
            raise TableFormatError(message)


def _whole(readers: Sequence[TableReader]) -> list[TableReader]:
    """Return the readers of the tables themselves, where captions stand in lists."""
    return [each.inner if isinstance(each, ExplodedReader) else each for each in readers]


def _typed_first(readers: Sequence[TableReader]) -> Sequence[TableReader]:
    """Return the readers, one that has rows first where an empty Parquet file knows no types."""
    for place, whole in enumerate(_whole(readers)):
        if not isinstance(whole, ParquetReader):
            break
        if whole.count_rows():
            return [readers[place], *readers[:place], *readers[place + 1 :]]
    return readers


class _Converting:
    """Writes rows of another format, or without their images."""

    def __init__(
        self, reader: TableReader, writer: RowsWriter, columns: pa.Schema, light: pa.Schema
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._columns = columns
        self._light = light

    def write(self, batch: TableBatch, added: pa.RecordBatch) -> None:
        """Append the batch's rows with the added columns."""
        rows = self._reader.to_arrow(batch, self._columns)
        self._writer.write_rows(_lighten(rows, self._light), added)


def _output_format(path: Path | None, reader: TableReader) -> TableFormat:
    if path is not None and path.is_dir():
        message = f"{path} is a folder; name a file"
        raise UsageError(message)
    if path is not None:
        return output_format_of(path)
    own = format_of(reader.path)
    # A folder and a tar have no form that could stand in a pipe.
    return own if own in (csv.FORMAT, jsonl.FORMAT, parquet.FORMAT) else csv.FORMAT


def _holds_images(reader: TableReader, image_column: str) -> bool:
    return isinstance(reader, ParquetReader) and _is_content(reader.schema.field(image_column).type)


def _is_content(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return bool(kind.get_field_index("bytes") >= 0)
    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_binary_view(kind)
        or pa.types.is_fixed_size_binary(kind)
    )


def _light_schema(columns: pa.Schema, image_column: str) -> pa.Schema:
    """Return the columns without the images; of a struct its path stays."""
    place = columns.get_field_index(image_column)
    if place < 0 or not _is_content(columns.field(place).type):
        return columns
    kind = columns.field(place).type
    if pa.types.is_struct(kind) and kind.get_field_index("path") >= 0:
        return columns.set(place, pa.field(image_column, kind.field("path").type))
    return columns.remove(place)


def _lighten(rows: pa.RecordBatch, light: pa.Schema) -> pa.RecordBatch:
    if rows.schema.names == light.names:
        pairs = zip(rows.columns, light.types, strict=True)
        arrays = [c if c.type == kind else pc.struct_field(c, "path") for c, kind in pairs]
        return pa.RecordBatch.from_arrays(arrays, schema=light)
    kept = [
        c for c, name in zip(rows.columns, rows.schema.names, strict=True) if name in light.names
    ]
    return pa.RecordBatch.from_arrays(kept, schema=light)


def _common_schema(readers: Sequence[TableReader]) -> pa.Schema:
    """Return the columns of all files; text where one file's type is not another's."""
    common = readers[0].arrow_schema()
    for reader in readers[1:] if isinstance(_whole(readers)[0], JsonlReader) else ():
        for field in reader.arrow_schema():
            place = common.get_field_index(field.name)
            if place < 0:
                common = common.append(field)
            elif common.field(place).type != field.type:
                common = common.set(place, pa.field(field.name, pa.string()))
    return common


def _first_difference(
    ours: Sequence[str] | pa.Schema, theirs: Sequence[str] | pa.Schema
) -> str | None:
    if len(ours) != len(theirs):
        return f"it has {len(theirs)} columns, not {len(ours)}"
    for one, other in zip(ours, theirs, strict=True):
        if one != other:
            return f"column {_shown(other)} where that one has {_shown(one)}"
    return None


def _shown(column: str | pa.Field) -> str:
    return column if isinstance(column, str) else f"{column.name} ({column.type})"
