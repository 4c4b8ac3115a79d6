"""Scores from embeddings that are there already: no image is read, and no model runs."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pairsift import schema
from pairsift.errors import RowError
from pairsift.memory import Distinct, ShardMemory
from pairsift.pairing import scatter, score_columns, score_schema, scored_batch, shard_schema
from pairsift.protocols import FloatArray, Measure, Provenance
from pairsift.runs.writing import CAPTION_INDEX, IMAGE_INDEX
from pairsift.stages import StageClock
from pairsift.statuses import RowStatus
from pairsift.tables.embeddings import unit_norm
from pairsift.tables.vectors import split_vectors

BATCH_ROWS = 4096

UNKNOWN_MODEL = "unknown"
"""What made the embeddings, where nobody said it."""


@dataclass(frozen=True)
class GivenEmbeddings:
    """Embeddings of pairs that somebody else made.

    Args:
        provenance: What is known of them.
        width: Dimensions D.
    """

    provenance: Provenance
    width: int


class GivenScorer:
    """Scores pairs that ``tables.vectors`` reads, with their two vectors.

    A pair of which one vector is zero, or not finite, is ``embedding_invalid``. What became of
    the image and the caption before they were embedded, nobody knows here.

    Args:
        encoder: What is known of the embeddings.
        measure: Turns two embeddings into the number.
        details: Add the detail columns, all null.
        is_deduped: Equal embeddings of a shard are kept once.
    """

    def __init__(
        self,
        *,
        encoder: GivenEmbeddings,
        measure: Measure,
        details: bool = False,
        is_deduped: bool = True,
    ) -> None:
        self.encoder = encoder
        self.measure = measure
        self.details = details
        self.is_deduped = is_deduped
        self.clock = StageClock()
        self.num_truncated = 0
        self.batch_rows = BATCH_ROWS
        self.warnings: list[str] = []

    @property
    def output_schema(self) -> pa.Schema:
        """The added columns, without any prefix."""
        return score_schema(self.measure, details=self.details)

    def new_memory(self, *, is_suspect: bool = False, root: Path | None = None) -> ShardMemory:
        """Return the memory of a shard that begins; there is nothing to decode or to open."""
        return ShardMemory(self.encoder.width, is_suspect=is_suspect, root=root)

    def stream(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Score batches of ``schema.VECTOR_PAIR_SCHEMA`` in order, into ``output_schema``."""
        names = self.output_schema.names
        for scored in self.stream_shards((batch, self.new_memory()) for batch in batches):
            yield scored.select(names)

    def stream_shards(
        self, batches: Iterable[tuple[pa.RecordBatch, ShardMemory]]
    ) -> Iterator[pa.RecordBatch]:
        """Score batches of shards in order; as ``PairScorer.stream_shards``."""
        for batch, memory in batches:
            yield self._score(batch, memory)

    def close(self) -> None:
        """Nothing runs beside."""

    def _score(self, batch: pa.RecordBatch, memory: ShardMemory) -> pa.RecordBatch:
        given = split_vectors(batch.column(schema.VECTORS), self.encoder.width)
        (images, image_sound), (captions, caption_sound) = map(unit_norm, given)
        failures = {
            **_failures(given[1], caption_sound, "caption"),
            **_failures(given[0], image_sound, "image"),
        }
        sound = image_sound & caption_sound
        rows: list[int] = np.flatnonzero(sound).tolist()
        image_places = self._remember(memory, memory.images, images[sound])
        caption_places = self._remember(memory, memory.captions, captions[sound])
        embeddings = memory.images.rows[image_places], memory.captions.rows[caption_places]
        columns = score_columns(self.measure, embeddings, rows, batch.num_rows)
        for field in schema.DETAIL_FIELDS:
            columns[field.name] = pa.nulls(batch.num_rows, field.type)
        columns[IMAGE_INDEX] = scatter(image_places, rows, batch.num_rows)
        columns[CAPTION_INDEX] = scatter(caption_places, rows, batch.num_rows)
        return scored_batch(batch.num_rows, failures, columns, of=shard_schema(self.measure))

    def _remember(self, memory: ShardMemory, kept: Distinct, rows: FloatArray) -> list[int]:
        """Return the place of each row among the distinct ones of its shard."""
        if self.is_deduped:
            names = [hashlib.blake2b(row.data, digest_size=16).digest() for row in rows]
        else:
            names = [memory.serial() for _ in rows]
        new = {name: row for name, row in zip(names, rows, strict=True) if name not in kept.places}
        kept.add(list(new), list(new.values()))
        return [kept.places[name] for name in names]


def _failures(given: FloatArray, is_sound: NDArray[np.bool_], what: str) -> dict[int, RowError]:
    failures = {}
    for row in np.flatnonzero(~is_sound).tolist():
        is_finite = bool(np.isfinite(given[row]).all())
        reason = f"the {what}'s embedding is {'zero' if is_finite else 'not finite'}"
        failures[row] = RowError(RowStatus.EMBEDDING_INVALID, reason)
    return failures
