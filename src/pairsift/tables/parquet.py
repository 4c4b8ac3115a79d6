"""Parquet: types and schema metadata stay, columns are added, provenance goes into the footer."""

import json
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from pairsift.config import TableConfig
from pairsift.errors import TableFormatError
from pairsift.protocols import Span, TableBatch, TableReader
from pairsift.tables.outputs import open_output
from pairsift.tables.pairs import pairs_from_arrow
from pairsift.tables.rows import rows_within

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

    Raises:
        TableFormatError: It is not a Parquet file, or a damaged one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.image_root = path.parent
        try:
            with pq.ParquetFile(path) as file:
                self.schema = file.schema_arrow
                self._num_rows = int(file.metadata.num_rows)
                self.compression = _compression(file.metadata)
                groups = [file.metadata.row_group(i) for i in range(file.num_row_groups)]
                self._group_rows = [int(group.num_rows) for group in groups]
                self._row_bytes = (
                    max(
                        (group.total_byte_size // max(group.num_rows, 1) for group in groups),
                        default=0,
                    )
                    or 1
                )
        except _DAMAGE as error:
            raise _damage(path, error) from error

    @property
    def column_names(self) -> tuple[str, ...]:
        """The user's columns in file order."""
        return tuple(self.schema.names)

    def arrow_schema(self) -> pa.Schema:
        """Return the schema with its metadata."""
        return self.schema

    def to_arrow(self, batch: TableBatch, schema: pa.Schema | None = None) -> pa.RecordBatch:
        """Return the rows as they are."""
        rows = _payload(batch)
        return rows if schema is None else pa.RecordBatch.from_arrays(rows.columns, schema=schema)

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
                for part in _equal_parts(num_rows, shard_rows):
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
        size = min(batch_rows, max(1, BATCH_BYTES // self._row_bytes))
        try:
            # Streaming: a row group of any size is read page by page.
            with pq.ParquetFile(self.path, pre_buffer=False, buffer_size=READ_BUFFER_BYTES) as file:
                for first, batch in _batches(file, size, rows_within(rows, span)):
                    pairs = pairs_from_arrow(batch, image_column, caption_column)
                    yield TableBatch(first, pairs, batch)
        except _DAMAGE as error:
            raise _damage(self.path, error) from error


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
        self.write_rows(_payload(batch), added)

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


def _payload(batch: TableBatch) -> pa.RecordBatch:
    if not isinstance(batch.payload, pa.RecordBatch):
        message = f"expected rows of a Parquet file, not {type(batch.payload).__name__}"
        raise TypeError(message)
    return batch.payload


def _damage(path: Path, error: Exception) -> Exception:
    # Arrow raises OSError for damaged pages too; one of the system's has a number.
    if isinstance(error, OSError) and error.errno is not None:
        return error
    words = str(error).split("\n")[0].rstrip(" :")
    return TableFormatError(f"{path.name} is not a Parquet file, or it is damaged: {words}")


def _equal_parts(num_rows: int, most: int) -> list[int]:
    """Return as few parts of at most ``most`` rows as there can be, as equal as they can be."""
    count = -(-num_rows // most)
    return [num_rows // count + (index < num_rows % count) for index in range(count)]


def _batches(
    file: Any, size: int, rows: Sequence[int] | None
) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield batches of at most ``size`` rows with the ordinal of their first row."""
    if rows is None:
        first = 0
        for batch in file.iter_batches(batch_size=size):
            yield first, batch
            first += len(batch)
        return
    groups, places = _places(file.metadata, rows)
    begin, done, waiting = 0, 0, []
    for batch in file.iter_batches(batch_size=size, row_groups=groups) if groups else ():
        inside = places[bisect_left(places, begin) : bisect_left(places, begin + len(batch))]
        waiting.append(_picked(batch, [place - begin for place in inside]))
        begin += len(batch)
        # Sparse picks are put together, or each would become a batch of one.
        if sum(map(len, waiting)) >= size or begin > places[-1]:
            table = pa.Table.from_batches(waiting, batch.schema).combine_chunks()
            for joined in table.to_batches(max_chunksize=size):
                yield rows[done], joined
                done += len(joined)
            waiting = []
        if begin > places[-1]:
            return


def _picked(batch: pa.RecordBatch, rows: Sequence[int]) -> pa.RecordBatch:
    if rows and rows[-1] - rows[0] + 1 == len(rows):
        return batch.slice(rows[0], len(rows))
    return batch.take(pa.array(list(rows), pa.int64()))


def _places(metadata: Any, rows: Sequence[int]) -> tuple[list[int], Sequence[int]]:
    """Return the row groups that hold the wanted rows, and where the rows stand in those alone."""
    if isinstance(rows, range) and rows.step == 1:
        return _places_of_range(metadata, rows)
    groups: list[int] = []
    places: list[int] = []
    first, offset = 0, 0
    for group in range(metadata.num_row_groups):
        after = first + metadata.row_group(group).num_rows
        inside = rows[bisect_left(rows, first) : bisect_left(rows, after)]
        if inside:
            groups.append(group)
            places += [row - first + offset for row in inside]
            offset += after - first
        first = after
    return groups, places


def _places_of_range(metadata: Any, rows: range) -> tuple[list[int], range]:
    """Return the same for neighbours, without an integer for each of what may be all rows."""
    groups: list[int] = []
    first, offset = 0, 0
    for group in range(metadata.num_row_groups):
        after = first + metadata.row_group(group).num_rows
        if rows and rows.start < after and rows.stop > first and first < after:
            offset = offset if groups else first
            groups.append(group)
        first = after
    begin, end = max(rows.start, 0) - offset, min(rows.stop, first) - offset
    return groups, range(begin, end) if groups else range(0)


def _compression(metadata: Any) -> str:
    """Return the input's codec, so that the output is as large or small as the user chose."""
    if metadata.num_row_groups and metadata.num_columns:
        name = str(metadata.row_group(0).column(0).compression).lower()
        return _CODECS.get(name, "snappy")
    return "snappy"


_CODECS = {name: name for name in ("snappy", "gzip", "brotli", "zstd", "lz4")}
_CODECS |= {"uncompressed": "none", "lz4_raw": "lz4"}
