"""A few rows of embeddings that stand for all, drawn in one pass."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairsift.protocols import FloatArray
from pairsift.runs import ShardEmbeddings

IntArray = NDArray[np.int64]

_ALL = np.uint64(np.iinfo(np.uint64).max)


@dataclass(frozen=True)
class EmbeddingSample:
    """Embeddings of some pairs, in order of file and row.

    Args:
        files: Ordinals of the input files, shape (M,), int32.
        rows: Ordinals of the rows in their files, shape (M,), int64.
        images: Unit-norm rows, shape (M, D), float32.
        captions: Unit-norm rows, shape (M, D), float32.
        num_rows: Pairs N that have embeddings, of which these are M.
    """

    files: NDArray[np.int32]
    rows: IntArray
    images: FloatArray
    captions: FloatArray
    num_rows: int

    def __len__(self) -> int:
        return len(self.rows)


def sample_embeddings(
    shards: Iterable[ShardEmbeddings], *, max_rows: int, seed: int
) -> EmbeddingSample:
    """Keep at most so many rows, each with the same chance.

    A row is chosen by a number that follows from the seed, its file and its ordinal: neither the
    order nor the size of the shards matters, and a longer table keeps what it can of a shorter
    one's sample. Memory is twice the sample.

    Args:
        shards: Embeddings as ``Run.embeddings`` yields them.
        max_rows: Rows M at most.
        seed: Chooses the rows.

    Returns:
        The sample; all rows where there are no more than that.
    """
    kept: list[ShardEmbeddings] = []
    num_rows = num_kept = 0
    limit = _ALL
    for shard in shards:
        num_rows += len(shard.rows)
        chosen = _choose(shard, _order_keys(shard, seed) <= limit)
        kept.append(chosen)
        num_kept += len(chosen.rows)
        if num_kept > 2 * max_rows:
            kept, limit = _smallest(kept, max_rows, seed)
            num_kept = max_rows
    kept, _ = _smallest(kept, max_rows, seed)
    kept.sort(key=lambda shard: (shard.file, shard.rows[0]))
    files = [np.full(len(shard.rows), shard.file, dtype=np.int32) for shard in kept]
    nothing = np.zeros((0, 1), dtype=np.float32)
    return EmbeddingSample(
        files=np.concatenate([np.zeros(0, dtype=np.int32), *files]),
        rows=np.concatenate([np.zeros(0, dtype=np.int64), *(shard.rows for shard in kept)]),
        images=np.concatenate([shard.images for shard in kept]) if kept else nothing,
        captions=np.concatenate([shard.captions for shard in kept]) if kept else nothing,
        num_rows=num_rows,
    )


def _smallest(
    kept: list[ShardEmbeddings], max_rows: int, seed: int
) -> tuple[list[ShardEmbeddings], np.uint64]:
    """Keep the rows with the smallest keys; return the largest of them as well."""
    keys = [_order_keys(shard, seed) for shard in kept]
    together = np.concatenate(keys) if keys else np.zeros(0, dtype=np.uint64)
    limit = _ALL
    if len(together) > max_rows:
        limit = np.uint64(np.partition(together, max_rows - 1)[max_rows - 1])
    chosen = [_choose(s, k <= limit) for s, k in zip(kept, keys, strict=True)]
    return [shard for shard in chosen if len(shard.rows)], limit


def _choose(shard: ShardEmbeddings, mask: NDArray[np.bool_]) -> ShardEmbeddings:
    if mask.all():
        return shard
    return ShardEmbeddings(shard.file, shard.rows[mask], shard.images[mask], shard.captions[mask])


def _order_keys(shard: ShardEmbeddings, seed: int) -> NDArray[np.uint64]:
    """Return a number a row that looks random: the finaliser of SplitMix64 (Steele et al. 2014)."""
    start = (seed * 0x9E3779B97F4A7C15 + (shard.file << 40)) & 0xFFFFFFFFFFFFFFFF
    with np.errstate(over="ignore"):
        keys = (shard.rows.astype(np.uint64) + np.uint64(start)) * np.uint64(0x9E3779B97F4A7C15)
        keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = keys ^ (keys >> np.uint64(31))
    return mixed
