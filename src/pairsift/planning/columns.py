"""What the two columns say of the whole table: how much of it comes again, and where.

A run reads each reference once in a shard, and encodes it again in later shards unless the cache
still holds it. A sample of short pieces sees fewer repetitions than a whole shard has, so they are
counted over all rows here.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pairsift import schema
from pairsift.planning.sketch import DistinctSketch, hashes_of
from pairsift.protocols import Span, TableReader

SCAN_ROWS = 16_384
REUSE_ROWS = 4_000_000
"""How far the cache of embeddings is followed: many times what it can hold."""

Hashes = NDArray[np.uint64]


@dataclass(frozen=True)
class PlannedFile:
    """One input file and its shards.

    Args:
        ordinal: Of the file.
        reader: Of the file.
        spans: Its shards, in order.
    """

    ordinal: int
    reader: TableReader
    spans: Sequence[Span]


@dataclass(frozen=True)
class ColumnFacts:
    """What was counted in the columns.

    Args:
        num_rows: Of the whole table.
        num_shards: Likewise.
        scanned_rows: Rows that were looked at: all, or none where images stand in the table.
        read_seconds: Reading those, without counting.
        shard_references: Distinct references of each shard, added up.
        shard_captions: Likewise captions.
        reference_hits: Share of those references whose embedding is still in the cache.
        caption_hits: Likewise.
        distinct_references: Of the whole table, by a sketch; None where not scanned.
        distinct_captions: Likewise.
    """

    num_rows: int
    num_shards: int
    scanned_rows: int = 0
    read_seconds: float = 0.0
    shard_references: int = 0
    shard_captions: int = 0
    reference_hits: float = 0.0
    caption_hits: float = 0.0
    distinct_references: float | None = None
    distinct_captions: float | None = None


class ReuseFollower:
    """Follows which keys a cache would still hold; the longest unused give way.

    Args:
        slots: Keys that it holds.

    Example:
        >>> follower = ReuseFollower(2)
        >>> [follower.see([key]) for key in (1, 2, 1, 3, 2)]
        [0, 0, 1, 0, 0]
    """

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._kept: OrderedDict[int, None] = OrderedDict()
        self.num_seen = 0
        self.num_hits = 0

    def see(self, keys: Sequence[int]) -> int:
        """Ask for each key and keep it; return how many were there."""
        hits = 0
        for key in keys if self._slots else ():
            if key in self._kept:
                hits += 1
                self._kept.move_to_end(key)
            else:
                self._kept[key] = None
                if len(self._kept) > self._slots:
                    self._kept.popitem(last=False)
        self.num_seen += len(keys)
        self.num_hits += hits
        return hits

    @property
    def share(self) -> float:
        """Share of the keys that were there."""
        return self.num_hits / self.num_seen if self.num_seen else 0.0


class _Column:
    """Counts one column shard by shard."""

    def __init__(self, slots: int) -> None:
        self._sketch = DistinctSketch()
        self._follower = ReuseFollower(slots)
        self.num_distinct = 0

    def add_shard(self, hashes: Hashes, *, follow: bool) -> None:
        distinct, first = np.unique(hashes, return_index=True)
        self.num_distinct += len(distinct)
        self._sketch.add(distinct)
        if follow:
            self._follower.see(distinct[np.argsort(first)].tolist())

    @property
    def hits(self) -> float:
        return self._follower.share

    @property
    def total(self) -> float:
        return self._sketch.estimate()


def scan_columns(
    files: Sequence[PlannedFile],
    *,
    columns: tuple[str, str],
    cache_slots: int,
    on_rows: Callable[[int], None] = lambda _: None,
) -> ColumnFacts:
    """Go through the image and the caption column of every row.

    Args:
        files: The table.
        columns: Names of the two columns.
        cache_slots: Embeddings of images, and again of captions, kept for later shards.
        on_rows: Called with the rows so far.

    Returns:
        What was counted; without counts where the first rows hold their images themselves, since
        going through those is as much work as the run.

    Raises:
        TableFormatError: A file is damaged.
    """
    num_rows = sum(span.num_rows for file in files for span in file.spans)
    num_shards = sum(len(file.spans) for file in files)
    images, captions = _Column(cache_slots), _Column(cache_slots)
    clock = _Clock()
    done = 0
    for file in files:
        batches = clock.timed(
            batch.pairs
            for batch in file.reader.read_batches(
                image_column=columns[0], caption_column=columns[1], batch_rows=SCAN_ROWS
            )
        )
        shards = _Shards(file.spans)
        for pairs in batches:
            if done == 0 and 2 * pairs.column(schema.CONTENT).null_count < pairs.num_rows:
                return ColumnFacts(num_rows, num_shards)
            for references, texts in shards.add(pairs):
                images.add_shard(references, follow=done < REUSE_ROWS)
                captions.add_shard(texts, follow=done < REUSE_ROWS)
            done += pairs.num_rows
            on_rows(done)
    return ColumnFacts(
        num_rows=num_rows,
        num_shards=num_shards,
        scanned_rows=done,
        read_seconds=clock.seconds,
        shard_references=images.num_distinct,
        shard_captions=captions.num_distinct,
        reference_hits=images.hits,
        caption_hits=captions.hits,
        distinct_references=images.total,
        distinct_captions=captions.total,
    )


class _Clock:
    """Counts the seconds that an iterator takes, without those of its reader."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def timed(self, items: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        while True:
            begin = time.perf_counter()
            item = next(items, None)
            self.seconds += time.perf_counter() - begin
            if item is None:
                return
            yield item


class _Shards:
    """Cuts the hashes of a file's rows at the ends of its shards."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._sizes = iter([span.num_rows for span in spans])
        self._left = next(self._sizes, 0)
        self._parts: list[tuple[Hashes, Hashes]] = []

    def add(self, pairs: pa.RecordBatch) -> Iterator[tuple[Hashes, Hashes]]:
        """Yield the hashes of each shard that is complete now."""
        begin = 0
        while begin < pairs.num_rows:
            count = min(self._left or pairs.num_rows, pairs.num_rows - begin)
            part = pairs.slice(begin, count)
            self._parts.append((_hashes(part, schema.REFERENCE), _hashes(part, schema.CAPTION)))
            begin, self._left = begin + count, self._left - count
            if self._left <= 0:
                references, captions = zip(*self._parts, strict=True)
                yield np.concatenate(references), np.concatenate(captions)
                self._parts, self._left = [], next(self._sizes, 0)


def _hashes(pairs: pa.RecordBatch, name: str) -> Hashes:
    return hashes_of(pairs.column(name).drop_null().to_pylist())
