"""How many pairs a second, against transformers on the same files and the same weights?

    python -m benchmarks.compare_transformers --out benchmarks/results/compare_transformers.json

Each side runs in its own process and takes the same 256 JPEGs of 1024x1024 with the same long
captions, in turns (A B A B …). Their similarities are compared before a time is printed.
"""

import argparse
import json
import multiprocessing
import os
import platform
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from io import BytesIO
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image

from pairsift import schema
from pairsift.build import build_scorer
from pairsift.config import ImageConfig, ModelConfig, OutputConfig, RunConfig, ScoreConfig

BATCHES = (8, 16, 32, 64)
TOLERANCE = {"fp32": 1e-4, "bf16": 3e-2}
"""Largest difference of cosines that still counts as the same scores, by precision."""


def transformers_side(folder: Path, files: list[Path], texts: list[str]) -> Callable[[str], Any]:
    """Return what answers ``sweep`` and ``run`` with transformers as its manual shows it."""
    import torch
    from transformers import AutoImageProcessor, AutoModel, PreTrainedTokenizerFast

    torch.set_num_threads(os.cpu_count() or 1)
    model = AutoModel.from_pretrained(folder).eval()
    processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
    settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "tokenizer.json"),
        pad_token=settings["pad_token"],
        model_max_length=settings["model_max_length"],
    )
    is_clip = model.config.model_type == "clip"
    best = 16

    def score(batch: int, num: int) -> NDArray[np.float32]:
        cosines = []
        for begin in range(0, num, batch):
            images = [Image.open(path) for path in files[begin : begin + batch][: num - begin]]
            pixels = processor(images=images, return_tensors="pt")
            tokens = tokenizer(
                texts[begin : begin + len(images)],
                padding=True if is_clip else "max_length",
                truncation=True,
                return_tensors="pt",
            )
            with torch.inference_mode():
                left = model.get_image_features(**pixels).pooler_output
                right = model.get_text_features(input_ids=tokens["input_ids"]).pooler_output
            cosines.append(torch.nn.functional.cosine_similarity(left, right).numpy())
        return np.concatenate(cosines)

    def answer(wish: str) -> Any:
        nonlocal best
        if wish == "sweep":
            rates = {}
            for batch in BATCHES:
                begin = time.perf_counter()
                score(batch, 64)
                rates[batch] = 64 / (time.perf_counter() - begin)
            best = max(rates, key=lambda size: rates[size])
            return {"batch": best, "rates": rates}
        begin = time.perf_counter()
        cosines = score(best, len(files))
        return cosines, time.perf_counter() - begin, {}

    return answer


def pairsift_side(
    folder: Path, files: list[Path], texts: list[str], *, precision: str
) -> Callable[[str], Any]:
    """Return what answers ``run``, ``exact`` and ``limit`` with pairsift."""
    config = ScoreConfig(
        model=ModelConfig(model=str(folder), precision=precision, offline=True),  # type: ignore[arg-type]
        output=OutputConfig(details=True),
        # Every repeat takes the same files: what one has encoded must not serve the next.
        run=RunConfig(no_dedupe=True),
    )
    root = files[0].parent
    scorer = build_scorer(config, root)
    exact = build_scorer(replace(config, image=ImageConfig(exact_decode=True)), root)
    exact.encoder = scorer.encoder
    names = [path.name.encode() for path in files]
    batch = pa.RecordBatch.from_arrays(
        [
            pa.array(names, pa.binary()),
            pa.nulls(len(names), pa.binary()),
            pa.array([text.encode() for text in texts], pa.binary()),
            pa.nulls(len(names), pa.string()),
        ],
        schema=schema.PAIR_SCHEMA,
    )

    def answer(wish: str) -> Any:
        if wish == "limit":
            # The same compiled towers on ready tensors: what decoding and the table cost is gone.
            encoder = scorer.encoder
            pixels = [encoder.prepare_image(Image.open(path).convert("RGB")) for path in files]
            tokens = encoder.prepare_captions(texts)
            begin = time.perf_counter()
            encoder.encode_images(pixels)
            encoder.encode_texts(tokens)
            return len(files) / (time.perf_counter() - begin)
        if wish == "provenance":
            return scorer.encoder.provenance
        used = exact if wish == "exact" else scorer
        used.clock.seconds.clear()
        begin = time.perf_counter()
        parts = list(used.stream(batch.slice(at, 64) for at in range(0, len(files), 64)))
        seconds = time.perf_counter() - begin
        table = pa.Table.from_batches(parts)
        tokens_mean = float(np.mean(table[schema.CAPTION_TOKENS].to_numpy()))
        facts = {"stages": dict(used.clock.seconds), "mean_tokens": tokens_mean}
        return table[schema.SIMILARITY].to_numpy(), seconds, facts

    return answer


def serve(connection: Connection, side: str, arguments: tuple[Any, ...], precision: str) -> None:
    """Answer wishes until told to stop; runs in a process of its own."""
    if side == "transformers":
        answer = transformers_side(*arguments)
    else:
        answer = pairsift_side(*arguments, precision=precision)
    connection.send("ready")
    while (wish := connection.recv()) != "stop":
        connection.send(answer(wish))
    connection.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


class Side:
    """One contestant in its own process."""

    def __init__(self, side: str, arguments: tuple[Any, ...], *, precision: str) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self.process = context.Process(target=serve, args=(other, side, arguments, precision))
        self.process.start()
        self.connection.recv()

    def ask(self, wish: str) -> Any:
        """Return the answer to one wish."""
        self.connection.send(wish)
        return self.connection.recv()


def compare(name: str, folder: Path, images: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Return the figures for one checkpoint; raise if the scores differ."""
    from benchmarks.checkpoints import captions

    files = sorted(images.glob("*.jpg"))[: args.num]
    arguments = (folder, files, captions(len(files)))
    peer = Side("transformers", arguments, precision="fp32")
    sweep = peer.ask("sweep")
    ours = Side("pairsift", arguments, precision=args.precision)
    provenance = ours.ask("provenance")
    expected, _, _ = peer.ask("run")
    exact, _, _ = ours.ask("exact")
    difference = float(np.abs(expected - exact).max())
    if difference > TOLERANCE[provenance.precision]:
        message = f"{name}: scores differ by {difference}: no time is worth printing"
        raise SystemExit(message)
    times: dict[str, list[float]] = {"transformers": [], "pairsift": []}
    limits: list[float] = []
    facts: dict[str, Any] = {}
    drafted = exact
    for _ in range(args.repeats):
        times["transformers"].append(peer.ask("run")[1])
        drafted, seconds, facts = ours.ask("run")
        times["pairsift"].append(seconds)
        limits.append(ours.ask("limit"))
    rates = {side: sorted(len(files) / second for second in times[side]) for side in times}
    ratios = sorted(a / b for a, b in zip(times["transformers"], times["pairsift"], strict=True))
    shares = sorted(
        len(files) / second / limit for second, limit in zip(times["pairsift"], limits, strict=True)
    )
    return {
        "model": name,
        "pairs": len(files),
        "runtime": provenance.runtime,
        "precision": provenance.precision,
        "mean_tokens": facts["mean_tokens"],
        "difference_exact": difference,
        "difference_draft": float(np.abs(expected - drafted).max()),
        "sweep": sweep,
        "rates": rates,
        "median_rate": {side: statistics.median(rates[side]) for side in rates},
        "ratios": ratios,
        "median_ratio": statistics.median(ratios),
        "limit": sorted(limits),
        "share_of_limit": shares,
        "median_share_of_limit": statistics.median(shares),
        "stage_seconds": facts["stages"],
        "peak_memory_mib": {"transformers": peer.ask("stop"), "pairsift": ours.ask("stop")},
    }


def main() -> None:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default="clip-vit-base-patch32,siglip2-base-patch32-256")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--num", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--work", type=Path, help="keep photographs and checkpoints here")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        work = args.work or Path(scratch)
        results = [
            compare(name, checkpoint(name, work), photographs_folder(work, args.num), args)
            for name in args.models.split(",")
        ]
    report = {
        "machine": machine(),
        "versions": {n: version(n) for n in ("transformers", "torch", "openvino", "pillow")},
        "results": results,
    }
    if args.out:
        args.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    for result in results:
        print_result(result)


def checkpoint(name: str, work: Path) -> Path:
    """Return the folder of a full-size checkpoint with random weights, made where it is missing."""
    from benchmarks.checkpoints import make_clip, make_siglip2

    folder = work / name
    if not (folder / "tokenizer_config.json").exists():
        make = make_clip if name.startswith("clip") else make_siglip2
        # In a process of its own, so that its memory is not counted for anybody.
        process = multiprocessing.get_context("spawn").Process(target=make, args=(folder,))
        process.start()
        process.join()
    return folder


def photographs_folder(work: Path, num: int) -> Path:
    """Return the folder of the pictures, made where they are missing."""
    from benchmarks.checkpoints import photographs

    folder = work / "photographs"
    if len(list(folder.glob("*.jpg"))) < num:
        folder.mkdir(parents=True, exist_ok=True)
        for index, data in enumerate(photographs(num)):
            Image.open(BytesIO(data)).verify()
            (folder / f"{index:04}.jpg").write_bytes(data)
    return folder


def machine() -> dict[str, Any]:
    """Say what ran this."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    values = dict(line.split(":", 1) for line in lines if ":" in line)
    flags = values.get("flags\t\t", "").split()
    return {
        "processor": values.get("model name\t", platform.processor()).strip(),
        "processors": os.cpu_count(),
        "flags": [flag for flag in flags if flag in {"avx2", "avx512f", "avx512_bf16", "amx_bf16"}],
        "system": platform.platform(),
    }


def print_result(result: dict[str, Any]) -> None:
    """Print one model's figures."""
    rates, spread = result["median_rate"], result["rates"]
    print(f"{result['model']}  {result['precision']}  {result['pairs']} pairs")
    for side in ("transformers", "pairsift"):
        low, high = spread[side][0], spread[side][-1]
        memory = result["peak_memory_mib"][side]
        print(
            f"  {side:13}{rates[side]:7.1f} pairs/s  ({low:.1f} to {high:.1f})  {memory:6.0f} MiB"
        )
    print(f"  ratio        {result['median_ratio']:7.2f}          {result['ratios']}")
    print(f"  of own limit {result['median_share_of_limit']:7.2f}")
    print(f"  largest difference of cosines {result['difference_exact']:.1e}")
    for stage, seconds in result["stage_seconds"].items():
        print(f"    {stage:18}{seconds:7.2f} s")


if __name__ == "__main__":
    main()
