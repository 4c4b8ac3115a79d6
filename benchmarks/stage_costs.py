"""What does one image, and one caption, cost in each stage, and what do measures against it save?

    python -m benchmarks.stage_costs --checkpoint DIR --checkpoint DIR \
        --out benchmarks/results/stage_costs.json

Decoding: JPEGs of one photograph stored at several sides, decoded and resized to the model's input
on one processor, with and without drafts. Towers: images and captions a second of each checkpoint
at each precision, captions trimmed as they are, and padded to the context length where the recipe
trims, in turns: what else the machine does slows all of them down alike. Padded captions must give
the trimmed ones' rows before a time is printed.
"""

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.checkpoints import captions, photographs
from pairsift.build import build_encoder
from pairsift.config import ImageConfig, ModelConfig
from pairsift.images import decode_image
from pairsift.protocols import Encoder, TokenizedCaption

SIDES = (256, 512, 768, 1024, 2048, 3000)
NUM_BASES = 4
NUM_IMAGES = 96
NUM_CAPTIONS = 316
"""A batch of a run at 224 pixels."""

CLOSE = 2e-2
"""Padded and trimmed are equal in exact arithmetic; bf16 rounds them apart."""


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", action="append", default=[], help="again for more")
    parser.add_argument("--precision", action="append", default=[], help="again for more")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    report: dict[str, Any] = {
        "machine": {"system": platform.platform(), "processors": os.cpu_count()},
        "decoding": measure_decoding(args.repeats),
        "towers": [],
    }
    for checkpoint in args.checkpoint or ["storybook", "storybook-small"]:
        for precision in args.precision or ["auto"]:
            config = ModelConfig(model=checkpoint, precision=precision)
            report["towers"].append(measure_towers(config, args.repeats))
            print(json.dumps(report["towers"][-1]))
    print(json.dumps(report["decoding"], indent=1))
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def measure_decoding(repeats: int) -> list[dict[str, Any]]:
    """Return milliseconds of one processor an image, by the side at which it is stored."""
    bases = [Image.open(BytesIO(data)).convert("RGB") for data in photographs(NUM_BASES)]
    found = []
    for side in SIDES:
        files = [saved(base, side) for base in bases]
        found.append(
            {
                "side": side,
                "mean_bytes": round(statistics.mean(map(len, files))),
                "milliseconds": decode_ms(files, repeats, is_exact=False),
                "milliseconds_exact": decode_ms(files, repeats, is_exact=True),
            }
        )
    return found


def saved(base: Image.Image, side: int) -> bytes:
    """Return a photograph as a square JPEG of a side."""
    buffer = BytesIO()
    base.resize((side, side), Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def decode_ms(files: list[bytes], repeats: int, *, is_exact: bool) -> float:
    """Return the median milliseconds of decoding an image and resizing it to 224 pixels."""
    config = ImageConfig(exact_decode=is_exact)

    def work() -> None:
        for data in files * 3:
            picture = decode_image(data, config, target=224).rgb
            picture.resize((224, 224), Image.Resampling.BICUBIC)

    return round(1e3 * median_seconds(work, repeats) / (3 * len(files)), 3)


def measure_towers(config: ModelConfig, repeats: int) -> dict[str, Any]:
    """Return rates of a checkpoint's two towers."""
    encoder, record = build_encoder(config)
    generator = np.random.default_rng(0)
    side = encoder.image_size
    pixels = list(generator.integers(0, 256, (NUM_IMAGES, side, side, 3), dtype=np.uint8))
    trimmed = encoder.prepare_captions(captions(NUM_CAPTIONS))
    work: dict[str, tuple[Callable[[], object], int]] = {
        "milliseconds_an_image": (lambda: encoder.encode_images(pixels), NUM_IMAGES),
        "milliseconds_a_caption": (lambda: encoder.encode_texts(trimmed), NUM_CAPTIONS),
    }
    if "trimmed" in encoder.provenance.text_recipe:
        padded = [lengthened(text, record.text.context_length) for text in trimmed]
        check_equal(encoder, trimmed, padded)
        work["milliseconds_a_padded_caption"] = (
            lambda: encoder.encode_texts(padded),
            NUM_CAPTIONS,
        )
    return {
        "model": encoder.provenance.model,
        "precision": encoder.provenance.precision,
        "side": side,
        "width": encoder.width,
        "mean_tokens": round(statistics.mean(len(text.ids) for text in trimmed), 1),
        "load_before": round(os.getloadavg()[0], 2),
        **{
            name: round(1e3 * seconds / work[name][1], 3)
            for name, seconds in in_turns({n: do for n, (do, _) in work.items()}, repeats).items()
        },
    }


def lengthened(caption: TokenizedCaption, length: int) -> TokenizedCaption:
    """Return a caption filled up with its end token."""
    filling = (caption.ids[-1],) * (length - len(caption.ids))
    return TokenizedCaption((*caption.ids, *filling), caption.num_tokens)


def check_equal(
    encoder: Encoder, trimmed: list[TokenizedCaption], padded: list[TokenizedCaption]
) -> None:
    """Stop where padding changes what comes out."""
    rows = (encoder.encode_texts(texts[:32]) for texts in (trimmed, padded))
    short, long = rows
    apart = float(np.abs(short - long).max())
    if apart > CLOSE:
        message = f"padded captions are {apart:.1e} from trimmed ones: no time is worth printing"
        raise SystemExit(message)


def median_seconds(work: Callable[[], object], repeats: int) -> float:
    """Return the median wall clock, after one turn that does not count."""
    return in_turns({"work": work}, repeats)["work"]


def in_turns(work: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Return the median wall clock of each kind of work, all once in every turn."""
    taken: dict[str, list[float]] = {name: [] for name in work}
    for turn in range(repeats + 1):
        for name, do in work.items():
            begin = time.perf_counter()
            do()
            if turn:
                taken[name].append(time.perf_counter() - begin)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


if __name__ == "__main__":
    main()
