"""Parquet: types and schema metadata stay, columns are added, provenance goes into the footer."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from pairsift.config import TableConfig
from pairsift.errors import TableFormatError
from pairsift.protocols import Span, TableBatch, TableReader
from pairsift.tables.groups import batches_of, codec_of_pages, equal_parts
from pairsift.tables.outputs import open_output
from pairsift.tables.pairs import arrow_rows, batch_of, list_counts
from pairsift.tables.rows import payload_of, rows_within
from pairsift.tables.staging import references_root

METADATA_KEY = b"pairsift"
ROW_GROUP_ROWS = 65_536
ROW_GROUP_BYTES = 64 << 20
BATCH_BYTES = 64 << 20
READ_BUFFER_BYTES = 1 << 20
# What reading a damaged file raises; a name in the footer need not be UTF-8.
_DAMAGE = (pa.ArrowException, OSError, UnicodeDecodeError)


class ParquetReader:
    """Reads one Parquet file in batches.

    Args:
        path: The file.
        config: ``caption_list``: each caption of a list is a pair.

    Raises:
        TableFormatError: It is not a Parquet file, or a damaged one.
    """

    def __init__(self, path: Path, config: TableConfig) -> None:
        self._has_lists = config.caption_list is not None
        self.path = path
        self.image_root = references_root(path)
        with _named_damage(path), pq.ParquetFile(path) as file:
            self.schema = file.schema_arrow
            self._num_rows = int(file.metadata.num_rows)
            self.compression = codec_of_pages(file.metadata)
            groups = [file.metadata.row_group(i) for i in range(file.num_row_groups)]
        self._group_rows = [int(group.num_rows) for group in groups]
        sizes = (group.total_byte_size // max(group.num_rows, 1) for group in groups)
        self._row_bytes = max(sizes, default=0) or 1

    @property
    def column_names(self) -> tuple[str, ...]:
        """The user's columns in file order."""
        return tuple(self.schema.names)

    def arrow_schema(self) -> pa.Schema:
        """Return the schema with its metadata."""
        return self.schema

    def to_arrow(self, batch: TableBatch, schema: pa.Schema | None = None) -> pa.RecordBatch:
        """Return the rows as they are."""
        return arrow_rows(batch, schema)

    def count_rows(self) -> int:
        """Return the number of rows, from the footer."""
        return self._num_rows

    def plan(self, shard_rows: int) -> Iterator[Span]:
        """Yield spans that begin and end with row groups, from the footer.

        Groups are put together while they fit; one that is larger than a shard is cut into equal
        parts, because a part is read by decoding what stands before it in its group.
        """
        first, num_rows = 0, 0
        for group_rows in self._group_rows:
            if num_rows and num_rows + group_rows > shard_rows:
                yield Span(first, num_rows)
                first, num_rows = first + num_rows, 0
            num_rows += group_rows
            if num_rows > shard_rows:
                for part in equal_parts(num_rows, shard_rows):
                    yield Span(first, part)
                    first += part
                num_rows = 0
        if num_rows:
            yield Span(first, num_rows)

    def read_batches(
        self,
        *,
        image_column: str,
        caption_column: str,
        batch_rows: int,
        rows: Sequence[int] | None = None,
        span: Span | None = None,
    ) -> Iterator[TableBatch]:
        """Yield the rows in file order; row groups without a wanted row are not read.

        Args:
            image_column: As ``pairs_from_arrow`` takes it.
            caption_column: Likewise.
            batch_rows: Rows of a batch; fewer where images in the table make them large.
            rows: Ordinals that are wanted, ascending; those behind the last row are no error.
            span: One of ``plan``'s: only its rows are read.

        Yields:
            Batches; ``first_row`` is the ordinal of the first row in it.

        Raises:
            TableFormatError: The file is damaged behind its header, or a column is of a wrong type.
        """
        with _named_damage(self.path):
            for first, batch in self.read_rows(rows_within(rows, span), batch_rows=batch_rows):
                columns = (image_column, caption_column)
                yield batch_of(first, batch, columns, has_lists=self._has_lists)

    def read_rows(
        self, rows: Sequence[int] | None, *, batch_rows: int
    ) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Yield the user's columns, with the ordinal of the first row of each batch.

        Args:
            rows: As ``read_batches`` takes them.
            batch_rows: Likewise.

        Raises:
            TableFormatError: The file is damaged behind its header.
        """
        size = min(batch_rows, max(1, BATCH_BYTES // self._row_bytes))
        # Streaming: a row group of any size is read page by page.
        with (
            _named_damage(self.path),
            pq.ParquetFile(self.path, pre_buffer=False, buffer_size=READ_BUFFER_BYTES) as file,
        ):
            yield from batches_of(file, size, rows)

    def list_lengths(self, column: str) -> Iterator[tuple[int, int]]:
        """Yield each row's ordinal and how many captions it has, reading that column alone."""
        row = 0
        with _named_damage(self.path), pq.ParquetFile(self.path, pre_buffer=False) as file:
            for batch in file.iter_batches(columns=[column]):
                for count in list_counts(batch.column(0)):
                    yield row, count
                    row += 1

    def span_from(self, position: int) -> Span:
        """Return the span from a row to the end of the file."""
        return Span(position, max(self._num_rows - position, 1))


class ParquetWriter:
    """Writes batches with columns added, in row groups of a bounded size.

    Args:
        file: Open for writing.
        columns: The user's columns.
        added_schema: The added columns.
        metadata: Provenance for the footer.
        compression: The codec of the pages.
    """

    def __init__(
        self,
        file: BinaryIO,
        columns: pa.Schema,
        *,
        added_schema: pa.Schema,
        metadata: Mapping[str, str],
        compression: str,
    ) -> None:
        merged = dict(columns.metadata or {})
        merged[METADATA_KEY] = json.dumps(dict(metadata), sort_keys=True).encode()
        self._schema = pa.schema([*columns, *added_schema], metadata=merged)
        self._writer = pq.ParquetWriter(file, self._schema, compression=compression)
        self._pending: list[pa.RecordBatch] = []

    def write(self, batch: TableBatch, added: pa.RecordBatch) -> None:
        """Append the batch's rows with the added columns."""
        self.write_rows(payload_of(batch, pa.RecordBatch), added)

    def write_rows(self, rows: pa.RecordBatch, added: pa.RecordBatch) -> None:
        """Append rows of this or of another format with the added columns."""
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

    def abandon(self) -> None:
        """Forget the file, so that nothing is written to it when this object is collected."""
        self._pending = []
        self._writer.is_open = False

    def _flush(self) -> None:
        if self._pending:
            self._writer.write_table(pa.Table.from_batches(self._pending, self._schema))
            self._pending = []


class ParquetFormat:
    """One Parquet file."""

    name = "Parquet"
    suffixes = (".parquet", ".pq")

    def open_reader(self, path: Path, config: TableConfig, /) -> ParquetReader:
        """Open a file for reading; errors as in ``ParquetReader``."""
        return ParquetReader(path, config)

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
        with _open(
            path,
            reader.schema,
            added_schema=added_schema,
            metadata=metadata,
            compression=reader.compression,
        ) as writer:
            yield writer

    @contextmanager
    def open_rows_writer(
        self,
        path: Path | None,
        /,
        *,
        columns: pa.Schema,
        added_schema: pa.Schema,
        metadata: Mapping[str, str],
    ) -> Iterator[ParquetWriter]:
        """Open an output for rows of another format."""
        with _open(
            path, columns, added_schema=added_schema, metadata=metadata, compression="snappy"
        ) as writer:
            yield writer


FORMAT = ParquetFormat()


@contextmanager
def _open(
    path: Path | None,
    columns: pa.Schema,
    *,
    added_schema: pa.Schema,
    metadata: Mapping[str, str],
    compression: str,
) -> Iterator[ParquetWriter]:
    with open_output(path) as file:
        writer = ParquetWriter(
            file, columns, added_schema=added_schema, metadata=metadata, compression=compression
        )
        try:
            yield writer
            writer.close()
        except BaseException:
            writer.abandon()
            raise


@contextmanager
def _named_damage(path: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        # Arrow raises OSError for damaged pages too; one of the system's has a number.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        words = str(error).split("\n")[0].rstrip(" :")
        message = f"{path.name} is not a Parquet file, or it is damaged: {words}"
        raise TableFormatError(message) from error
