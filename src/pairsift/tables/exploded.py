"""A table whose caption column holds lists: read with one row a caption."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from pairsift.config import CaptionList, TableConfig
from pairsift.protocols import Span, TableBatch, TableReader, TableWriter
from pairsift.tables.caption_lists import fold_scores, parents_of
from pairsift.tables.columns import find_columns
from pairsift.tables.rows import payload_of, rows_within

TO_THE_END = 1 << 60
MEAN_CAPTIONS = 4
"""Rows are read in batches that become full at so many captions each: public sets have five."""


class ListReader(TableReader, Protocol):
    """A reader whose batches may hold several pairs a row."""

    def list_lengths(self, column: str) -> Iterator[tuple[int, int]]:
        """Yield where each row begins, as ``span_from`` takes it, and how many captions it has."""

    def span_from(self, position: int) -> Span:
        """Return the span from a row to the end of the file."""


@dataclass(frozen=True)
class ExplodedPayload:
    """Captions of one batch.

    Args:
        rows: The table rows that they are of.
        counts: How many of the batch are of each.
    """

    rows: TableBatch
    counts: Sequence[int]


class ExplodedReader:
    """Reads a table with one row a caption; ordinals count captions.

    Args:
        inner: Reads the table itself.
        config: Says which column, and what becomes of the captions.
        how: What becomes of them in the output.

    Raises:
        ColumnError: There is no such column.
    """

    def __init__(self, inner: ListReader, config: TableConfig, how: CaptionList) -> None:
        self.inner = inner
        self.how = how
        self.path = inner.path
        self.image_root = inner.image_root
        self._caption = find_columns(inner.column_names, config)[1]

    @property
    def column_names(self) -> tuple[str, ...]:
        """The user's columns in file order."""
        return self.inner.column_names

    def arrow_schema(self) -> pa.Schema:
        """Return the columns, with one caption a row."""
        columns = self.inner.arrow_schema()
        place = columns.get_field_index(self._caption)
        return columns.set(place, pa.field(self._caption, pa.string()))

    def to_arrow(self, batch: TableBatch, schema: pa.Schema | None = None) -> pa.RecordBatch:
        """Return the columns, a row's again for each of its captions."""
        payload = payload_of(batch, ExplodedPayload)
        wanted = schema or self.arrow_schema()
        is_typed = isinstance(payload.rows.payload, pa.RecordBatch)
        rows = self.inner.to_arrow(payload.rows, None if is_typed else wanted)
        rows = rows.take(parents_of(payload.counts))
        captions = [c and c.decode("utf-8", "replace") for c in batch.pairs["caption"].to_pylist()]
        columns = list(rows.columns)
        columns[wanted.get_field_index(self._caption)] = pa.array(captions, pa.string())
        return pa.RecordBatch.from_arrays(columns, schema=wanted)

    def whole_rows(self, batch: TableBatch) -> tuple[pa.RecordBatch, Sequence[int]]:
        """Return the table rows that a batch's captions are of, and how many are of each."""
        payload = payload_of(batch, ExplodedPayload)
        return self.inner.to_arrow(payload.rows), payload.counts

    def count_rows(self) -> int:
        """Return the number of captions, by a scan."""
        return sum(count for _, count in self.inner.list_lengths(self._caption))

    def plan(self, shard_rows: int) -> Iterator[Span]:
        """Yield spans of whole table rows: more captions than asked for only where one has more."""
        first, num_rows, begin = 0, 0, 0
        for position, count in self.inner.list_lengths(self._caption):
            if num_rows and num_rows + count > shard_rows:
                yield Span(first, num_rows, begin)
                first, num_rows = first + num_rows, 0
            begin = begin if num_rows else position
            num_rows += count
        if num_rows:
            yield Span(first, num_rows, begin)

    def read_batches(
        self,
        *,
        image_column: str,
        caption_column: str,
        batch_rows: int,
        rows: Sequence[int] | None = None,
        span: Span | None = None,
    ) -> Iterator[TableBatch]:
        """Yield the captions in file order; those of a row stay together.

        Args:
            image_column: As the inner reader takes it.
            caption_column: Likewise.
            batch_rows: About as many captions a batch.
            rows: Ordinals of captions that are wanted, ascending.
            span: One of ``plan``'s: only its captions are read.

        Yields:
            Batches; ``first_row`` is the ordinal of the first caption in it.
        """
        wanted = rows_within(rows, span)
        if wanted is not None and not wanted:
            return
        first = 0 if span is None else span.first_row
        for batch in self.inner.read_batches(
            image_column=image_column,
            caption_column=caption_column,
            batch_rows=max(1, batch_rows // MEAN_CAPTIONS),
            span=None if span is None else self.inner.span_from(span.position),
        ):
            counts = batch.caption_counts or [1] * batch.pairs.num_rows
            after = first + batch.pairs.num_rows
            inside = rows_within(wanted, Span(first, after - first))
            if len(inside) == after - first:
                yield TableBatch(first, batch.pairs, ExplodedPayload(batch, counts))
            elif inside:
                yield _some(batch, counts, [row - first for row in inside], first)
            first = after
            if wanted is not None and wanted[-1] < first:
                return


class FoldingWriter:
    """Writes table rows with one number each.

    Args:
        writer: Of the table itself.
        how: Whose number.
    """

    def __init__(self, writer: TableWriter, how: CaptionList) -> None:
        self._writer = writer
        self._how = how

    def write(self, batch: TableBatch, added: pa.RecordBatch) -> None:
        """Append the rows of a batch's captions."""
        payload = payload_of(batch, ExplodedPayload)
        folded = fold_scores(added, payload.counts, is_mean=self._how == "mean")
        self._writer.write(payload.rows, folded)


def _some(batch: TableBatch, counts: Sequence[int], places: list[int], first: int) -> TableBatch:
    """Return a batch of the captions at some places, with the rows that have any."""
    parents = np.asarray(parents_of(counts))[places]
    rows, kept = np.unique(parents, return_counts=True)
    inner = replace(batch, payload=_rows_of(batch.payload, rows.tolist()))
    pairs = batch.pairs.take(pa.array(places, pa.int64()))
    return TableBatch(first + places[0], pairs, ExplodedPayload(inner, kept.tolist()))


def _rows_of(payload: Any, rows: list[int]) -> Any:
    if isinstance(payload, pa.RecordBatch):
        return payload.take(pa.array(rows, pa.int64()))
    lists = {each.name: getattr(payload, each.name) for each in fields(payload)}
    picked = {
        name: [value[row] for row in rows]
        for name, value in lists.items()
        if isinstance(value, list)
    }
    return replace(payload, **picked)
