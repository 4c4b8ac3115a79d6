"""From what is left of a table to batches of shards, reading each stretch of it once."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from pairsift.errors import JobError
from pairsift.memory import ShardMemory
from pairsift.protocols import Span, TableReader
from pairsift.runs.digests import PairDigest
from pairsift.runs.plan import Piece

TO_THE_END = 1 << 60
BATCH_BYTES = 32 << 20
"""Rows are not put together beyond this: images may stand in the table."""


@dataclass
class OpenShard:
    """A shard on its way.

    Args:
        piece: What it reads.
        memory: What it has seen.
        digest: Of what was read so far.
        scored: Batches that came back from the scorer.
    """

    piece: Piece
    memory: ShardMemory
    digest: PairDigest = field(default_factory=PairDigest)
    scored: list[pa.RecordBatch] = field(default_factory=list)
    num_scored: int = 0

    @property
    def is_complete(self) -> bool:
        """Whether all its rows came back."""
        return self.num_scored == len(self.piece.rows)


@dataclass(frozen=True)
class PairColumns:
    """Which columns of a table are read, and how many rows at once.

    Args:
        image: Name of the image column.
        caption: Name of the caption column.
        batch_rows: Rows of a batch at most.
    """

    image: str
    caption: str
    batch_rows: int


class PieceReader:
    """Reads one file's pieces in order; neighbours are read in one go.

    Reading each piece by itself would read a Parquet row group once for every shard in it.

    Args:
        reader: Of the file.
        columns: What to read.
        wanted: Ordinals of the rows that are wanted, ascending, or None for all.
        name: Of the file, for messages.
    """

    def __init__(
        self, reader: TableReader, columns: PairColumns, *, wanted: Sequence[int] | None, name: str
    ) -> None:
        self._reader = reader
        self._columns = columns
        self._wanted = wanted
        self._name = name
        self._stream: Iterator[pa.RecordBatch] = iter(())
        self._rest: pa.RecordBatch | None = None
        self._next_row = -1

    def read(self, piece: Piece) -> Iterator[pa.RecordBatch]:
        """Yield the pairs of a piece in batches of about equal size.

        Raises:
            JobError: The file has fewer rows than when it was planned.
        """
        if piece.rows[0] != self._next_row:
            self._open(piece)
        left = len(piece.rows)
        size = -(-left // -(-left // self._columns.batch_rows))
        waiting: list[pa.RecordBatch] = []
        while left:
            part = self._take(min(left, size - sum(map(len, waiting))))
            waiting.append(part)
            left -= len(part)
            is_full = sum(map(len, waiting)) >= size
            if is_full or not left or sum(batch.nbytes for batch in waiting) >= BATCH_BYTES:
                yield _joined(waiting)
                waiting = []
        self._next_row = self._behind(piece.rows[-1])

    def _open(self, piece: Piece) -> None:
        self._rest = None
        first = piece.rows[0]
        rows, span = self._wanted, piece.span
        if rows is not None:
            rows = rows[bisect_left(rows, first) :]
        elif first > span.first_row:
            rows = range(first, TO_THE_END)
        is_start = span.first_row == 0 and rows is None
        batches = self._reader.read_batches(
            image_column=self._columns.image,
            caption_column=self._columns.caption,
            batch_rows=self._columns.batch_rows,
            rows=rows,
            span=None if is_start else Span(span.first_row, TO_THE_END, span.position),
        )
        self._stream = (batch.pairs for batch in batches)

    def _take(self, count: int) -> pa.RecordBatch:
        """Return the next rows of the stream, at least one and at most ``count``."""
        rest = self._rest or next(self._stream, None)
        if rest is None:
            message = f"{self._name} became shorter while it was read; nothing of it was lost"
            raise JobError(message)
        self._rest = rest.slice(count) if len(rest) > count else None
        return rest.slice(0, count)

    def _behind(self, row: int) -> int:
        if self._wanted is None:
            return row + 1
        place = bisect_left(self._wanted, row) + 1
        return self._wanted[place] if place < len(self._wanted) else -1


def split_rows(wanted: Sequence[int], counts: Iterable[int]) -> list[Sequence[int]]:
    """Return which rows of each file are wanted, given ordinals over all files.

    Args:
        wanted: Ordinals, ascending, counted through all files.
        counts: Rows of each file.

    Example:
        >>> split_rows([1, 4], [3, 3])
        [[1], [1]]
    """
    parts: list[Sequence[int]] = []
    first = 0
    for count in counts:
        inside = wanted[bisect_left(wanted, first) : bisect_left(wanted, first + count)]
        if isinstance(inside, range):
            parts.append(range(inside.start - first, inside.stop - first))
        else:
            parts.append([row - first for row in inside])
        first += count
    return parts


def _joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    if len(batches) == 1:
        return batches[0]
    return pa.Table.from_batches(batches).combine_chunks().to_batches()[0]
