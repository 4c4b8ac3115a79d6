"""A run of many rows with made-up embeddings, and pictures that many rows share."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pairsift import schema
from pairsift.encoders.fake import FakeEncoder
from pairsift.protocols import Span
from pairsift.runs.commits import Work
from pairsift.runs.layout import SUCCESS, ShardKey
from pairsift.runs.writing import CAPTION_INDEX, IMAGE_INDEX, ScoredShard
from tests.report.scored import write_pictures
from tests.runs.shards import make_run, put_shard

NUM_PICTURES = 60


def write_large_run(
    folder: Path,
    *,
    num_rows: int,
    generator: np.random.Generator,
    noise: float = 1.5,
    order: NDArray[np.int64] | None = None,
) -> Path:
    """Write a table of pictures and a run of it in one shard.

    Args:
        folder: Where.
        num_rows: Pairs.
        generator: Of the embeddings.
        noise: By how much a caption's embedding differs from its picture's.
        order: Which row's caption each row has (default: its own).
    """
    order = np.arange(num_rows) if order is None else order
    names = write_pictures(folder / "pictures", NUM_PICTURES)
    which = generator.integers(NUM_PICTURES, size=num_rows)
    table = folder / "pairs.parquet"
    pq.write_table(
        pa.table(
            {
                "image": [f"pictures/{names[index]}" for index in which],
                "caption": [f"caption {index}" for index in order],
                "category": [f"kind {index % 200}" for index in which],
            }
        ),
        table,
    )
    store = make_run(folder / "run", table, is_finished=False)
    width = FakeEncoder().width
    images = generator.standard_normal((num_rows, width)).astype(np.float32)
    captions = images + noise * generator.standard_normal((num_rows, width)).astype(np.float32)
    captions = captions[order]
    images /= np.linalg.norm(images, axis=1, keepdims=True)
    captions /= np.linalg.norm(captions, axis=1, keepdims=True)
    index = pa.array(np.arange(num_rows, dtype=np.int32))
    columns = {
        schema.SIMILARITY: pa.array(np.einsum("nd,nd->n", images, captions)),
        schema.STATUS: pa.array(["ok"] * num_rows),
        schema.IMAGE_WIDTH: pa.array(np.full(num_rows, 640, dtype=np.int32)),
        schema.IMAGE_HEIGHT: pa.array(np.full(num_rows, 480, dtype=np.int32)),
        schema.IMAGE_SHA256: pa.array([f"{picture:064x}" for picture in which]),
        IMAGE_INDEX: index,
        CAPTION_INDEX: index,
    }
    output = schema.output_schema(is_distance=False, is_cosine=True, details=True)
    fields = [*output, pa.field(IMAGE_INDEX, pa.int32()), pa.field(CAPTION_INDEX, pa.int32())]
    cells = [
        columns[field.name] if field.name in columns else pa.nulls(num_rows, field.type)
        for field in fields
    ]
    shard = ScoredShard(
        key=ShardKey(0, 0),
        span_rows=num_rows,
        read_from=Span(0, num_rows),
        id="0" * 64,
        rows=np.arange(num_rows, dtype=np.int64),
        table=pa.table(cells, pa.schema(fields)),
        images=images,
        captions=captions,
        work=Work(),
    )
    put_shard(store, shard)
    store.put(SUCCESS, b"")
    return store.root
