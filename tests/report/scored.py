"""Run folders for reports: a table really read, decoded and embedded, without a scoring job."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from pairsift import schema
from pairsift.config import ImageConfig, KeptEmbeddings, ScoreConfig, TableConfig
from pairsift.encoders.fake import FakeEncoder
from pairsift.errors import RowError
from pairsift.images import decode_image
from pairsift.measures import find_measure
from pairsift.protocols import Encoder, Measure, Span
from pairsift.runs.commits import Work
from pairsift.runs.layout import RUN, SUCCESS, ShardKey
from pairsift.runs.manifest import describe_input, describe_run, score_identity
from pairsift.runs.store import FolderStore
from pairsift.runs.writing import CAPTION_INDEX, IMAGE_INDEX, ScoredShard, commit_shard
from pairsift.sources import Sources
from pairsift.statuses import RowStatus
from pairsift.tables.formats import format_of, open_table

Row = dict[str, Any]


def write_pictures(folder: Path, count: int) -> list[str]:
    """Write small pictures of different colours; return their names."""
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for index in range(count):
        colour = (37 * index % 256, 91 * index % 256, 151 * index % 256)
        names.append(f"{index:03}.png")
        Image.new("RGB", (48, 32 + index % 5), colour).save(folder / names[-1])
    return names


def score_folder(  # a test double of a job: everything in one shard
    table: Path,
    run: Path,
    *,
    encoder: Encoder | None = None,
    measure: Measure | None = None,
    embeddings: KeptEmbeddings = "all",
    is_finished: bool = True,
) -> Path:
    """Make a run folder of a table with the columns image and caption."""
    encoder = encoder or FakeEncoder()
    measure = measure or find_measure("cosine", FakeEncoder().record)
    config = replace(ScoreConfig(), table=TableConfig(), measure=measure.name)
    rows = _score(table, encoder)
    store = FolderStore(run)
    run.mkdir(parents=True)
    inputs = [describe_input(0, table, format_of(table).suffixes[0].lstrip("."))]
    identity = score_identity(
        config, encoder=encoder, measure=measure, columns=("image", "caption"), inputs=inputs
    )
    manifest = describe_run(
        config, encoder=encoder, measure=measure, identity=identity, inputs=inputs, facts={}
    )
    store.put(RUN, json.dumps(manifest).encode())
    if rows:
        commit_shard(
            store,
            _shard(rows, encoder, measure),
            embeddings=embeddings,
            similarity_range=(-1.0, 1.0) if measure.is_distance else measure.range,
        )
    if is_finished:
        store.put(SUCCESS, b"")
    return run


def _score(table: Path, encoder: Encoder) -> list[Row]:
    reader = open_table(table, TableConfig())
    sources = Sources(table.parent, ImageConfig())
    rows = []
    for batch in reader.read_batches(
        image_column="image", caption_column="caption", batch_rows=1024
    ):
        for pair in batch.pairs.to_pylist():
            row: Row = {schema.STATUS: "ok"}
            try:
                data = pair["content"] or sources.read(pair["reference"] or b"")
                decoded = decode_image(data, ImageConfig(), target=encoder.image_size)
                if not pair["caption"]:
                    raise RowError(RowStatus.CAPTION_EMPTY, "the caption is empty")
                tokens = encoder.prepare_captions([pair["caption"].decode()])[0]
                row |= {
                    "pixels": encoder.prepare_image(decoded.rgb),
                    "tokens": tokens,
                    schema.CAPTION_TOKENS: tokens.num_tokens,
                    schema.CAPTION_TRUNCATED: tokens.is_truncated,
                    schema.IMAGE_WIDTH: decoded.width,
                    schema.IMAGE_HEIGHT: decoded.height,
                    schema.IMAGE_FORMAT: decoded.format,
                    schema.IMAGE_SHA256: hashlib.sha256(data).hexdigest(),
                }
            except RowError as error:
                row |= {schema.STATUS: str(error.status), schema.ERROR: error.reason}
            except UnicodeDecodeError:
                row |= {schema.STATUS: "caption_invalid", schema.ERROR: "not valid UTF-8"}
            rows.append(row)
    return rows


def _shard(rows: Sequence[Row], encoder: Encoder, measure: Measure) -> ScoredShard:
    scored = [row for row in rows if row[schema.STATUS] == "ok"]
    nothing = np.zeros((0, encoder.width), dtype=np.float32)
    images = encoder.encode_images([row["pixels"] for row in scored]) if scored else nothing
    captions = encoder.encode_texts([row["tokens"] for row in scored]) if scored else nothing
    for index, (row, value) in enumerate(zip(scored, measure(images, captions), strict=True)):
        cosine = float(images[index] @ captions[index])
        row |= {
            schema.SIMILARITY: cosine if measure.is_distance else float(value),
            schema.DISTANCE: float(value),
            schema.COSINE: cosine,
            IMAGE_INDEX: index,
            CAPTION_INDEX: index,
        }
    output = schema.output_schema(
        is_distance=measure.is_distance, is_cosine=measure.name == "cosine", details=True
    )
    fields = [*output, pa.field(IMAGE_INDEX, pa.int32()), pa.field(CAPTION_INDEX, pa.int32())]
    columns = [pa.array([row.get(field.name) for row in rows], field.type) for field in fields]
    return ScoredShard(
        key=ShardKey(0, 0),
        span_rows=len(rows),
        read_from=Span(0, len(rows)),
        id="0" * 64,
        rows=np.arange(len(rows), dtype=np.int64),
        table=pa.table(columns, pa.schema(fields)),
        images=images,
        captions=captions,
        work=_work(scored),
    )


def _work(scored: Sequence[Row]) -> Work:
    return Work(
        distinct_images=len({row[schema.IMAGE_SHA256] for row in scored}),
        truncated_captions=sum(row[schema.CAPTION_TRUNCATED] for row in scored),
    )
