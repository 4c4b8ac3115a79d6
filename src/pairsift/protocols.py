"""The four seams of pairsift: what an encoder, a measure, a table and an engine promise.

Every implementation of a seam passes one contract suite (``tests/contracts``).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image

from pairsift.config import TableConfig

FloatArray = NDArray[np.float32]
PixelArray = NDArray[np.uint8]


@dataclass(frozen=True)
class TokenizedCaption:
    """A caption as token ids, cut to the context length but never padded.

    Args:
        ids: Token ids, with the start and end tokens that the model uses.
        num_tokens: Tokens before cutting.
    """

    ids: tuple[int, ...]
    num_tokens: int

    @property
    def is_truncated(self) -> bool:
        """Whether tokens were cut off."""
        return self.num_tokens > len(self.ids)


@dataclass(frozen=True)
class Provenance:
    """What produced a number: carried by every output.

    Args:
        model: Name of the model record, or the folder or repo it came from.
        revision: Pinned commit, or null for built-in and local models.
        weights_sha256: Of the weights file.
        runtime: ``openvino 2026.4.1`` or the like.
        device: ``cpu``, ``cuda:0``, …
        precision: What a probe showed to run: ``fp32``, ``bf16``, ``fp16`` or ``int8``.
        image_recipe: The preprocessing in words.
        text_recipe: The tokenization in words.
    """

    model: str
    revision: str | None
    weights_sha256: str | None
    runtime: str
    device: str
    precision: str
    image_recipe: str
    text_recipe: str


class EmbeddingSource(Protocol):
    """Where embeddings come from, as far as a run writes it down."""

    @property
    def provenance(self) -> Provenance:
        """What made them."""

    @property
    def width(self) -> int:
        """Dimensions D of the embeddings."""


class Encoder(Protocol):
    """Images and captions into one space; an ``EmbeddingSource``.

    ``prepare_image`` and ``prepare_captions`` are thread-safe and cheap; the two ``encode``
    methods run the towers and are called from one thread at a time.
    """

    @property
    def provenance(self) -> Provenance:
        """What runs."""

    @property
    def width(self) -> int:
        """Dimensions D of the embeddings."""

    @property
    def image_size(self) -> int:
        """Side S of the model's input: what decoding aims at."""

    def prepare_image(self, image: Image.Image) -> PixelArray:
        """Return the model's input pixels of one RGB image, shape (S, S, 3), uint8."""

    def prepare_captions(self, captions: Sequence[str]) -> list[TokenizedCaption]:
        """Return the token ids of each caption, cut to the context length."""

    def encode_images(self, pixels: Sequence[PixelArray]) -> FloatArray:
        """Return unit-norm image embeddings, shape (N, D), in input order."""

    def encode_texts(self, captions: Sequence[TokenizedCaption]) -> FloatArray:
        """Return unit-norm text embeddings, shape (N, D), in input order."""


class Measure(Protocol):
    """A number from two embeddings, bound to a model record."""

    @property
    def name(self) -> str:
        """The name by which it is chosen."""

    @property
    def is_distance(self) -> bool:
        """Whether lower means closer."""

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest value."""

    @property
    def caption_prefix(self) -> str:
        """Put before every caption; part of the metric's definition, mostly empty."""

    def __call__(self, image_embeddings: FloatArray, text_embeddings: FloatArray) -> FloatArray:
        """Return one number a row, shape (N,), float32."""


@dataclass(frozen=True)
class TableBatch:
    """A few rows of a table on their way through.

    Args:
        first_row: Ordinal of the first row in its file, from 0.
        pairs: The rows as ``schema.PAIR_SCHEMA`` (null columns where the caller asked for none), or
            as ``schema.VECTOR_PAIR_SCHEMA``.
        payload: The rows as the format keeps them; only the same format's writer looks inside.
        caption_counts: Where rows hold lists of captions: how many pairs each row has.
    """

    first_row: int
    pairs: pa.RecordBatch
    payload: object
    caption_counts: Sequence[int] | None = None


@dataclass(frozen=True)
class Span:
    """Contiguous rows of one file: what one shard reads.

    Args:
        first_row: Ordinal of the first row in the file, from 0.
        num_rows: At least 1.
        position: Where the first row's bytes begin, so that a reader can go there: an offset in
            the file, or in the uncompressed stream of a compressed one. 0 where the format finds
            rows by itself.
    """

    first_row: int
    num_rows: int
    position: int = 0


class TableReader(Protocol):
    """Reads one file of a format in batches; iterating again starts again."""

    @property
    def path(self) -> Path:
        """The file, or the folder that is the table."""

    @property
    def image_root(self) -> Path:
        """The folder that relative references start from unless the caller names another."""

    @property
    def column_names(self) -> tuple[str, ...]:
        """The user's columns in file order."""

    def arrow_schema(self) -> pa.Schema:
        """Return what ``to_arrow`` gives; text without types needs a scan to know."""

    def to_arrow(self, batch: "TableBatch", schema: pa.Schema | None = None) -> pa.RecordBatch:
        """Return the user's columns of a batch.

        Args:
            batch: Of this reader, or of another file of the same format.
            schema: What is wanted, if it is wider than ``arrow_schema``: that of many files.
        """

    def count_rows(self) -> int:
        """Return the number of rows, by a scan where the format does not keep it."""

    def plan(self, shard_rows: int) -> Iterator[Span]:
        """Yield spans of at most ``shard_rows`` rows, in order, that cover every row once.

        The same file gives the same spans. Text formats find them in one scan, as far as the
        caller goes, so that the first shard can be scored while the rest is still unread.
        """

    def read_batches(
        self,
        *,
        image_column: str,
        caption_column: str,
        batch_rows: int,
        rows: Sequence[int] | None = None,
        span: Span | None = None,
    ) -> Iterator[TableBatch]:
        """Yield the rows in file order.

        ``rows`` (ascending ordinals of the file) picks some of them; ``span``, one of ``plan``'s,
        reads only its rows, without those before it. With both, the rows that are in both.
        """


class TableWriter(Protocol):
    """Writes the enriched rows; nothing appears under the final name before the end."""

    def write(self, batch: TableBatch, added: pa.RecordBatch) -> None:
        """Append the batch's rows with the added cells."""


class RowsWriter(Protocol):
    """Writes rows that came from another format."""

    def write_rows(self, rows: pa.RecordBatch, added: pa.RecordBatch) -> None:
        """Append rows with the added cells."""


class TableFormat(Protocol):
    """Reader and writer of one format."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """File suffixes, lower case, with the dot."""

    def open_reader(self, path: Path, config: TableConfig, /) -> TableReader:
        """Open a file; raises TableFormatError when it is not what it should be."""

    def open_writer(
        self,
        path: Path | None,
        /,
        *,
        reader: TableReader,
        added_schema: pa.Schema,
        metadata: Mapping[str, str],
    ) -> AbstractContextManager[TableWriter]:
        """Open an output for rows of the same format, which stay as they are.

        It appears when the context ends well; None is standard output. ``reader`` is of the
        input, or of the first of many with the same columns.
        """

    def open_rows_writer(
        self,
        path: Path | None,
        /,
        *,
        columns: pa.Schema,
        added_schema: pa.Schema,
        metadata: Mapping[str, str],
    ) -> AbstractContextManager[RowsWriter]:
        """Open an output for rows of another format."""
