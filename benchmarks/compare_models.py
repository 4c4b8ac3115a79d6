"""Do both built-in models, at three precisions, compare the same way twice?

    python -m benchmarks.compare_models --out benchmarks/results/compare_models.json
        --plot docs/images/compare.png

Draws pairs with planted mistakes, compares twice with one seed and once with another, refuses where
anything but speed and memory differs, and writes the first comparison.
"""

import argparse
import json
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.compare_transformers import machine
from pairsift.comparing.job import Comparison, compare_models
from pairsift.comparing.plot import draw_plot
from pairsift.comparing.tables import print_comparison
from pairsift.config import CompareConfig, ScoreConfig
from pairsift.storybook.writing import write_storybook

MODELS = ("storybook", "storybook-small")
FAULTS = "swap=0.05,word=0.05,broken-image=0.01"
MEASURED = ("pairs_per_second", "peak_bytes", "setup_seconds", "is_on_front")
"""What a seed does not fix."""


def compare(table: Path, seed: int) -> Comparison:
    wanted = CompareConfig(precisions="fp32,bf16,int8", seed=seed)
    return compare_models(str(table), MODELS, config=ScoreConfig(), compare=wanted, announce=print)


def fixed(found: Comparison) -> list[dict[str, Any]]:
    """Return what must follow from the seed."""
    return [
        {name: value for name, value in vars(one).items() if name not in MEASURED}
        for one in found.figures
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num", type=int, default=4000)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--plot", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        book = Path(scratch) / "book"
        write_storybook(book, num_pairs=args.num, seed=6, faults=FAULTS, workers=1)
        first, again, other = (compare(book / "pairs.csv", seed) for seed in (0, 0, 1))
    if fixed(first) != fixed(again):
        raise SystemExit("the same seed gave other figures")
    if fixed(first) == fixed(other):
        raise SystemExit("another seed gave the same figures: nothing was drawn")
    print_comparison(first, Console(width=100))
    if args.plot:
        draw_plot(first.figures, args.plot)
    report = {
        "machine": machine(),
        "versions": {n: version(n) for n in ("openvino", "nncf")},
        "pairs": args.num,
        "faults": FAULTS,
        "same_seed_same_figures": True,
        "comparison": first.to_plain(),
        "rates": [
            {one.name: round(one.pairs_per_second, 1) for one in found.figures}
            for found in (first, again, other)
        ],
    }
    if args.out:
        args.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
