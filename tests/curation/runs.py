"""Run folders with made-up embeddings, for what reads a run."""

from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pairsift import open_run, schema
from pairsift.config import KeptEmbeddings
from pairsift.runs import Run
from pairsift.runs.layout import ShardKey
from pairsift.runs.manifest import describe_input
from pairsift.runs.writing import CAPTION_INDEX, IMAGE_INDEX
from tests.curation.worlds import World
from tests.runs.shards import make_run, make_shard, put_shard

CATEGORIES = ("animals", "food", "sky")


def run_of(
    folder: Path,
    world: World,
    *,
    failed: NDArray[np.bool_] | None = None,
    embeddings: KeptEmbeddings = "all",
    shard_rows: int = 400,
    widths: NDArray[np.int64] | None = None,
) -> Run:
    """Write a world as a finished run over a CSV with a column ``category``."""
    num = len(world.wrong)
    failed = np.zeros(num, dtype=bool) if failed is None else failed
    folder.mkdir(exist_ok=True)
    table = folder / "pairs.csv"
    lines = [f"{i}.png,caption number {i},{CATEGORIES[i % 3]}\n" for i in range(num)]
    table.write_text("image,caption,category\n" + "".join(lines))
    store = make_run(folder / "scored.csv.pairsift", table)
    for first in range(0, num, shard_rows):
        part = slice(first, min(first + shard_rows, num))
        scored = ~failed[part]
        index = np.where(scored, np.cumsum(scored) - 1, -1).tolist()
        indices = [k if k >= 0 else None for k in index]
        statuses = ["ok" if ok else "image_not_found" for ok in scored]
        columns = {
            schema.SIMILARITY: [
                float(s) if ok else None
                for s, ok in zip(world.similarities[part], scored, strict=True)
            ],
            schema.STATUS: statuses,
            schema.ERROR: [None if ok else "no such file" for ok in scored],
            schema.CAPTION_TRUNCATED: [False if ok else None for ok in scored],
            IMAGE_INDEX: indices,
            CAPTION_INDEX: indices,
        }
        if widths is not None:
            columns |= {name: widths[part].tolist() for name in (schema.IMAGE_WIDTH,)}
            columns |= {schema.IMAGE_HEIGHT: widths[part].tolist()}
        wanted = make_shard(ShardKey(0, first), statuses).table.schema
        nothing = [None] * len(statuses)
        arrays = [pa.array(columns.get(field.name, nothing), field.type) for field in wanted]
        shard = make_shard(
            ShardKey(0, first),
            statuses,
            table=pa.table(arrays, schema=wanted),
            images=world.images[part][scored],
            captions=world.captions[part][scored],
        )
        put_shard(store, shard, embeddings)
    return open_run(store.root)


def accept_table(run: Run) -> Run:
    """Take a table that a test wrote anew for the one that was scored."""
    run.info["inputs"] = [
        describe_input(item["ordinal"], Path(item["path"]), item["format"])
        for item in run.info["inputs"]
    ]
    return run
