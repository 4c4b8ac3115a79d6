"""How fast is everything but the model: reading, decoding, resizing, and the table around it?

    python -m benchmarks.pipeline --out benchmarks/results/pipeline.json

The encoder is one that costs nothing. The same files go, in turns, through pairsift's stream,
through a whole job on a CSV, through a bare loop of Pillow on threads, and through a PyTorch
DataLoader; each does the same decoding and resizing. That all of them make the same pixels is
checked before a time is printed. With ``full`` in the name, JPEGs are decoded at full size.
"""

import argparse
import csv
import hashlib
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from benchmarks.compare_transformers import machine
from pairsift import schema
from pairsift.config import ImageConfig, OutputConfig, ScoreConfig
from pairsift.encoders.fake import FAKE_RECORD, FakeEncoder
from pairsift.engines.local import score_file
from pairsift.images import DRAFT_FACTOR
from pairsift.measures import find_measure
from pairsift.models import ImageRecipe
from pairsift.preprocess import CLIP_MEAN, CLIP_STD
from pairsift.protocols import FloatArray, PixelArray, TokenizedCaption
from pairsift.scoring import PairScorer
from pairsift.sources import Sources

SIDE = 224
RECIPE = ImageRecipe(SIDE, "shortest", "bicubic", CLIP_MEAN, CLIP_STD)
SETS = {"1024x1024": (1024, 1024), "640x480": (640, 480)}
NUM_BASES = 12
LOADER_WORKERS = 2
LOADER_BATCH = 64


class FreeEncoder(FakeEncoder):
    """Takes a real model's pixels and gives the same row for each, at no cost.

    Args:
        digests: Where the digests of the pixels go, for the check; None while time is taken.
    """

    def __init__(self, digests: list[str] | None = None) -> None:
        self.record = replace(FAKE_RECORD, image=RECIPE)
        self._digests = digests

    def encode_images(self, pixels: Sequence[PixelArray]) -> FloatArray:
        """Return the same row for each picture."""
        if self._digests is not None:
            self._digests += [digest(picture) for picture in pixels]
        return self._rows(len(pixels))

    def encode_texts(self, captions: Sequence[TokenizedCaption]) -> FloatArray:
        """Return the same row for each caption."""
        return self._rows(len(captions))

    def _rows(self, num_rows: int) -> FloatArray:
        rows = np.zeros((num_rows, self.width), dtype=np.float32)
        rows[:, 0] = 1.0
        return rows


def digest(pixels: Any) -> str:
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()


def decode(path: Path, *, is_full: bool) -> PixelArray:
    """Do with Pillow alone what pairsift does to a JPEG: draft, decode, resize, crop."""
    with Image.open(path) as image:
        if not is_full:
            image.draft("RGB", (DRAFT_FACTOR * SIDE, DRAFT_FACTOR * SIDE))
        rgb = image.convert("RGB")
    width, height = rgb.size
    long_edge = int(SIDE * max(width, height) / min(width, height))
    size = (SIDE, long_edge) if width <= height else (long_edge, SIDE)
    resized = rgb.resize(size, Image.Resampling.BICUBIC)
    left, top = (size[0] - SIDE) // 2, (size[1] - SIDE) // 2
    return np.array(resized.crop((left, top, left + SIDE, top + SIDE)))


class Files:
    """A data set in PyTorch's sense; a worker process decodes."""

    def __init__(self, paths: Sequence[Path], *, is_full: bool) -> None:
        self._paths = paths
        self._is_full = is_full

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> Any:
        import torch

        return torch.from_numpy(decode(self._paths[index], is_full=self._is_full))


Side = Callable[[list[str] | None], None]
"""Runs once over all files; fills in the pixels' digests, or takes its time where it gets None."""


def bare_loop(paths: Sequence[Path], *, is_full: bool) -> Side:
    pool = ThreadPoolExecutor(os.cpu_count())

    def run(digests: list[str] | None) -> None:
        for pixels in pool.map(partial(decode, is_full=is_full), paths):
            if digests is not None:
                digests.append(digest(pixels))

    return run


def data_loader(paths: Sequence[Path], *, is_full: bool) -> Side:
    from torch.utils.data import DataLoader

    loader: Any = DataLoader(
        Files(paths, is_full=is_full),
        batch_size=LOADER_BATCH, num_workers=LOADER_WORKERS, persistent_workers=True,
        multiprocessing_context="spawn",
    )  # fmt: skip

    def run(digests: list[str] | None) -> None:
        for batch in loader:
            if digests is not None:
                digests += [digest(pixels.numpy()) for pixels in batch]

    return run


def build(config: ScoreConfig, root: Path, *, digests: list[str] | None = None) -> PairScorer:
    encoder = FreeEncoder(digests)
    return PairScorer(
        encoder=encoder, measure=find_measure(config.measure, encoder.record),
        sources=Sources(root, config.image), image_config=config.image,
        details=config.output.details,
    )  # fmt: skip


def stream(paths: Sequence[Path], *, is_full: bool) -> Side:
    """Run ``PairScorer.stream`` over the files."""
    config = ScoreConfig(image=ImageConfig(exact_decode=is_full))
    columns = [
        pa.array([path.name.encode() for path in paths], pa.binary()),
        pa.nulls(len(paths), pa.binary()),
        pa.array([f"caption {index}".encode() for index in range(len(paths))], pa.binary()),
        pa.nulls(len(paths), pa.string()),
    ]
    pairs = pa.RecordBatch.from_arrays(columns, schema=schema.PAIR_SCHEMA)

    def run(digests: list[str] | None) -> None:
        # A new one each time: embeddings of images that it has seen would be taken from memory.
        scorer = build(config, paths[0].parent, digests=digests)
        size = scorer.batch_rows
        parts = [pairs.slice(begin, size) for begin in range(0, len(paths), size)]
        scored = [part[schema.STATUS].to_pylist() for part in scorer.stream(parts)]
        scorer.close()
        if sum(map(len, scored)) != len(paths) or {s for part in scored for s in part} != {"ok"}:
            message = "not every row was scored: no time is worth printing"
            raise SystemExit(message)

    return run


def whole_job(paths: Sequence[Path], *, is_full: bool) -> Side:
    """Score a CSV of the files with all details, from the call to the written output."""
    folder = paths[0].parent
    table, output = folder / f"pairs-{is_full}.csv", folder / f"scored-{is_full}.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "caption"])
        writer.writerows([path.name, f"caption {index}"] for index, path in enumerate(paths))
    config = ScoreConfig(
        image=ImageConfig(exact_decode=is_full),
        output=OutputConfig(details=True, overwrite=True),
    )

    def run(digests: list[str] | None) -> None:
        summary = score_file(
            config, table, output_path=output, build=partial(build, digests=digests)
        )
        if summary.num_rows != len(paths) or summary.num_failed:
            message = f"not every row was scored: {summary.counts}"
            raise SystemExit(message)

    return run


SIDES: dict[str, Callable[..., Side]] = {
    "pairsift stream": stream,
    "pairsift job": whole_job,
    "pillow loop": bare_loop,
    "data loader": data_loader,
}


def photographs(folder: Path, size: tuple[int, int], num: int) -> list[Path]:
    """Return different JPEGs with the detail of photographs, made where they are missing."""
    from benchmarks.checkpoints import photographs as draw

    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{index:05}.jpg" for index in range(num)]
    missing = [(index, path) for index, path in enumerate(paths) if not path.exists()]
    if missing:
        bases = [np.asarray(Image.open(BytesIO(data))) for data in draw(NUM_BASES)]
        for index, path in missing:
            # Turned around both edges by another step each, no two are the same.
            steps = (37 * (index // NUM_BASES), 53 * (index // NUM_BASES))
            pixels = np.roll(bases[index % NUM_BASES], steps, (0, 1))
            Image.fromarray(pixels[: size[1], : size[0]]).save(path, quality=90)
    return paths


def measure(paths: Sequence[Path], *, is_full: bool, repeats: int) -> dict[str, Any]:
    """Return the figures of one set; stop where two sides make different pixels."""
    sides = {name: make(paths, is_full=is_full) for name, make in SIDES.items()}
    expected: list[str] = []
    sides["pillow loop"](expected)
    for name, side in sides.items():
        found: list[str] = []
        side(found)
        if found != expected or len(found) != len(paths):
            message = f"{name}: other pixels than Pillow alone makes: no time is worth printing"
            raise SystemExit(message)
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(repeats):
        for name, side in sides.items():
            begin = time.perf_counter()
            side(None)
            seconds[name].append(time.perf_counter() - begin)
    rates = {name: [len(paths) / each for each in times] for name, times in seconds.items()}
    return {
        "images": len(paths),
        "mean_bytes": round(statistics.mean(path.stat().st_size for path in paths)),
        "full_decode": is_full,
        "images_per_second": {name: spread(values) for name, values in rates.items()},
        "ratios": {
            f"{ours} to {peer}": spread(
                [a / b for a, b in zip(rates[ours], rates[peer], strict=True)]
            )
            for ours in ("pairsift stream", "pairsift job")
            for peer in ("pillow loop", "data loader")
        },
    }


def spread(values: Sequence[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(values), 3),
        "lowest": round(min(values), 3),
        "highest": round(max(values), 3),
    }


def main() -> None:
    """Make the files, run all sides, print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num", type=int, default=1024)
    parser.add_argument("--num-full", type=int, default=256, help="files decoded at full size")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--work", type=Path, help="keep the files here")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    report: dict[str, Any] = {
        "machine": machine(),
        "threads": os.cpu_count(),
        "versions": {name: version(name) for name in ("pillow", "torch", "pyarrow")},
        "repeats": args.repeats,
        "sets": {},
    }
    with tempfile.TemporaryDirectory() as scratch:
        for name, size in SETS.items():
            paths = photographs((args.work or Path(scratch)) / name, size, args.num)
            report["sets"][name] = measure(paths, is_full=False, repeats=args.repeats)
            full = paths[: args.num_full]
            if full and size[0] >= 2 * DRAFT_FACTOR * SIDE:
                report["sets"][f"{name} full"] = measure(full, is_full=True, repeats=args.repeats)
            if args.out:  # after each set: a run that is stopped keeps what it has measured
                args.out.parent.mkdir(parents=True, exist_ok=True)
                args.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
