"""How many storybook pairs a second, end to end, and how much memory a row?

    python -m benchmarks.storybook_throughput --out benchmarks/results/storybook_throughput.json

Each figure is a fresh process of ``pairsift score`` with default flags: wall clock from start to
exit, model and table included. The output is checked before a time is printed: as many rows as in
the input, all of them scored.
"""

import argparse
import csv
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SEED = 20_260_901


def main() -> None:
    """Draw the sets, score them, print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="storybook")
    parser.add_argument("--pairs", type=int, default=20_000)
    parser.add_argument("--large", type=int, default=0, help="second size, for memory a row")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--work", type=Path, help="keep the drawn sets here")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        work = args.work or Path(scratch)
        small = measure(draw(work, args.pairs), args.model, args.repeats)
        report: dict[str, Any] = {
            "machine": {"system": platform.platform(), "processors": os.cpu_count()},
            "model": args.model,
            "runs": [small],
        }
        if args.large:
            large = measure(draw(work, args.large), args.model, 1)
            grown = (large["peak_memory_kib"] - small["peak_memory_kib"]) * 1024
            report["runs"].append(large)
            report["bytes_a_row"] = grown / (args.large - args.pairs)
    if args.out:
        args.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=2))


def draw(work: Path, num_pairs: int) -> Path:
    """Return a set of storybook pairs without faults, drawn where it is missing."""
    folder = work / f"storybook-{num_pairs}"
    if not (folder / "pairs.csv").exists():
        command = [sys.executable, "-m", "pairsift", "storybook", str(folder)]
        command += ["--pairs", str(num_pairs), "--seed", str(SEED)]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    return folder


def measure(folder: Path, model: str, repeats: int) -> dict[str, Any]:
    """Return the figures of scoring one set in fresh processes."""
    output = folder / "scored.csv"
    command = [sys.executable, "-m", "pairsift", "score", str(folder / "pairs.csv")]
    command += ["-o", str(output), "--model", model, "--overwrite", "--offline"]
    seconds, peaks = [], []
    for _ in range(repeats):
        begin = time.perf_counter()
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        _, code, usage = os.wait4(process.pid, 0)
        seconds.append(time.perf_counter() - begin)
        peaks.append(usage.ru_maxrss)
        process.returncode = os.waitstatus_to_exitcode(code)
        if process.returncode:
            message = f"scoring failed with exit code {process.returncode}"
            raise SystemExit(message)
    num_rows = check(folder / "pairs.csv", output)
    summary = folder / "scored.csv.pairsift" / "summary.json"
    facts = json.loads(summary.read_text(encoding="utf-8"))
    return {
        "pairs": num_rows,
        "seconds": sorted(seconds),
        "pairs_per_second": num_rows / statistics.median(seconds),
        "peak_memory_kib": max(peaks),
        "stage_seconds": facts["stage_seconds"],
        "setup_seconds": facts["setup_seconds"],
        "provenance": facts["provenance"],
        "largest_child_kib": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss,
    }


def check(table: Path, output: Path) -> int:
    """Return the number of rows; stop when one is missing or without a number."""
    with (
        table.open(encoding="utf-8", newline="") as before,
        output.open(encoding="utf-8", newline="") as after,
    ):
        num_rows = 0
        for row, scored in zip(csv.DictReader(before), csv.DictReader(after), strict=True):
            if row["image"] != scored["image"] or scored["similarity_status"] != "ok":
                message = f"row {num_rows} is not right: {scored}"
                raise SystemExit(message)
            num_rows += 1
    return num_rows


if __name__ == "__main__":
    main()
