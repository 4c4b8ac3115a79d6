"""What every engine asks of what scores: pairs in, scores out, shard by shard."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from pairsift.memory import ShardMemory
from pairsift.protocols import EmbeddingSource, Measure
from pairsift.stages import StageClock


class Scorer(Protocol):
    """Scores Arrow batches of pairs, with a model or from embeddings that are there already."""

    @property
    def encoder(self) -> EmbeddingSource:
        """Where the embeddings come from."""

    @property
    def measure(self) -> Measure:
        """Two embeddings to a number."""

    @property
    def clock(self) -> StageClock:
        """Where the time goes."""

    @property
    def num_truncated(self) -> int:
        """Captions so far that were cut to the model's context length."""

    @property
    def batch_rows(self) -> int:
        """Rows a batch that keep memory within bounds."""

    @property
    def output_schema(self) -> pa.Schema:
        """The added columns, without any prefix."""

    @property
    def warnings(self) -> list[str]:
        """What the user should know at the end."""

    def stream(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Score batches of ``schema.PAIR_SCHEMA`` in order, into ``output_schema``."""

    def new_memory(self, *, is_suspect: bool = False, root: Path | None = None) -> ShardMemory:
        """Return the memory of a shard that begins."""

    def stream_shards(
        self, batches: Iterable[tuple[pa.RecordBatch, ShardMemory]]
    ) -> Iterator[pa.RecordBatch]:
        """Score batches with the memory of their shard, into what a run folder keeps of a row."""

    def close(self) -> None:
        """Stop what runs beside."""
