"""Embeddings that others made, read as a table: each pair comes with its two vectors.

No model runs on them. The table of the same rows, where there is one, gives the columns.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pairsift import schema
from pairsift.config import TableConfig
from pairsift.errors import UsageError
from pairsift.protocols import FloatArray, RowsWriter, Span, TableBatch, TableReader, TableWriter
from pairsift.tables.arrays import open_array
from pairsift.tables.columns import CAPTION_NAMES, IMAGE_NAMES, has_usual_name
from pairsift.tables.embeddings import find_embeddings
from pairsift.tables.pairs import arrow_rows, pairs_from_arrow
from pairsift.tables.parquet import ParquetReader
from pairsift.tables.rows import even_spans, rows_within

AUTO = "auto"
BATCH_BYTES = 64 << 20
_VECTOR_TYPE = np.dtype("<f4")


class VectorsReader:
    """Reads one pair of arrays with the table of the same rows.

    Args:
        path: ``NAME.npz``, or ``img_emb_N.npy``.
        config: ``from_embeddings`` names the arrays of a ``.npz``.

    Without a column for the image or the caption the reader makes one: ``image`` says where the
    vectors stand, ``caption`` is null.

    Raises:
        UsageError: The arrays have to be named.
        TableFormatError: The files are damaged, or do not belong together.
    """

    def __init__(self, path: Path, config: TableConfig) -> None:
        self.path = path
        self.image_root = path.parent
        (self.part,) = find_embeddings(path, model=arrays_name(config))
        metadata = self.part.metadata
        self._table = None if metadata is None else ParquetReader(metadata, config)
        own = pa.schema([]) if self._table is None else self._table.schema
        self._made = []
        if config.image_column is None and not has_usual_name(own.names, IMAGE_NAMES):
            self._made.append(pa.field("image", pa.string()))
        if config.caption_column is None and not has_usual_name(own.names, CAPTION_NAMES):
            self._made.append(pa.field("caption", pa.string()))
        self.schema = pa.schema([*own, *self._made], metadata=own.metadata)

    @property
    def column_names(self) -> tuple[str, ...]:
        """The columns of the metadata, then those made here."""
        return tuple(self.schema.names)

    def arrow_schema(self) -> pa.Schema:
        """Return the columns of the metadata, then those made here."""
        return self.schema

    def to_arrow(self, batch: TableBatch, schema: pa.Schema | None = None) -> pa.RecordBatch:
        """Return the rows as they are."""
        return arrow_rows(batch, schema)

    def count_rows(self) -> int:
        """Return the number of rows, from the header."""
        return self.part.num_rows

    def plan(self, shard_rows: int) -> Iterator[Span]:
        """Yield spans of ``shard_rows`` rows, from the header."""
        return even_spans(self.part.num_rows, shard_rows)

    def read_batches(
        self,
        *,
        image_column: str,
        caption_column: str,
        batch_rows: int,
        rows: Sequence[int] | None = None,
        span: Span | None = None,
    ) -> Iterator[TableBatch]:
        """Yield the rows in order; arrays of a compressed ``.npz`` are inflated up to the first.

        Args:
            image_column: Of the metadata; nothing is read from where it points to.
            caption_column: Likewise.
            batch_rows: Rows of a batch at most.
            rows: Ordinals that are wanted, ascending; those behind the last row are no error.
            span: One of ``plan``'s: only its rows are read.

        Yields:
            Batches of ``schema.VECTOR_PAIR_SCHEMA``.

        Raises:
            TableFormatError: A file is cut off or damaged.
        """
        wanted = rows_within(rows_within(rows, span), Span(0, self.part.num_rows))
        size = min(batch_rows, max(1, BATCH_BYTES // (8 * self.part.width)))
        done = 0
        with open_array(self.part.images) as images, open_array(self.part.captions) as captions:
            for table in self._rows(wanted, size):
                ordinals = wanted[done : done + len(table)]
                done += len(table)
                vectors = join_vectors(images.pick(ordinals), captions.pick(ordinals))
                pairs = pairs_from_arrow(table, image_column, caption_column)
                columns = [*pairs.columns, vectors]
                pairs = pa.RecordBatch.from_arrays(columns, schema=schema.VECTOR_PAIR_SCHEMA)
                yield TableBatch(ordinals[0], pairs, table)

    def _rows(self, wanted: Sequence[int], size: int) -> Iterator[pa.RecordBatch]:
        """Yield the columns of the wanted rows, none of them empty."""
        done = 0
        while self._table is None and done < len(wanted):
            part = wanted[done : done + size]
            yield pa.RecordBatch.from_arrays(self._make(part), schema=self.schema)
            done += len(part)
        if self._table is None:
            return
        for _, batch in self._table.read_rows(wanted, batch_rows=size):
            if not len(batch):
                continue
            made = self._make(wanted[done : done + len(batch)])
            yield pa.RecordBatch.from_arrays([*batch.columns, *made], schema=self.schema)
            done += len(batch)

    def _make(self, rows: Sequence[int]) -> list[pa.Array]:
        places = [f"{self.part.images.path.name}#{row}" for row in rows]
        made = {"image": pa.array(places, pa.string())}
        return [made.get(field.name, pa.nulls(len(rows), pa.string())) for field in self._made]


class VectorsFormat:
    """Pairs of arrays; read only."""

    name = "embeddings"
    suffixes: tuple[str, ...] = (".npy", ".npz")

    def open_reader(self, path: Path, config: TableConfig, /) -> VectorsReader:
        """Open a pair of arrays for reading; errors as in ``VectorsReader``."""
        if config.from_embeddings is None:
            message = f"{path} holds embeddings (hint: --from-embeddings {AUTO})"
            raise UsageError(message)
        return VectorsReader(path, config)

    def open_writer(
        self,
        path: Path | None,
        /,
        *,
        reader: TableReader,  # noqa: ARG002 - refused whatever it is
        added_schema: pa.Schema,  # noqa: ARG002
        metadata: Mapping[str, str],  # noqa: ARG002
    ) -> AbstractContextManager[TableWriter]:
        """Refuse: scores have no place in an array of embeddings."""
        message = f"{path}: scores have no place in an array of embeddings"
        raise UsageError(message)

    def open_rows_writer(
        self,
        path: Path | None,
        /,
        *,
        columns: pa.Schema,  # noqa: ARG002 - refused whatever they are
        added_schema: pa.Schema,  # noqa: ARG002
        metadata: Mapping[str, str],  # noqa: ARG002
    ) -> AbstractContextManager[RowsWriter]:
        """Refuse, too."""
        message = f"{path}: scores have no place in an array of embeddings"
        raise UsageError(message)


FORMAT = VectorsFormat()


def arrays_name(config: TableConfig) -> str | None:
    """Return which arrays of a ``.npz`` are meant; None where there is but one pair."""
    return None if config.from_embeddings == AUTO else config.from_embeddings


def join_vectors(images: FloatArray, captions: FloatArray) -> pa.Array:
    """Return a cell for each pair: the image's numbers, then the caption's, as float32.

    Args:
        images: Shape (N, D), as they were handed in.
        captions: Likewise.
    """
    both = np.ascontiguousarray(np.concatenate([images, captions], axis=1), dtype=_VECTOR_TYPE)
    width = both.shape[1] * _VECTOR_TYPE.itemsize
    offsets = np.arange(len(both) + 1, dtype=np.int32) * np.int32(width)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(both)]
    return pa.Array.from_buffers(pa.binary(), len(both), buffers)


def split_vectors(cells: pa.Array, width: int) -> tuple[FloatArray, FloatArray]:
    """Return the two arrays that ``join_vectors`` made cells of.

    Args:
        cells: N of them.
        width: Dimensions D.

    Returns:
        Shape (N, D) each, float32.
    """
    both: NDArray[np.float32] = np.frombuffer(b"".join(cells.to_pylist()), dtype=_VECTOR_TYPE)
    both = both.astype(np.float32, copy=False).reshape(len(cells), 2, width)
    return both[:, 0], both[:, 1]
