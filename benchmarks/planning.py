"""Does a plan say what the run will take? Predict, write it down, run, compare.

    python -m benchmarks.planning --set photographs --checkpoint DIR --work DIR \
        --out benchmarks/results/planning.json

The prediction is a file before the run begins. Plan and run are fresh processes of the command
line with the same options; the run's wall clock is from its start to its exit. The output is
checked before a time is printed: as many rows as in the table, as many scored as the server or the
files allow. A comparison counts if the run took ten minutes and twenty times the sample.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.planning_sets import (
    PlannedSet,
    SlowWeb,
    make_duplicates,
    make_photographs,
    make_slow_server,
)

NUM_ROWS = {"photographs": 48_000, "duplicates": 80_000, "slow-server": 22_000}
LEAST_SECONDS = 600.0
LEAST_TIMES_SAMPLE = 20.0
MOST_OFF = 0.2


def main() -> None:
    """Make the set, predict, run, compare, and add the figures to the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", choices=NUM_ROWS, required=True)
    parser.add_argument("--work", type=Path, required=True, help="the set is made and kept here")
    parser.add_argument("--rows", type=int, help="of the table")
    parser.add_argument("--checkpoint", default="storybook-small", help="model of the run")
    parser.add_argument("--photographs", type=Path, help="folder of JPEGs to cut pieces from")
    parser.add_argument("--sample-seconds", type=float, default=30.0)
    parser.add_argument("--only-make", action="store_true", help="the set, and no run")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    num_rows = args.rows or NUM_ROWS[args.set]
    folder = args.work / f"{args.set}-{num_rows}"
    if args.set == "slow-server":
        with SlowWeb().serving() as place:
            found = make_slow_server(folder, num_rows=num_rows, place=place)
            figures = None if args.only_make else compare(found, num_rows, args)
    else:
        make = make_photographs if args.set == "photographs" else make_duplicates
        found = make(folder, num_rows=num_rows, real=args.photographs)
        figures = None if args.only_make else compare(found, num_rows, args)
    if figures is not None:
        print(json.dumps(figures, indent=1))
        if args.out:
            add_to_results(args.out, args.set, figures)


def compare(found: PlannedSet, num_rows: int, args: argparse.Namespace) -> dict[str, Any]:
    """Return prediction and run of a set, side by side."""
    options = ("--model", args.checkpoint, *found.options)
    written = found.table.parent / "prediction.json"
    load_before = os.getloadavg()[0]
    plan = ("plan", str(found.table), "--json", "--sample-seconds", str(args.sample_seconds))
    text, plan_seconds, _ = run_cli((*plan, *options))
    written.write_text(text, encoding="utf-8")
    prediction = json.loads(text)
    here = prediction["durations"][0]
    print(f"predicted: {here['seconds']:.0f} s ({here['low']:.0f} to {here['high']:.0f})")
    predicted_at = datetime.now(UTC).isoformat(timespec="seconds")
    output = found.table.with_name("scored.csv")
    score = ("score", str(found.table), "-o", str(output), "--overwrite", *options)
    _, seconds, memory = run_cli(score)
    summary = json.loads((Path(f"{output}.pairsift") / "summary.json").read_text("utf-8"))
    if summary["rows"] != num_rows:
        message = f"{summary['rows']} rows of {num_rows}: no time is worth printing"
        raise SystemExit(message)
    on_disk = sum(p.stat().st_size for p in Path(f"{output}.pairsift").rglob("*") if p.is_file())
    off = here["seconds"] / seconds - 1.0
    sample_seconds = prediction["sample"]["seconds"]
    times = min(seconds / sample_seconds, num_rows / prediction["sample"]["rows"])
    return {
        "rows": num_rows,
        "predicted_at": predicted_at,
        "predicted_seconds": round(here["seconds"], 1),
        "interval": [round(here["low"], 1), round(here["high"], 1)],
        "run_seconds": round(seconds, 1),
        "prediction_is_off_by": round(off, 4),
        "is_within_20_per_cent": abs(off) <= MOST_OFF,
        "is_inside_interval": here["low"] <= seconds <= here["high"],
        "run_to_sample": round(times, 1),
        "is_long_enough": seconds >= LEAST_SECONDS and times >= LEAST_TIMES_SAMPLE,
        "plan_seconds": round(plan_seconds, 1),
        "sample_seconds": round(sample_seconds, 1),
        "sample_rows": prediction["sample"]["rows"],
        "limiting": [prediction["limiting"], summary["limiting_stage"]],
        "failed": [round(prediction["failed_share"], 4), round(summary["failed"] / num_rows, 4)],
        "disk_bytes": [
            round(prediction["disk_bytes"]["total"]), on_disk + output.stat().st_size
        ],
        "memory_bytes": [round(prediction["memory_bytes"]), memory],
        "encoded_images": [
            round(prediction["row_work"]["images"] * num_rows), summary["work"]["encoded_images"]
        ],
        "encoded_captions": [
            round(prediction["row_work"]["captions"] * num_rows),
            summary["work"]["encoded_captions"],
        ],
        "row_seconds": prediction["row_seconds"],
        "stage_seconds": summary["stage_seconds"],
        "load_before": round(load_before, 2),
        "load_after": round(os.getloadavg()[0], 2),
        "provenance": summary["provenance"],
        "machine": {"system": platform.platform(), "processors": os.cpu_count()},
    }  # fmt: skip


def run_cli(arguments: Sequence[str]) -> tuple[str, float, int]:
    """Return what a command printed, its wall clock and the highest memory of any so far."""
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "pairsift", *arguments], check=False, capture_output=True, text=True
    )
    seconds = time.perf_counter() - begin
    if done.returncode:
        raise SystemExit(done.stderr[-2_000:])
    return done.stdout, seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024


def add_to_results(path: Path, name: str, figures: dict[str, Any]) -> None:
    """Put a set's figures beside those of the others."""
    results = json.loads(path.read_text("utf-8")) if path.exists() else {"sets": {}}
    results["sets"][name] = figures
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
