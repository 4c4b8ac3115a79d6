"""Parquet: types and schema metadata stay, columns are added, provenance goes into the footer."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pairsift import schema
from pairsift.config import TableConfig
from pairsift.errors import TableFormatError
from pairsift.protocols import TableBatch, TableReader
from pairsift.tables.atomic import atomic_file

METADATA_KEY = b"pairsift"
ROW_GROUP_ROWS = 65_536
ROW_GROUP_BYTES = 64 << 20


class ParquetReader:
    """Reads one Parquet file in batches.

    Args:
        path: The file.

    Raises:
        TableFormatError: It is not a Parquet file, or a damaged one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with pq.ParquetFile(path) as file:
                self.schema = file.schema_arrow
                self._num_rows = int(file.metadata.num_rows)
                self.compression = _compression(file.metadata)
        except pa.ArrowException as error:
            message = f"{path.name} is not a readable Parquet file: {error}"
            raise TableFormatError(message) from error

    @property
    def column_names(self) -> tuple[str, ...]:
        """The user's columns in file order."""
        return tuple(self.schema.names)

    def count_rows(self) -> int:
        """Return the number of rows, from the footer."""
        return self._num_rows

    def read_batches(
        self,
        *,
        image_column: str,
        caption_column: str,
        batch_rows: int,
        rows: Sequence[int] | None = None,
    ) -> Iterator[TableBatch]:
        """Yield the rows in file order; ``rows`` (ascending ordinals) picks some of them."""
        first = 0
        with pq.ParquetFile(self._path) as file:
            for batch in file.iter_batches(batch_size=batch_rows):
                picked, begin = batch, first
                if rows is not None:
                    inside = [row - first for row in rows if first <= row < first + len(batch)]
                    picked = batch.take(pa.array(inside, pa.int64()))
                    begin = first + (inside[0] if inside else 0)
                first += len(batch)
                if len(picked):
                    pairs = pairs_from_arrow(picked, image_column, caption_column)
                    yield TableBatch(begin, pairs, picked)


class ParquetWriter:
    """Writes batches with columns added, in row groups of a bounded size.

    Args:
        file: Open for writing.
        reader: The input.
        added_schema: The added columns.
        metadata: Provenance for the footer.
    """

    def __init__(
        self,
        file: BinaryIO,
        reader: ParquetReader,
        added_schema: pa.Schema,
        metadata: Mapping[str, str],
    ) -> None:
        merged = dict(reader.schema.metadata or {})
        merged[METADATA_KEY] = json.dumps(dict(metadata), sort_keys=True).encode()
        self._schema = pa.schema([*reader.schema, *added_schema], metadata=merged)
        self._writer = pq.ParquetWriter(file, self._schema, compression=reader.compression)
        self._pending: list[pa.RecordBatch] = []

    def write(self, batch: TableBatch, added: pa.RecordBatch) -> None:
        """Append the batch's rows with the added columns."""
        rows = batch.payload
        if not isinstance(rows, pa.RecordBatch):
            message = f"expected rows of a Parquet file, not {type(rows).__name__}"
            raise TypeError(message)
        arrays = [*rows.columns, *added.columns]
        self._pending.append(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        num_rows = sum(len(waiting) for waiting in self._pending)
        num_bytes = sum(waiting.nbytes for waiting in self._pending)
        if num_rows >= ROW_GROUP_ROWS or num_bytes >= ROW_GROUP_BYTES:
            self._flush()

    def close(self) -> None:
        """Write what is left and the footer."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._pending:
            self._writer.write_table(pa.Table.from_batches(self._pending, self._schema))
            self._pending = []


class ParquetFormat:
    """One Parquet file."""

    suffixes = (".parquet", ".pq")

    def open_reader(self, path: Path, config: TableConfig, /) -> ParquetReader:  # noqa: ARG002
        """Open a file for reading; errors as in ``ParquetReader``."""
        return ParquetReader(path)

    @contextmanager
    def open_writer(
        self,
        path: Path | None,
        /,
        *,
        reader: TableReader,
        added_schema: pa.Schema,
        metadata: Mapping[str, str],
    ) -> Iterator[ParquetWriter]:
        """Open an output that appears when the context ends well."""
        if not isinstance(reader, ParquetReader):
            message = f"expected the reader of a Parquet file, not {type(reader).__name__}"
            raise TypeError(message)
        with atomic_file(path) as file:
            writer = ParquetWriter(file, reader, added_schema, metadata)
            yield writer
            writer.close()


FORMAT = ParquetFormat()


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
    image = _decoded(batch.column(image_column))
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
    caption = _binary(_decoded(batch.column(caption_column)), caption_column)
    arrays = [reference, content, caption, pa.nulls(len(batch), pa.string())]
    return pa.RecordBatch.from_arrays(arrays, schema=schema.PAIR_SCHEMA)


def _decoded(column: Any) -> Any:
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


def _compression(metadata: Any) -> str:
    """Return the input's codec, so that the output is as large or small as the user chose."""
    if metadata.num_row_groups and metadata.num_columns:
        name = str(metadata.row_group(0).column(0).compression).lower()
        return "none" if name == "uncompressed" else name
    return "snappy"
