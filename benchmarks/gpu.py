"""How many pairs a second on a card, and how much of what the card could do is that?

    python -m benchmarks.gpu --device cuda --out benchmarks/results/gpu.json

For CLIP ViT-B/32, ViT-L/14 and SigLIP2-B/32 with random weights, in turns: pairsift and plain
transformers (``benchmarks.gpu_peer``) on the same pairs, from tensors that lie ready and from
JPEGs. The similarities are compared before a time is printed. The card's own rate is that of a
large product of two matrices, measured and checked in the same run.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image

from benchmarks.compare_transformers import machine, photographs_folder
from pairsift import schema
from pairsift.build import build_scorer
from pairsift.config import ImageConfig, ModelConfig, RunConfig, ScoreConfig
from pairsift.encoders.lengths import by_length
from pairsift.models import derive_record
from pairsift.protocols import TokenizedCaption
from pairsift.scoring import PairScorer

MODELS = "clip-vit-base-patch32,clip-vit-large-patch14,siglip2-base-patch32-256"
TOLERANCE = {"fp32": 1e-4, "fp16": 5e-3, "bf16": 3e-2}
"""Largest difference of cosines that still counts as the same scores, by precision."""

MATRIX_SECONDS = 0.5
MATRIX_REPEATS = 5


def matrix_rate(torch: Any, device: Any, kind: Any, side: int) -> float:
    """Return the rate of one product of two square matrices, in 10^12 operations a second.

    Raises:
        SystemExit: The product is wrong.
    """
    generator = torch.Generator().manual_seed(0)
    left, right = (torch.randn((side, side), generator=generator) for _ in range(2))
    there = left.to(device, kind), right.to(device, kind)
    product = (there[0] @ there[1])[0].double().cpu()
    exact = there[0][0].double().cpu().numpy() @ there[1].double().cpu().numpy()
    error = float(np.abs(product.numpy() - exact).max() / np.abs(exact).max())
    # The result is rounded to its type, and was summed in fp32.
    if not error <= max(4 * torch.finfo(kind).eps, torch.finfo(torch.float32).eps * side**0.5):
        raise SystemExit(f"the product of two matrices is off by {error:.1e} of its greatest value")
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    rates = []
    for _ in range(MATRIX_REPEATS):
        count, begin = 0, time.perf_counter()
        while time.perf_counter() - begin < MATRIX_SECONDS / MATRIX_REPEATS:
            _ = there[0] @ there[1]
            wait()
            count += 1
        rates.append(count * 2 * side**3 / (time.perf_counter() - begin) / 1e12)
    return max(rates)


def tower_flops(folder: Path, side: int, lengths: Sequence[int]) -> tuple[int, dict[int, int]]:
    """Return the operations for one image, and for one caption of each length.

    Products and convolutions only, as PyTorch counts them on a model without memory.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode
    from transformers import AutoConfig, AutoModel

    config = AutoConfig.from_pretrained(folder)
    with torch.device("meta"):
        model = AutoModel.from_config(config, attn_implementation="eager").eval()

        def count(run: Callable[[], Any]) -> int:
            with FlopCounterMode(display=False) as counter, torch.no_grad():
                run()
            return int(counter.get_total_flops())

        image = count(partial(model.get_image_features, torch.zeros((1, 3, side, side))))
        texts = {}
        for length in lengths:
            ids = torch.zeros((1, length), dtype=torch.int64)
            texts[length] = count(partial(model.get_text_features, ids))
    return image, texts


def checkpoint(name: str, work: Path) -> Path:
    """Return the folder of a checkpoint, made with random weights where it is missing."""
    from benchmarks.checkpoints import make_clip, make_clip_large, make_siglip2

    if Path(name).is_dir():
        return Path(name)
    make = {
        "clip-vit-base-patch32": make_clip,
        "clip-vit-large-patch14": make_clip_large,
        "siglip2-base-patch32-256": make_siglip2,
    }[name]
    folder = work / name
    return folder if (folder / "tokenizer_config.json").exists() else make(folder)


class Ours:
    """Pairsift on the pairs of one table.

    Args:
        folder: The checkpoint.
        files: Of the images.
        texts: A caption for each.
        model: Device, precision and batch size.
    """

    def __init__(
        self, folder: Path, files: Sequence[Path], texts: Sequence[str], model: ModelConfig
    ) -> None:
        # Every repeat takes the same files: what one has encoded must not serve the next.
        config = ScoreConfig(
            model=replace(model, model=str(folder), runtime="torch", offline=True),
            run=RunConfig(no_dedupe=True),
        )
        self.scorer = build_scorer(config, files[0].parent)
        self.encoder = self.scorer.encoder
        self._exact = PairScorer(
            encoder=self.encoder,
            measure=self.scorer.measure,
            sources=self.scorer.sources,
            image_config=ImageConfig(exact_decode=True),
            decoding=self.scorer.decoding,
            reuse=self.scorer.reuse,
        )
        self.pixels = [
            self.encoder.prepare_image(Image.open(path).convert("RGB")) for path in files
        ]
        self.tokens = self.encoder.prepare_captions(texts)
        nothing = pa.nulls(len(files), pa.binary())
        names = pa.array([path.name.encode() for path in files], pa.binary())
        captions = pa.array([text.encode() for text in texts], pa.binary())
        columns = [names, nothing, captions, pa.nulls(len(files), pa.string())]
        self._pairs = pa.RecordBatch.from_arrays(columns, schema=schema.PAIR_SCHEMA)

    def from_tensors(self) -> NDArray[np.float32]:
        """Return the cosine of each pair, from pixels and tokens that lie ready."""
        rows = self.encoder.encode_images(self.pixels), self.encoder.encode_texts(self.tokens)
        cosines: NDArray[np.float32] = np.einsum("nd,nd->n", *rows)
        return cosines

    def from_files(self, *, exact: bool = False) -> NDArray[np.float32]:
        """Return the cosine of each pair, from JPEGs and captions."""
        scorer: PairScorer = self._exact if exact else self.scorer
        size = scorer.batch_rows
        batches = (self._pairs.slice(at, size) for at in range(0, len(self._pairs), size))
        table = pa.Table.from_batches(list(scorer.stream(batches)))
        cosines: NDArray[np.float32] = table[schema.SIMILARITY].to_numpy()
        return cosines

    def close(self) -> None:
        """Stop the threads."""
        self.scorer.close()
        self._exact.close()


def compare(
    name: str, args: argparse.Namespace, matrix: Callable[[], float], work: Path
) -> dict[str, Any]:
    """Return the figures of one model; raise if the scores differ."""
    import torch

    from benchmarks.checkpoints import captions
    from benchmarks.gpu_peer import Peer

    folder = checkpoint(name, work)
    images = args.images or photographs_folder(work, args.num)
    files = sorted(images.glob("*.jpg"))[: args.num]
    texts = captions(len(files))
    model = ModelConfig(
        device=args.device, precision=args.precision, batch_size=args.batch, threads=args.threads
    )
    ours = Ours(folder, files, texts, model)
    contestants: dict[str, Callable[[], Any]] = {}
    kind = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[args.precision]
    peer = Peer(folder, args.device.split(",")[0], kind)
    ready = list(peer.load(files, texts, size=args.batch, workers=0))
    contestants["transformers, tensors"] = lambda: peer.score(ready)
    contestants["pairsift, tensors"] = ours.from_tensors
    contestants["transformers, files"] = lambda: peer.score(
        peer.load(files, texts, size=args.batch, workers=args.workers)
    )
    contestants["pairsift, files"] = ours.from_files
    if args.compile:
        compiled = Ours(folder, files, texts, replace(model, torch_compile=True))
        contestants["pairsift compiled, tensors"] = compiled.from_tensors
    expected = peer.score(ready)
    checked = {
        "transformers, files": contestants["transformers, files"](),
        "pairsift, tensors": ours.from_tensors(),
        "pairsift, files": ours.from_files(exact=True),
    }
    if args.compile:
        checked["pairsift compiled, tensors"] = compiled.from_tensors()
    differences = {key: float(np.abs(found - expected).max()) for key, found in checked.items()}
    worst = max(differences, key=lambda key: differences[key])
    if not differences[worst] <= TOLERANCE[args.precision]:
        message = f"{name}: {worst} differs by {differences[worst]}: no time is worth printing"
        raise SystemExit(message)
    rates: dict[str, list[float]] = {key: [] for key in contestants}
    rate = 0.0
    for _ in range(args.repeats):
        rate = max(rate, matrix())
        for key, run in contestants.items():  # in turns
            begin = time.perf_counter()
            run()
            rates[key].append(len(files) / (time.perf_counter() - begin))
    flops = mean_flops(folder, ours.tokens)
    medians = {key: statistics.median(rates[key]) for key in rates}
    ours.close()
    return {
        "model": name,
        "pairs": len(files),
        "runtime": ours.encoder.provenance.runtime,
        "device": ours.encoder.provenance.device,
        "precision": ours.encoder.provenance.precision,
        "differences": differences,
        "rates": {key: sorted(values) for key, values in rates.items()},
        "median_rates": medians,
        "gflops_a_pair": flops / 1e9,
        "matrix_rate_tflops": rate,
        "share_of_matrix_rate": {
            key: medians[key] * flops / 1e12 / rate for key in medians if key.startswith("pairsift")
        },
        "limited_by": "towers"
        if medians["pairsift, files"] > 0.8 * medians["pairsift, tensors"]
        else "decoding",
    }


def mean_flops(folder: Path, tokens: Sequence[TokenizedCaption]) -> float:
    """Return the operations for one pair in the mean, captions padded as they are by us."""
    record = derive_record(folder, name=folder.name)
    lengths: Counter[int] = Counter()
    for length, indices in by_length(tokens, record.text, len(tokens)):
        lengths[length] += len(indices)
    image, texts = tower_flops(folder, record.image.size, list(lengths))
    return image + sum(texts[length] * count for length, count in lengths.items()) / len(tokens)


def card(torch: Any, device: Any) -> dict[str, Any]:
    """Say what ran this."""
    if device.type != "cuda":
        return {"device": device.type}
    facts = torch.cuda.get_device_properties(device)
    return {
        "device": facts.name,
        "count": torch.cuda.device_count(),
        "memory_gib": round(facts.total_memory / 2**30, 1),
        "capability": f"{facts.major}.{facts.minor}",
        "cuda": torch.version.cuda,
        "peak_memory_gib": round(torch.cuda.max_memory_allocated(device) / 2**30, 2),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default=MODELS, help="names, or folders of checkpoints")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--precision", default="fp16", choices=TOLERANCE)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--num", type=int, default=4096, help="pairs")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, help="that decode (default: all processors)")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="of the DataLoader")
    parser.add_argument("--matrix-side", type=int, default=8192)
    parser.add_argument("--compile", action="store_true", help="torch.compile too")
    parser.add_argument("--images", type=Path, help="a folder of JPEGs (default: drawn)")
    parser.add_argument("--work", type=Path, help="keep photographs and checkpoints here")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args(arguments)
    import torch

    from pairsift.encoders.torch_device import choose_precision, find_devices, forbid_shortcuts

    forbid_shortcuts(torch)
    device = torch.device(find_devices(torch, args.device)[0])
    kind = choose_precision(torch, args.precision, on_cpu=False)[1]
    matrix = partial(matrix_rate, torch, device, kind, args.matrix_side)
    with tempfile.TemporaryDirectory() as scratch:
        work = args.work or Path(scratch)
        results = [compare(name, args, matrix, work) for name in args.models.split(",")]
    report = {
        "machine": machine() | card(torch, device),
        "versions": {name: version(name) for name in ("transformers", "torch", "pillow")},
        "matrix_side": args.matrix_side,
        "results": results,
    }
    if args.out:
        args.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    for result in results:
        rate = result["matrix_rate_tflops"]
        print(f"{result['model']}  {result['precision']} on {result['device']}: {rate:.2f} TFLOPS")
        for key, median in result["median_rates"].items():
            low, high = result["rates"][key][0], result["rates"][key][-1]
            share = result["share_of_matrix_rate"].get(key)
            note = "" if share is None else f"  {share:.0%} of the matrix rate"
            print(f"  {key:28}{median:10.1f} pairs/s  ({low:.1f} to {high:.1f}){note}")


if __name__ == "__main__":
    main()
