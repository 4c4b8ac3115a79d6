"""Shards made by hand, for tests that need a run folder without a job."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from pairsift import schema
from pairsift.config import KeptEmbeddings, ScoreConfig
from pairsift.encoders.fake import FakeEncoder
from pairsift.measures import find_measure
from pairsift.protocols import Span
from pairsift.runs.commits import Commit, Work
from pairsift.runs.layout import RUN, SUCCESS, ShardKey
from pairsift.runs.manifest import describe_input, describe_run, score_identity
from pairsift.runs.store import FolderStore, RunStore
from pairsift.runs.writing import CAPTION_INDEX, IMAGE_INDEX, ScoredShard, commit_shard
from pairsift.statuses import RowStatus

WIDTH = 4


def make_table(statuses: Sequence[str], *, first: int = 0) -> pa.Table:
    """Return score rows: every ok row has an image and a caption of its own."""
    is_ok = [status == "ok" for status in statuses]
    index = np.cumsum(is_ok) - 1
    columns: dict[str, list[Any]] = {
        schema.SIMILARITY: [0.001 * (first + i) if ok else None for i, ok in enumerate(is_ok)],
        schema.STATUS: list(statuses),
        schema.ERROR: [None if ok else f"row {first + i}" for i, ok in enumerate(is_ok)],
        IMAGE_INDEX: [int(k) if ok else None for k, ok in zip(index, is_ok, strict=True)],
        CAPTION_INDEX: [int(k) if ok else None for k, ok in zip(index, is_ok, strict=True)],
    }
    output = schema.output_schema(is_distance=False, is_cosine=True, details=True)
    fields = [*output, pa.field(IMAGE_INDEX, pa.int32()), pa.field(CAPTION_INDEX, pa.int32())]
    nothing: list[Any] = [None] * len(statuses)
    return pa.table(
        [pa.array(columns.get(f.name, nothing), f.type) for f in fields], pa.schema(fields)
    )


def make_shard(
    key: ShardKey, statuses: Sequence[str], *, rows: Sequence[int] | None = None, **more: Any
) -> ScoredShard:
    """Return a shard whose embeddings tell the row and the generation that they are of."""
    ordinals = np.asarray(
        range(key.first_row, key.first_row + len(statuses)) if rows is None else rows, np.int64
    )
    scored = np.asarray([status == "ok" for status in statuses], dtype=bool)
    images = np.zeros((int(scored.sum()), WIDTH), dtype=np.float32)
    images[:, 0], images[:, 1] = ordinals[scored], key.generation
    settings: dict[str, Any] = {
        "key": key,
        "span_rows": len(statuses) if key.generation == 0 else 0,
        "read_from": Span(key.first_row, len(statuses)),
        "id": key.stem,
        "rows": ordinals,
        "table": make_table(statuses, first=key.first_row),
        "images": images,
        "captions": -images,
        "work": Work(encoded_images=len(images)),
    }
    return ScoredShard(**settings | more)


def put_shard(
    store: RunStore, shard: ScoredShard, embeddings: KeptEmbeddings = "all"
) -> Commit | None:
    return commit_shard(store, shard, embeddings=embeddings, similarity_range=(-1.0, 1.0))


def make_run(folder: Path, table: Path, *, is_finished: bool = True) -> FolderStore:
    """Return a run folder with a manifest and no shard."""
    store = FolderStore(folder)
    encoder = FakeEncoder()
    measure = find_measure("cosine", encoder.record)
    config = ScoreConfig()
    inputs = [describe_input(0, table, "csv")]
    identity = score_identity(
        config, encoder=encoder, measure=measure, columns=("image", "caption"), inputs=inputs
    )
    manifest = describe_run(
        config, encoder=encoder, measure=measure, identity=identity, inputs=inputs, facts={}
    )
    store.put(RUN, json.dumps(manifest).encode())
    if is_finished:
        store.put(SUCCESS, b"")
    return store


def replaced(*statuses: RowStatus) -> dict[RowStatus, int]:
    return {status: statuses.count(status) for status in statuses}
