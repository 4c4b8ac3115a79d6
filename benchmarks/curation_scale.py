"""How long, and how much memory, do threshold, audit and mismatches take on very many rows?

    python -m benchmarks.curation_scale --rows 10000000 --out benchmarks/results/curation_scale.json

A run folder is made with synthetic embeddings, one pair in twenty mismatched, in a hundred of these
two rows each other's caption. Each command is a fresh process under ``ulimit -v``; its answer is
checked before a time is printed.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pairsift import schema
from pairsift.config import ScoreConfig
from pairsift.encoders.fake import FakeEncoder
from pairsift.measures import find_measure
from pairsift.protocols import FloatArray, Span
from pairsift.runs.commits import Work
from pairsift.runs.layout import RUN, SUCCESS, ShardKey
from pairsift.runs.manifest import describe_input, describe_run, score_identity
from pairsift.runs.store import FolderStore
from pairsift.runs.writing import CAPTION_INDEX, IMAGE_INDEX, ScoredShard, commit_shard

LIMIT_BYTES = 8 * 10**9
SHARD_ROWS = 100_000
WRONG_SHARE = 0.05
CATEGORIES = ("animals", "buildings", "food", "plants", "shapes", "sky", "tools", "vehicles")
COMMANDS = {
    "threshold top:30%": ["threshold", "--rule", "top:30%"],
    "threshold fdr:1%": ["threshold", "--rule", "fdr:1%"],
    "audit top:30%": ["audit", "--rule", "top:30%", "--groups", "category"],
    "mismatches": ["mismatches"],
}
NUM_SWAPS = 100
"""Swapped pairs of rows in each shard."""


def main() -> None:
    """Make the run folder, run the commands, print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--width", type=int, default=32, help="dimensions of the embeddings")
    parser.add_argument("--only", choices=list(COMMANDS), action="append", help="some commands")
    parser.add_argument("--work", type=Path, help="keep the run folder here")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = (args.work or Path(scratch)) / f"{args.rows}-{args.width}"
        if not (folder / "run" / SUCCESS).exists():
            make_run(folder, num_rows=args.rows, width=args.width)
        report = {
            "question": __doc__,
            "machine": {"system": platform.platform(), "processors": os.cpu_count()},
            "rows": args.rows,
            "width": args.width,
            "limit_bytes": LIMIT_BYTES,
            "commands": {
                name: measure([command[0], str(folder / "run"), *command[1:]], args.rows)
                for name, command in COMMANDS.items()
                if args.only is None or name in args.only
            },
        }
    print(json.dumps(report, indent=2))
    if args.out:
        args.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def measure(arguments: list[str], num_rows: int) -> dict[str, Any]:
    """Run one command under the limit and return what it took."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "pairsift", *arguments, "--json"],
        stdout=subprocess.PIPE,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES)),  # noqa: PLW1509
    )
    assert process.stdout is not None
    told = process.stdout.read()
    _, code, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(code)
    seconds = time.perf_counter() - begin
    if process.returncode:
        message = f"{' '.join(arguments)} failed with exit code {process.returncode}"
        raise SystemExit(message)
    plain = json.loads(told)
    costs = {
        "seconds": round(seconds, 1),
        "peak_memory_mib": round(usage.ru_maxrss / 1024),
    }
    print(" ".join(arguments[:1]), costs, flush=True)
    if arguments[0] == "mismatches":
        return costs | count_swaps(plain, num_rows)
    check(plain, num_rows)
    return costs | {"kept": plain["kept"]}


def count_swaps(lines: list[dict[str, Any]], num_rows: int) -> dict[str, Any]:
    """Return how many planted swaps were found; stop when it cannot be right."""
    found = {
        tuple(sorted((line["row"], line["partner_row"])))
        for line in lines
        if line["kind"] == "swap"
    }
    planted = {pair for first in range(0, num_rows, SHARD_ROWS) for pair in planted_swaps(first)}
    counts = {
        "swaps_planted": len(planted),
        "swaps_found": len(found),
        "recall": round(len(found & planted) / len(planted), 4),
        "precision": round(len(found & planted) / max(len(found), 1), 4),
        "suspects": sum(line["kind"] == "suspect" for line in lines),
    }
    # Among so many wrong captions chance finds partners as good as some of the planted ones, which
    # are then not told: what is told must be right.
    assert counts["precision"] > 0.95, counts
    assert counts["recall"] > 0.5, counts
    return counts


def planted_swaps(first: int) -> list[tuple[int, int]]:
    """Return the swapped rows of a shard, the lower row first."""
    rows = np.random.default_rng(first + 1).permutation(SHARD_ROWS)[: 2 * NUM_SWAPS]
    pairs = np.sort(first + rows.reshape(-1, 2), axis=1)
    return [(int(one), int(other)) for one, other in pairs]


def check(plain: dict[str, Any], num_rows: int) -> None:
    """Stop when an answer cannot be right."""
    if plain["rule"] == "top:30%":
        expected = -(-3 * num_rows // 10)
        assert plain["kept"] == expected, plain["kept"]
    else:
        share = plain["kept"] / num_rows
        assert 1 - WRONG_SHARE - 0.01 < share < 1 - WRONG_SHARE + 0.02, share


def make_run(folder: Path, *, num_rows: int, width: int) -> None:
    """Write a run folder over a Parquet table, shard by shard."""
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / "pairs.parquet"
    write_table(table, num_rows)
    store = FolderStore(folder / "run")
    encoder = FakeEncoder()
    measure_ = find_measure("cosine", encoder.record)
    config = ScoreConfig()
    inputs = [describe_input(0, table, "parquet")]
    identity = score_identity(
        config, encoder=encoder, measure=measure_, columns=("image", "caption"), inputs=inputs
    )
    manifest = describe_run(
        config, encoder=encoder, measure=measure_, identity=identity, inputs=inputs, facts={}
    )
    store.put(RUN, json.dumps(manifest).encode())
    for first in range(0, num_rows, SHARD_ROWS):
        num = min(SHARD_ROWS, num_rows - first)
        commit_shard(
            store,
            make_shard(first, num, width=width),
            embeddings="all",
            similarity_range=(-1.0, 1.0),
        )
    store.put(SUCCESS, b"")


def write_table(path: Path, num_rows: int) -> None:
    """Write captions and categories."""
    wanted = pa.schema([(name, pa.string()) for name in ("image", "caption", "category")])
    with pq.ParquetWriter(path, wanted) as writer:
        for first in range(0, num_rows, SHARD_ROWS):
            rows = range(first, min(first + SHARD_ROWS, num_rows))
            columns = (
                [f"images/{row}.jpg" for row in rows],
                [f"a picture of {CATEGORIES[row % 8]} that has the number {row}" for row in rows],
                [CATEGORIES[row % 8] for row in rows],
            )
            writer.write_table(pa.table([pa.array(c) for c in columns], schema=wanted))


def make_shard(first: int, num: int, *, width: int) -> ScoredShard:
    """Return a shard of pairs of which a share is mismatched."""
    generator = np.random.default_rng(first)
    images = unit(generator.normal(size=(num, width)))
    # Of any width a right pair has a cosine of about 0.6, as models' pairs stand out from the null.
    captions = unit(images + 1.3 / width**0.5 * generator.normal(size=(num, width)))
    wrong = generator.random(num) < WRONG_SHARE
    swapped = np.array(planted_swaps(first)) - first if num == SHARD_ROWS else np.zeros((0, 2), int)
    wrong[swapped.ravel()] = False
    # Of a wrong caption no row of the table has the picture: only the swapped ones have a partner.
    captions[wrong] = unit(generator.normal(size=(int(wrong.sum()), width)))
    captions[swapped] = captions[swapped[:, ::-1]]
    similarities = np.einsum("nd,nd->n", images, captions)
    indices = pa.array(np.arange(num, dtype=np.int32))
    columns = {
        schema.SIMILARITY: pa.array(similarities, pa.float32()),
        schema.STATUS: pa.array(["ok"] * num),
        schema.ERROR: pa.nulls(num, pa.string()),
        schema.CAPTION_TOKENS: pa.array(np.full(num, 12, dtype=np.int32)),
        schema.CAPTION_TRUNCATED: pa.array(np.zeros(num, dtype=bool)),
        schema.IMAGE_WIDTH: pa.array(generator.integers(100, 1000, num).astype(np.int32)),
        schema.IMAGE_HEIGHT: pa.array(generator.integers(100, 1000, num).astype(np.int32)),
        schema.IMAGE_FORMAT: pa.array(["JPEG"] * num),
        schema.IMAGE_SHA256: pa.nulls(num, pa.string()),
        IMAGE_INDEX: indices,
        CAPTION_INDEX: indices,
    }
    key = ShardKey(0, first)
    return ScoredShard(
        key=key,
        span_rows=num,
        read_from=Span(first, num, 0),
        id=key.stem,
        rows=np.arange(first, first + num, dtype=np.int64),
        table=pa.table(columns),
        images=images,
        captions=captions,
        work=Work(encoded_images=num, encoded_captions=num),
    )


def unit(rows: np.ndarray[Any, np.dtype[np.float64]]) -> FloatArray:
    """Scale rows to unit norm."""
    scaled: FloatArray = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return scaled


if __name__ == "__main__":
    main()
