"""A table in memory, read as one in a file is."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from pairsift.config import TableConfig
from pairsift.protocols import Span, TableBatch
from pairsift.tables.pairs import arrow_rows, batch_of, list_counts
from pairsift.tables.rows import even_spans, rows_within


class MemoryReader:
    """Reads an Arrow table in batches.

    Args:
        table: The user's columns.
        config: ``caption_list``: each caption of a list is a pair.
    """

    def __init__(self, table: pa.Table, config: TableConfig) -> None:
        self.path = Path("table in memory")
        self.image_root = Path()
        self._table = table
        self._has_lists = config.caption_list is not None

    @property
    def column_names(self) -> tuple[str, ...]:
        """The user's columns in order."""
        return tuple(self._table.schema.names)

    def arrow_schema(self) -> pa.Schema:
        """Return the schema with its metadata."""
        return self._table.schema

    def to_arrow(self, batch: TableBatch, schema: pa.Schema | None = None) -> pa.RecordBatch:
        """Return the rows as they are."""
        return arrow_rows(batch, schema)

    def count_rows(self) -> int:
        """Return the number of rows."""
        return int(self._table.num_rows)

    def plan(self, shard_rows: int) -> Iterator[Span]:
        """Yield spans of ``shard_rows`` rows."""
        return even_spans(self.count_rows(), shard_rows)

    def read_batches(
        self,
        *,
        image_column: str,
        caption_column: str,
        batch_rows: int,
        rows: Sequence[int] | None = None,
        span: Span | None = None,
    ) -> Iterator[TableBatch]:
        """Yield the rows in order, ``batch_rows`` at a time at most.

        Args:
            image_column: As ``pairs_from_arrow`` takes it.
            caption_column: Likewise.
            batch_rows: Rows of a batch.
            rows: Ordinals that are wanted, ascending; those behind the last row are no error.
            span: Only its rows are read.

        Yields:
            Batches; ``first_row`` is the ordinal of the first row in it.

        Raises:
            TableFormatError: A column is of a wrong type.
        """
        wanted = rows_within(rows_within(rows, span), Span(0, self.count_rows()))
        is_whole = isinstance(wanted, range)
        table = self._table if is_whole else self._table.take(pa.array(wanted, pa.int64()))
        if is_whole:
            table = table.slice(wanted[0] if wanted else 0, len(wanted))
        done = 0
        for batch in table.to_batches(max_chunksize=batch_rows):
            if not len(batch):
                continue
            columns = (image_column, caption_column)
            yield batch_of(wanted[done], batch, columns, has_lists=self._has_lists)
            done += len(batch)

    def list_lengths(self, column: str) -> Iterator[tuple[int, int]]:
        """Yield each row's ordinal and how many captions it has."""
        row = 0
        for chunk in self._table.column(column).chunks:
            for count in list_counts(chunk):
                yield row, count
                row += 1

    def span_from(self, position: int) -> Span:
        """Return the span from a row to the end."""
        return Span(position, max(self.count_rows() - position, 1), position)
