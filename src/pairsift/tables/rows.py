"""From a stream of records to spans and batches: what all text formats do alike."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain
from operator import add
from typing import TypeVar, overload

import pyarrow as pa

from pairsift import schema
from pairsift.errors import TableFormatError
from pairsift.protocols import Span, TableBatch
from pairsift.tables.records import Records

Payload = TypeVar("Payload")

Pair = tuple[bytes | None, bytes | None, bytes | None, str | None]
"""Reference, content, caption and problem of one row, as ``schema.PAIR_SCHEMA``."""


@dataclass(frozen=True)
class Chunk:
    """Rows as they stand in the file, side by side: as many as make a batch.

    Args:
        rows: Their ordinals in the file.
        bodies: Each record without its line end.
        tails: Each record's line end and what follows it up to the next record.
        offsets: Where each begins.
    """

    rows: list[int] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    tails: list[bytes] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)

    def take(self, count: int) -> "Chunk":
        """Return the first rows and forget them."""
        lists = (self.rows, self.bodies, self.tails, self.offsets)
        taken = Chunk(*[each[:count] for each in lists])  # type: ignore[arg-type]
        for each in lists:
            del each[:count]
        return taken


class RecordSource:
    """The records of one file from any offset; goes on where the last reading stopped.

    A worker that reads span after span must not inflate a compressed file from its start for
    each. Used by one thread at a time.

    Args:
        open_at: Gives the records from an offset to the end of the file.
    """

    def __init__(self, open_at: Callable[[int], Iterator[Records]]) -> None:
        self._open_at = open_at
        self._held: dict[int, Iterator[Records]] = {}

    def __reduce__(self) -> tuple[type["RecordSource"], tuple[object]]:
        # An open file stays where it is.
        return RecordSource, (self._open_at,)

    def read(self, offset: int, span: Span | None) -> Iterator[Records]:
        """Yield the records of a span, or, without one, all from an offset."""
        if span is None:
            yield from self._open_at(offset)
            return
        stream = self._held.pop(span.position, None) or self._open_at(span.position)
        left = span.num_rows
        for records in stream:
            if len(records.bodies) < left:
                left -= len(records.bodies)
                yield records
                continue
            head = Records(records.bodies[:left], records.tails[:left], records.offset)
            after = head.offset + sum(map(len, head.bodies)) + sum(map(len, head.tails))
            rest = Records(records.bodies[left:], records.tails[left:], after)
            self._hold(after, rest, stream)
            yield head
            return

    def _hold(self, offset: int, rest: Records, stream: Iterator[Records]) -> None:
        if not rest.bodies:
            try:
                rest = next(stream, rest)
            except TableFormatError:
                # For whoever reads on from here to be told.
                rest = Records([], [], offset)
        # At the end nothing is held, and no file stays open.
        self._held = {offset: chain([rest], stream)} if rest.bodies else {}


def plan_spans(stream: Iterator[Records], shard_rows: int) -> Iterator[Span]:
    """Yield spans of ``shard_rows`` rows, the last one of what is left, as the stream goes by."""
    first, begin, num_rows = 0, 0, 0
    for records in stream:
        count, at, done = len(records.bodies), records.offset, 0
        while done < count:
            begin = at if num_rows == 0 else begin
            step = min(shard_rows - num_rows, count - done)
            at += sum(map(len, records.bodies[done : done + step]))
            at += sum(map(len, records.tails[done : done + step]))
            done, num_rows = done + step, num_rows + step
            if num_rows == shard_rows:
                yield Span(first, num_rows, begin)
                first, num_rows = first + num_rows, 0
    if num_rows:
        yield Span(first, num_rows, begin)


def even_spans(num_rows: int, shard_rows: int) -> Iterator[Span]:
    """Yield spans of ``shard_rows`` rows, the last one of what is left: rows that need no search.

    Example:
        >>> [span.num_rows for span in even_spans(5, 2)]
        [2, 2, 1]
    """
    for first in range(0, num_rows, shard_rows):
        yield Span(first, min(shard_rows, num_rows - first))


@overload
def rows_within(rows: Sequence[int] | None, span: Span) -> Sequence[int]: ...


@overload
def rows_within(rows: Sequence[int] | None, span: Span | None) -> Sequence[int] | None: ...


def rows_within(rows: Sequence[int] | None, span: Span | None) -> Sequence[int] | None:
    """Return the ordinals that are wanted: those of both, or None for all.

    Args:
        rows: Ascending ordinals, or None for all.
        span: Where to look, or None for everywhere.

    Example:
        >>> rows_within([1, 4, 5, 9], Span(4, 5))
        [4, 5]
    """
    if span is None:
        return rows
    after = span.first_row + span.num_rows
    if rows is None:
        return range(span.first_row, after)
    return rows[bisect_left(rows, span.first_row) : bisect_left(rows, after)]


def payload_of(batch: TableBatch, kind: type[Payload]) -> Payload:
    """Return a batch's rows as their format keeps them.

    Raises:
        TypeError: The batch is of another format.
    """
    if not isinstance(batch.payload, kind):
        message = f"expected a batch of {kind.__name__}, not {type(batch.payload).__name__}"
        raise TypeError(message)
    return batch.payload


def read_chunks(
    stream: Iterator[Records], *, first_row: int, rows: Sequence[int] | None, batch_rows: int
) -> Iterator[Chunk]:
    """Yield the wanted rows, ``batch_rows`` at a time; only the last chunk has fewer.

    Args:
        stream: Consecutive records.
        first_row: Ordinal of the first of them.
        rows: Ordinals that are wanted, ascending, none before ``first_row``; None for all. The
            stream is not read behind the last one.
        batch_rows: Rows of a chunk.
    """
    waiting = Chunk()
    if rows is not None and not rows:
        return
    for records in stream:
        after = first_row + len(records.bodies)
        _pick(records, first_row=first_row, rows=rows, into=waiting)
        while len(waiting.rows) >= batch_rows:
            yield waiting.take(batch_rows)
        first_row = after
        if rows is not None and rows[-1] < first_row:
            break
    if waiting.rows:
        yield waiting


def pairs_batch(pairs: Sequence[Pair]) -> pa.RecordBatch:
    """Return pairs as ``schema.PAIR_SCHEMA``."""
    columns = zip(*pairs, strict=True)
    kinds = schema.PAIR_SCHEMA.types
    arrays = [pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema.PAIR_SCHEMA)


def refuse_malformed(
    chunk: Chunk, problems: Iterable[str | None], complain: Callable[[int, str], object]
) -> None:
    """Tell of the first malformed row, if there is one.

    Args:
        chunk: The rows.
        problems: What is wrong with each.
        complain: Told the offset and the problem; raises.
    """
    for offset, problem in zip(chunk.offsets, problems, strict=True):
        if problem is not None:
            complain(offset, problem)


def _pick(records: Records, *, first_row: int, rows: Sequence[int] | None, into: Chunk) -> None:
    count = len(records.bodies)
    if rows is None:
        picked: Sequence[int] = range(count)
    else:
        inside = rows[bisect_left(rows, first_row) : bisect_left(rows, first_row + count)]
        picked = [row - first_row for row in inside]
    lengths = map(add, map(len, records.bodies), map(len, records.tails))
    offsets = list(accumulate(lengths, initial=records.offset))
    if len(picked) == count:
        into.offsets.extend(offsets[:count])
        into.bodies.extend(records.bodies)
        into.tails.extend(records.tails)
    else:
        into.offsets.extend(offsets[index] for index in picked)
        into.bodies.extend(records.bodies[index] for index in picked)
        into.tails.extend(records.tails[index] for index in picked)
    into.rows.extend(first_row + index for index in picked)
