"""One scored shard becomes files and a commit: the commit last, and only one of several wins."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pairsift import schema
from pairsift.config import KeptEmbeddings
from pairsift.protocols import FloatArray, Span
from pairsift.runs.commits import COSINE_RANGE, Commit, Work, WrittenFile, sparse_histogram
from pairsift.runs.layout import ShardKey
from pairsift.runs.ownership import current_run_id, has_commit, put_commit
from pairsift.runs.store import RunStore
from pairsift.statuses import RowStatus

FILE = "file"
ROW = "row"
IMAGE_INDEX = "image_index"
CAPTION_INDEX = "caption_index"
EMBEDDING = "embedding"

SAMPLE_ONE_IN = 16
"""``--embeddings sample`` keeps this share of the rows, chosen by their identity alone."""


@dataclass(frozen=True)
class ScoredShard:
    """A shard as the scorer leaves it, before anything is written.

    Args:
        key: Which.
        span_rows: As in ``Commit``.
        read_from: As in ``Commit``.
        id: As in ``Commit``.
        rows: Ordinals of the rows in their file, shape (N,).
        table: ``schema.output_schema`` with details, and the two index columns; N rows.
        images: Embeddings of the distinct images, shape (I, D).
        captions: Embeddings of the distinct captions, shape (C, D).
        work: What it took.
        seconds: Of the scoring thread, by stage.
        replaced: Rows by status that it takes the place of, for an overlay.
        replaced_truncated: Truncated captions among those.
    """

    key: ShardKey
    span_rows: int
    read_from: Span
    id: str
    rows: NDArray[np.int64]
    table: pa.Table
    images: FloatArray
    captions: FloatArray
    work: Work
    seconds: Mapping[str, float] = field(default_factory=dict)
    replaced: Mapping[RowStatus, int] = field(default_factory=dict)
    replaced_truncated: int = 0


def commit_shard(
    store: RunStore,
    shard: ScoredShard,
    *,
    embeddings: KeptEmbeddings,
    similarity_range: tuple[float, float],
    run_id: str | None = None,
) -> Commit | None:
    """Write a shard's files and its commit.

    Args:
        store: The run folder.
        shard: What was scored.
        embeddings: Which embeddings to keep.
        similarity_range: Range of the ``similarity`` column.
        run_id: Of the run that it was scored for (default: of the one in the folder).

    Returns:
        The commit, or None where another process had committed the shard already; then nothing of
        this one counts.

    Raises:
        OSError: It cannot be written.
        JobError: Another run is in the folder by now.
    """
    if run_id is None:
        run_id = current_run_id(store)
    if has_commit(store, shard.key, run_id):
        return None
    table, images, captions = _kept(shard, embeddings)
    scores = _write(store, shard.key.scores, _to_parquet(table))
    written: list[WrittenFile | None] = [None, None]
    if embeddings != "none":
        parts = ((shard.key.images, images), (shard.key.captions, captions))
        written = [_write(store, name, _to_parquet(_embedding_table(e))) for name, e in parts]
    commit = Commit(
        key=shard.key,
        num_rows=table.num_rows,
        span_rows=shard.span_rows,
        read_from=shard.read_from,
        id=shard.id,
        counts=count_statuses(table.column(schema.STATUS)),
        replaced=dict(shard.replaced),
        replaced_truncated=shard.replaced_truncated,
        examples=find_examples(table, shard.rows),
        histograms=_histograms(table, similarity_range),
        seconds=dict(shard.seconds),
        work=shard.work,
        scores=scores,
        images=written[0],
        captions=written[1],
        when=datetime.now(UTC).isoformat(timespec="milliseconds"),
        run_id=run_id,
    )
    return commit if put_commit(store, commit) else None


def count_statuses(statuses: Any) -> dict[RowStatus, int]:
    """Return the rows by status of a status column."""
    counted = statuses.value_counts().to_pylist()
    return {RowStatus(entry["values"]): entry["counts"] for entry in counted}


def find_examples(
    table: Any, rows: Sequence[int] | NDArray[np.int64]
) -> dict[RowStatus, tuple[int, str]]:
    """Return the first failed row of each status: its ordinal and its reason.

    Args:
        table: Score rows, in order.
        rows: Their ordinals.
    """
    examples: dict[RowStatus, tuple[int, str]] = {}
    statuses = table.column(schema.STATUS)
    for text in pc.unique(statuses).to_pylist():
        status = RowStatus(text)
        if status is not RowStatus.OK:
            place = pc.index(statuses, text).as_py()
            examples[status] = (int(rows[place]), table.column(schema.ERROR)[place].as_py())
    return examples


def is_sampled(file: int, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say of each row whether ``--embeddings sample`` keeps it.

    The choice follows from the row's identity, so that it is the same in every run; the numbers
    are those of SplitMix64 (Steele, Lea, Flood 2014).
    """
    with np.errstate(over="ignore"):
        state = rows.astype(np.uint64) + (np.uint64(file) << np.uint64(44))
        state = (state + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state ^= state >> np.uint64(31)
    return np.asarray(state % np.uint64(SAMPLE_ONE_IN) == 0)


def _kept(
    shard: ScoredShard, embeddings: KeptEmbeddings
) -> tuple[pa.Table, FloatArray, FloatArray]:
    """Return the table to write with the embeddings that it points at."""
    table = shard.table
    kept = [shard.images, shard.captions]
    if embeddings == "none":
        for name in (IMAGE_INDEX, CAPTION_INDEX):
            table = _with_column(table, name, pa.nulls(table.num_rows, pa.int32()))
    elif embeddings == "sample":
        mask = pa.array(is_sampled(shard.key.file, shard.rows))
        for place, name in enumerate((IMAGE_INDEX, CAPTION_INDEX)):
            wanted = pc.if_else(mask, table.column(name), None)
            used = np.unique(wanted.drop_null().to_numpy())
            kept[place] = kept[place][used]
            renumbered = pc.index_in(wanted, value_set=pa.array(used, pa.int32()))
            table = _with_column(table, name, renumbered.cast(pa.int32()))
    num_rows = table.num_rows
    identity = pa.table(
        {
            FILE: pa.array(np.full(num_rows, shard.key.file, dtype=np.int32)),
            ROW: pa.array(shard.rows.astype(np.int64)),
        }
    )
    for name, column in zip(table.column_names, table.columns, strict=True):
        identity = identity.append_column(name, column)
    return identity, kept[0], kept[1]


def _with_column(table: pa.Table, name: str, column: Any) -> pa.Table:
    place = table.column_names.index(name)
    return table.set_column(place, pa.field(name, pa.int32()), column)


def _embedding_table(embeddings: FloatArray) -> pa.Table:
    halves = np.ascontiguousarray(embeddings, dtype=np.float16)
    values = pa.array(halves.reshape(-1), pa.float16())
    column = pa.FixedSizeListArray.from_arrays(values, embeddings.shape[1])
    return pa.table({EMBEDDING: column})


def _to_parquet(table: pa.Table) -> memoryview:
    sink = pa.BufferOutputStream()
    # Embeddings are noise to a compressor; scores and their strings are not.
    is_noise = table.column_names == [EMBEDDING]
    words = [schema.STATUS, schema.ERROR, schema.IMAGE_FORMAT]
    pq.write_table(
        table.combine_chunks(),
        sink,
        compression="none" if is_noise else "zstd",
        use_dictionary=False if is_noise else words,
        write_statistics=not is_noise,
        write_page_checksum=True,  # a disk may lose a bit, and half floats would not show it
    )
    return memoryview(sink.getvalue())


def _write(store: RunStore, name: str, data: memoryview) -> WrittenFile:
    """Write a file that no other process can change afterwards.

    A file of that name may be left from an attempt that was killed, or be another process's that
    is about to commit the same shard. Equal bytes are taken as they are; others are never
    replaced, this process takes a name of its own, which its commit tells.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    if not store.put_if_absent(name, data):
        if hashlib.sha256(store.read(name)).hexdigest() == sha256:
            return WrittenFile(name, sha256, len(data))
        stem, suffix = name.rsplit(".", 1)
        name = f"{stem}-{secrets.token_hex(4)}.{suffix}"
        store.put_if_absent(name, data)
    return WrittenFile(name, sha256, len(data))


def _histograms(
    table: pa.Table, similarity_range: tuple[float, float]
) -> dict[str, dict[str, Any]]:
    similarity = table.column(schema.SIMILARITY).drop_null().to_numpy()
    found = {schema.SIMILARITY: sparse_histogram(similarity, similarity_range)}
    if schema.COSINE in table.column_names:
        cosine = table.column(schema.COSINE).drop_null().to_numpy()
        found[schema.COSINE] = sparse_histogram(cosine, COSINE_RANGE)
    return found
