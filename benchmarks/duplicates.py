"""Are copies found, and only those; and how long do a million rows take?

    python -m benchmarks.duplicates --out benchmarks/results/duplicates.json

Storybook sets of 5,000 pictures, of which 10 % are near copies (re-encoded, resized, cropped,
brighter, darker) and 3 % have the bytes of another; counted over pairs of rows. Then a million and
ten million rows with made-up hashes, under a limit of 8 GB of address space.
"""

import argparse
import json
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

from benchmarks.known_pairs import Maker, lower_bound
from pairsift.curation.duplicates import group_duplicates
from pairsift.curation.hashes import perceptual_hashes
from pairsift.storybook.faults import parse_faults, plan_faults

FIRST_SEED = 9001
FAULTS = "copy=0.02,near-copy=0.1,recaption=0.01"
BARS = {"exact_recall": 1.0, "near_precision": 0.98, "near_recall": 0.95}
LIMIT_BYTES = 8 * 10**9
POOL = pa.system_memory_pool()


def main() -> None:
    """Draw, search, count, print, and write after every set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="storybook")
    parser.add_argument("--pairs", type=int, default=5000)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--only-rows", action="store_true", help="only the made-up rows")
    parser.add_argument("--work", type=Path, help="keep what was drawn and embedded here")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.only_rows:
        resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES))
        print(json.dumps([many_rows(rows) for rows in options.rows]))
        return
    with tempfile.TemporaryDirectory() as folder:
        maker = Maker(options.model, num_pairs=options.pairs, work=options.work or Path(folder))
        made_up = [many_rows_apart(rows) for rows in options.rows]
        lines = []
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            lines.append({"seed": seed} | count(maker, seed))
            print(json.dumps(lines[-1]), flush=True)
            if options.out is not None:
                write(options.out, maker, lines, made_up)


def many_rows_apart(num: int) -> dict[str, Any]:
    """Run in a process of its own: the limit of address space cannot be taken back."""
    command = [sys.executable, "-m", "benchmarks.duplicates", "--only-rows", "--rows", str(num)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    print(done.stdout, end="", flush=True)
    found: dict[str, Any] = json.loads(done.stdout)[0]
    return found


def write(
    out: Path, maker: Maker, lines: list[dict[str, Any]], made_up: list[dict[str, Any]]
) -> None:
    """Write what is known so far."""
    bounds = {name: lower_bound([line[name] for line in lines]) for name in BARS}
    result = {
        "question": "copies among 5,000 drawn pictures; a million and more made-up rows in 8 GB",
        "model": maker.calculator.encoder.provenance.model,
        "weights_sha256": maker.calculator.encoder.provenance.weights_sha256,
        "machine": f"{platform.machine()} {platform.processor()}".strip(),
        "seeds": [line["seed"] for line in lines],
        "lower_bounds": bounds,
        "bars": BARS,
        "meets_the_bars": all(bounds[name] >= bar for name, bar in BARS.items()),
        "made_up_rows": made_up,
        "sets": lines,
    }
    out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def count(maker: Maker, seed: int) -> dict[str, Any]:
    """Count pairs of rows with the same picture, by bytes and by looks."""
    plan = plan_faults(seed, maker.num_pairs, parse_faults(FAULTS))
    pictures = maker.planted_pictures(seed, plan)
    shown = np.arange(maker.num_pairs)
    for row, fault in plan.faults.items():
        shown[row] = row if fault.partner is None else fault.partner
    begin = time.perf_counter()
    found = group_duplicates(
        pa.array(pictures.sha256.tolist()),
        np.zeros(maker.num_pairs),
        hashes=perceptual_hashes(pictures.thumbnails),
        thumbnails=pictures.thumbnails,
        images=pictures.images,
    )
    seconds = time.perf_counter() - begin
    one, other = np.triu_indices(maker.num_pairs, 1)
    is_same = shown[one] == shown[other]
    is_exact = pictures.sha256[one] == pictures.sha256[other]
    is_found = (found.group[one] == found.group[other]) & (found.group[one] >= 0)
    near = is_same & ~is_exact
    return {
        "exact_pairs": int(is_exact.sum()),
        "near_pairs": int(near.sum()),
        "exact_recall": float(is_found[is_exact].mean()),
        "near_recall": float(is_found[near].mean()),
        "near_precision": float(is_same[is_found & ~is_exact].mean()),
        "seconds": round(seconds, 2),
    }


def many_rows(num: int) -> dict[str, Any]:
    """Group made-up rows: one in a hundred has the bytes of another, one in fifty its looks."""
    generator = np.random.default_rng(0)
    hashes = generator.integers(0, 1 << 64, size=num, dtype=np.uint64)
    names = np.arange(num)
    order = generator.permutation(num)
    exact, near = order[: num // 100], order[num // 100 : num // 100 + num // 50]
    sources = order[num // 2 :]
    names[exact] = sources[: len(exact)]
    hashes[exact] = hashes[names[exact]]
    flips = np.uint64(1) << generator.integers(0, 64, size=(len(near), 4), dtype=np.uint64)
    partners = sources[len(exact) : len(exact) + len(near)]
    hashes[near] = hashes[partners] ^ np.bitwise_or.reduce(flips, axis=1)
    # The pixels tell by themselves which rows look alike: a number of 3072 bytes each.
    looks = np.arange(num, dtype=np.uint32)
    looks[near], looks[exact] = partners, names[exact]
    begin = time.perf_counter()
    found = group_duplicates(
        pa.array((f"{name:064x}" for name in names.tolist()), size=num, memory_pool=POOL),
        np.zeros(num),
        hashes=hashes,
        thumbnails=_MadeUp(looks),
    )
    seconds = time.perf_counter() - begin
    return {
        "rows": num,
        "seconds": round(seconds, 1),
        "limit_bytes": LIMIT_BYTES,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "exact_recall": float((found.group[exact] == found.group[names[exact]]).mean()),
        "near_recall": float((found.group[near] == found.group[partners]).mean()),
        "groups": found.num_groups,
        "not_in_the_time": "reading and decoding the pictures",
    }


class _MadeUp:
    """Thumbnails made when they are asked for, so that a million need not lie anywhere."""

    def __init__(self, looks: np.ndarray) -> None:
        self.looks = looks

    def __getitem__(self, places: np.ndarray, /) -> np.ndarray:
        made = np.empty((len(places), 32, 32, 3), dtype=np.uint8)
        for at, look in enumerate(self.looks[places].tolist()):
            coarse = np.random.default_rng(look).integers(0, 256, size=(8, 8, 3), dtype=np.uint8)
            made[at] = coarse.repeat(4, axis=0).repeat(4, axis=1)
        return made


if __name__ == "__main__":
    main()
