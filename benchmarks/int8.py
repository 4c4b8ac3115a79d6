"""How much faster is int8 than bf16, with the same images on the same cores?

    python -m benchmarks.int8 --work DIR --out benchmarks/results/int8.json

CLIP ViT-B/32 with random weights: the towers go through the same functions as in
`models quantize`, without its gate, since similarities of random weights have no order to keep.
Embeddings are compared before a time is printed. Ready tensors, in turns (A B A B …), the median;
and both built-in models through the whole command, with its gate.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.checkpoints import captions
from benchmarks.compare_transformers import checkpoint, machine, photographs_folder
from pairsift.config import ModelConfig, QuantizeConfig, ScoreConfig
from pairsift.encoders.openvino import OpenVinoEncoder
from pairsift.images import decode_image
from pairsift.quantizing import folders
from pairsift.quantizing.making import int8_towers, quantize_model
from pairsift.quantizing.pairs import PreparedPairs
from pairsift.storybook.writing import write_storybook
from pairsift.weights import resolve_model

PRECISIONS = ("fp32", "bf16", "int8")
LEAST_COSINE = 0.99
"""Between a row at int8 and at fp32: ViT-B/32 with random weights keeps .9989."""


def load_pairs(encoder: OpenVinoEncoder, images: Path, num: int) -> PreparedPairs:
    """Return photographs and long captions as the model takes them."""
    config = ScoreConfig().image
    pixels = [
        encoder.prepare_image(decode_image(path.read_bytes(), config, target=224).rgb)
        for path in sorted(images.glob("*.jpg"))[:num]
    ]
    return PreparedPairs(pixels, encoder.prepare_captions(captions(num)), num, {})


def part(pairs: PreparedPairs, rows: slice) -> PreparedPairs:
    return replace(pairs, pixels=pairs.pixels[rows], captions=pairs.captions[rows])


def make_encoders(folder: Path, images: Path, scratch: Path, args: Any) -> tuple[Any, Any, float]:
    """Return an encoder a precision, the pairs to time, and the seconds that quantising took."""
    config = ModelConfig(model=str(folder), offline=True)
    source = resolve_model(str(folder), config=config)
    exact = OpenVinoEncoder(source, replace(config, precision="fp32"))
    pairs = load_pairs(exact, images, args.calibration + args.num)
    begin = time.perf_counter()
    image_tower, text_tower = int8_towers(source, part(pairs, slice(args.calibration)))
    seconds = time.perf_counter() - begin
    folders.copy_recipes(source, scratch)
    folders.write_towers(scratch, images=image_tower, texts=text_tower)
    folders.write_int8_card(scratch, source, {})
    whole = resolve_model(str(scratch), config=config)
    encoders = {
        "fp32": exact,
        "bf16": OpenVinoEncoder(source, replace(config, precision="bf16")),
        "int8": OpenVinoEncoder(whole, replace(config, precision="int8")),
    }
    return encoders, part(pairs, slice(args.calibration, None)), seconds


def in_turns(work: dict[str, Callable[[], Any]], repeats: int, num: int) -> dict[str, Any]:
    """Return rates of all kinds, each repeat a turn of all."""
    rates: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(repeats):
        for name, run in work.items():
            begin = time.perf_counter()
            run()
            rates[name].append(num / (time.perf_counter() - begin))
    ratios = [a / b for a, b in zip(rates["int8"], rates["bf16"], strict=True)]
    return {
        "rates": rates,
        "median_rate": {name: statistics.median(found) for name, found in rates.items()},
        "int8_over_bf16": ratios,
        "median_int8_over_bf16": statistics.median(ratios),
    }


def time_clip(folder: Path, images: Path, scratch: Path, args: Any) -> dict[str, Any]:
    """Return the figures for ViT-B/32; raise where int8 gives other embeddings."""
    encoders, pairs, seconds = make_encoders(folder, images, scratch, args)
    rows = {n: (e.encode_images(pairs.pixels), e.encode_texts(pairs.captions))
            for n, e in encoders.items()}  # fmt: skip
    nearness = {name: _least_cosines(found, rows["fp32"]) for name, found in rows.items()}
    if min(nearness["int8"].values()) < LEAST_COSINE:
        message = f"int8 rows are not those of fp32 ({nearness['int8']}): no time is worth printing"
        raise SystemExit(message)
    num = len(pairs)
    image_work: dict[str, Callable[[], Any]] = {
        n: partial(e.encode_images, pairs.pixels) for n, e in encoders.items()
    }
    text_work: dict[str, Callable[[], Any]] = {
        n: partial(e.encode_texts, pairs.captions) for n, e in encoders.items()
    }
    return {
        "model": folder.name,
        "pairs": num,
        "calibration_pairs": args.calibration,
        "quantize_seconds": seconds,
        "least_cosine_to_fp32": nearness,
        "precisions": {name: encoder.provenance.precision for name, encoder in encoders.items()},
        "images": in_turns(image_work, args.repeats, num),
        "captions": in_turns(text_work, args.repeats, num),
        "mean_tokens": float(np.mean([caption.num_tokens for caption in pairs.captions])),
    }


def _least_cosines(rows: Any, exact: Any) -> dict[str, float]:
    least = [float((one * other).sum(axis=1).min()) for one, other in zip(rows, exact, strict=True)]
    return {"images": least[0], "captions": least[1]}


def gate(name: str, table: str, to: Path) -> dict[str, Any]:
    """Return what the whole command says of a built-in model."""
    report = quantize_model(
        name, table, to, config=ScoreConfig(), limits=QuantizeConfig(), announce=print
    )
    return {
        "model": name,
        "accepted": report.folder is not None,
        "refused_by": list(report.failed),
        "towers": report.towers,
        "calibration_pairs": report.num_calibration,
        "drift": report.drift.to_plain(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num", type=int, default=128)
    parser.add_argument("--calibration", type=int, default=96)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--work", type=Path, help="keep photographs and checkpoints here")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        work = args.work or Path(scratch)
        folder = checkpoint("clip-vit-base-patch32", work)
        images = photographs_folder(work, args.num + args.calibration)
        stage = Path(scratch) / "clip-int8"
        stage.mkdir()
        clip = time_clip(folder, images, stage, args)
        book = Path(scratch) / "book"
        write_storybook(book, num_pairs=1000, seed=8)
        gates = [
            gate(name, str(book / "pairs.csv"), Path(scratch) / f"{name}-int8")
            for name in ("storybook", "storybook-small")
        ]
    report = {
        "machine": machine(),
        "versions": {n: version(n) for n in ("openvino", "nncf")},
        "speed": clip,
        "gates": gates,
    }
    if args.out:
        args.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    for what in ("images", "captions"):
        rates = ", ".join(f"{n} {r:.1f}" for n, r in clip[what]["median_rate"].items())
        print(f"{what}/s: {rates}; int8 over bf16 {clip[what]['median_int8_over_bf16']:.2f}")
    print("least cosine to fp32:", clip["least_cosine_to_fp32"])
    for found in gates:
        print(found["model"], "accepted" if found["accepted"] else "REFUSED", found["drift"])


if __name__ == "__main__":
    main()
