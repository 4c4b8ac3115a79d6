"""What a shard was made of: a digest of its rows' two columns that no batching changes."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pairsift import schema


class PairDigest:
    """Collects the bytes of pairs, in however many batches they come.

    Lengths and contents of each column are hashed apart, so that no two different sequences of
    cells give the same bytes, and whole buffers are hashed instead of one cell after another.

    Example:
        >>> rows = pa.RecordBatch.from_pylist(
        ...     [{"reference": b"a"}, {"reference": b"b"}], schema=schema.PAIR_SCHEMA
        ... )
        >>> whole, parts = PairDigest(), PairDigest()
        >>> whole.add(rows)
        >>> parts.add(rows.slice(0, 1))
        >>> parts.add(rows.slice(1))
        >>> whole.id(0, [0, 1]) == parts.id(0, [0, 1])
        True
    """

    def __init__(self) -> None:
        self._lengths = {name: hashlib.sha256() for name in schema.PAIR_SCHEMA.names}
        self._contents = {name: hashlib.sha256() for name in schema.PAIR_SCHEMA.names}
        self.num_rows = 0

    def add(self, pairs: pa.RecordBatch) -> None:
        """Add rows of ``schema.PAIR_SCHEMA``, or of ``schema.VECTOR_PAIR_SCHEMA``."""
        self.num_rows += pairs.num_rows
        for name in pairs.schema.names:
            self._lengths.setdefault(name, hashlib.sha256())
            self._contents.setdefault(name, hashlib.sha256())
            column = pairs.column(name).cast(pa.binary())
            lengths = pc.fill_null(pc.binary_length(column), -1).to_numpy(zero_copy_only=False)
            self._lengths[name].update(lengths.astype("<i4").tobytes())
            self._contents[name].update(_joined(column))

    def id(self, file: int, rows: Sequence[int] | NDArray[np.int64]) -> str:
        """Return the shard's id, in hex.

        Args:
            file: Ordinal of the input file.
            rows: Ordinals of the rows that were added.
        """
        whole = hashlib.sha256(f"{file}".encode())
        whole.update(np.asarray(rows, dtype="<i8").tobytes())
        for name in self._lengths:
            whole.update(self._lengths[name].digest() + self._contents[name].digest())
        return whole.hexdigest()


def _joined(column: Any) -> Any:
    """Return the cells' bytes behind each other; a null gives none."""
    if column.null_count:
        column = pc.fill_null(column, b"")
    _, offsets, values = column.buffers()
    if values is None or len(column) == 0:
        return b""
    places = np.frombuffer(offsets, dtype="<i4")
    begin, end = int(places[column.offset]), int(places[column.offset + len(column)])
    return memoryview(values)[begin:end]
