"""Does anything that is broken cost more than its own row?

    python -m benchmarks.fuzz --images 5000 --tables 500 --seed 1 --out benchmarks/results/fuzz.json

Cases are scored in chunks, each in a process of its own with a deadline. A chunk that crashes or
hangs is run again case by case, so that the culprit has a name. One case alone:

    python -m benchmarks.fuzz --seed 1 --only images:4711
"""

import argparse
import json
import platform
import sys
from pathlib import Path
from typing import Any

import PIL
import pyarrow as pa

from benchmarks.fuzz.chunks import run_all, run_chunk
from benchmarks.fuzz.reports import Report


def main() -> None:
    """Break, score, count; exit with 1 where something was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--tables", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", metavar="images|tables:INDEX", help="run one case")
    parser.add_argument("--out", type=Path, help="write the figures here")
    args = parser.parse_args()
    if args.only:
        what, index = args.only.split(":")
        report = run_chunk(what, args.seed, [int(index)])
    else:
        report = run_all(args.images, args.tables, seed=args.seed, say=print)
    facts = describe(report, args.images, args.tables, seed=args.seed)
    text = json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(text, encoding="utf-8")
    print(text, end="")
    sys.exit(1 if report.findings else 0)


def describe(report: Report, num_images: int, num_tables: int, *, seed: int) -> dict[str, Any]:
    """Return the figures with what they were measured on."""
    return {
        "command": f"python -m benchmarks.fuzz --images {num_images} --tables {num_tables} "
        f"--seed {seed}",
        "versions": {
            "python": platform.python_version(), "pillow": PIL.__version__,
            "pyarrow": pa.__version__,
        },
        "sniffed_share": round(sum(report.sniffed.values()) / max(1, num_images), 4),
        **report.to_json(),
    }  # fmt: skip


if __name__ == "__main__":
    main()
