"""Row groups of a Parquet file: which to read, and which of their rows."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa


def equal_parts(num_rows: int, most: int) -> list[int]:
    """Return as few parts of at most ``most`` rows as there can be, as equal as they can be."""
    count = -(-num_rows // most)
    return [num_rows // count + (index < num_rows % count) for index in range(count)]


def batches_of(
    file: Any, size: int, rows: Sequence[int] | None
) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield batches of at most ``size`` rows with the ordinal of their first row.

    Args:
        file: A ``pyarrow.parquet.ParquetFile``.
        size: Rows of a batch at most.
        rows: Ordinals that are wanted, ascending; None for all. Row groups without one of them
            are not read.
    """
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


def codec_of_pages(metadata: Any) -> str:
    """Return the input's codec, so that the output is as large or small as the user chose."""
    if metadata.num_row_groups and metadata.num_columns:
        name = str(metadata.row_group(0).column(0).compression).lower()
        return _CODECS.get(name, "snappy")
    return "snappy"


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


_CODECS = {name: name for name in ("snappy", "gzip", "brotli", "zstd", "lz4")}
_CODECS |= {"uncompressed": "none", "lz4_raw": "lz4"}
