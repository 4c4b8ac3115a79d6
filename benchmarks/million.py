"""A million pairs as Parquet: how fast, and how much memory a row?

    python -m benchmarks.million --work DIR --out benchmarks/results/million.json

Draws storybook pairs with their pictures in Parquet files of 50,000 rows, then scores a tenth of
them and all of them, each in a fresh process of ``pairsift score`` with default flags. A run that
was stopped goes on where it was: what earlier processes did stands in the run folder, and the
peaks of all of them in ``processes.json`` beside it. The scores are checked before a figure is
printed: as many as rows, all of them finite, in the order of the rows.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

SEED = 20_261_001
FILE_ROWS = 50_000
GROUP_ROWS = 1_000


def main() -> None:
    """Draw, score, check, print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="storybook-small")
    parser.add_argument("--pairs", type=int, default=1_000_000)
    parser.add_argument("--work", type=Path, required=True, help="keeps the files and the runs")
    parser.add_argument("--draw-only", action="store_true")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    files = draw(args.work, args.pairs)
    if args.draw_only:
        return
    tenth = measure(args.work / "tenth", files[: max(1, len(files) // 10)], args.model)
    whole = measure(args.work / "whole", files, args.model)
    grown = (whole["peak_memory_kib"] - tenth["peak_memory_kib"]) * 1024
    report = {
        "machine": {"system": platform.platform(), "processors": os.cpu_count()},
        "model": args.model,
        "table_bytes": sum(file.stat().st_size for file in files),
        "runs": [tenth, whole],
        "bytes_a_row": grown / (whole["pairs"] - tenth["pairs"]),
    }
    if args.out:
        args.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=2))


def draw(work: Path, num_pairs: int) -> list[Path]:
    """Return Parquet files of pairs without faults; those that are there are not drawn again."""
    folder = work / "pairs"
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for start in range(0, num_pairs, FILE_ROWS):
        path = folder / f"pairs-{start // FILE_ROWS:05}.parquet"
        files.append(path)
        if not path.exists():
            _draw_file(path, range(start, min(start + FILE_ROWS, num_pairs)), num_pairs)
    return files


def _draw_file(path: Path, rows: range, num_pairs: int) -> None:
    from pairsift.storybook.faults import plan_faults
    from pairsift.storybook.planting import plant

    plan = plan_faults(SEED, num_pairs, {})
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    schema = pa.schema([("image", kind), ("caption", pa.string()), ("category", pa.string())])
    temporary = path.with_suffix(".part")
    with pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for start in range(rows.start, rows.stop, GROUP_ROWS):
            planted = [
                plant(plan, row, side=128, image_format="jpg")
                for row in range(start, min(start + GROUP_ROWS, rows.stop))
            ]
            columns = [
                [{"bytes": row.file_bytes, "path": row.file_name} for row in planted],
                [row.caption.decode() for row in planted],
                [row.category for row in planted],
            ]
            arrays = [
                pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
    temporary.rename(path)


def measure(work: Path, files: list[Path], model: str) -> dict[str, Any]:
    """Return the figures of scoring some files, over all processes that it took."""
    inputs, output = work / "in", work / "scored.parquet"
    inputs.mkdir(parents=True, exist_ok=True)
    for file in files:
        link = inputs / file.name
        if not link.exists():
            link.hardlink_to(file)
    log = work / "processes.json"
    processes = json.loads(log.read_text(encoding="utf-8")) if log.exists() else []
    if not output.exists():
        command = [sys.executable, "-m", "pairsift", "score", str(inputs), "-o", str(output)]
        command += ["--model", model, "--offline"]
        begin = time.perf_counter()
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        _, code, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(code)
        processes.append(
            {
                "seconds": time.perf_counter() - begin,
                "cpu_seconds": usage.ru_utime + usage.ru_stime,
                "peak_memory_kib": usage.ru_maxrss,
                "exit_code": process.returncode,
            }
        )
        log.write_text(json.dumps(processes), encoding="utf-8")
        if process.returncode:
            message = f"scoring ended with exit code {process.returncode}; the same command goes on"
            raise SystemExit(message)
    num_rows = check(files, output)
    summary = json.loads((work / "scored.parquet.pairsift" / "summary.json").read_text("utf-8"))
    seconds = sum(process["seconds"] for process in processes)
    return {
        "pairs": num_rows,
        "seconds": seconds,
        "pairs_per_second": num_rows / seconds,
        "cpu_seconds": sum(process["cpu_seconds"] for process in processes),
        "peak_memory_kib": max(process["peak_memory_kib"] for process in processes),
        "processes": processes,
        "run_folder_bytes": sum(
            file.stat().st_size
            for file in (work / "scored.parquet.pairsift").rglob("*")
            if file.is_file()
        ),
        "stage_seconds": summary["stage_seconds"],
        "provenance": summary["provenance"],
    }


def check(files: list[Path], output: Path) -> int:
    """Return the number of scored rows; stop where they are not the rows of the files."""
    num_rows: int = sum(pq.ParquetFile(file).metadata.num_rows for file in files)
    scored = pq.read_table(output)
    statuses = scored.column("similarity_status").value_counts().to_pylist()
    if scored.num_rows != num_rows or statuses != [{"values": "ok", "counts": num_rows}]:
        message = f"{num_rows} rows went in; {scored.num_rows} came out: {statuses}"
        raise SystemExit(message)
    first = 0
    for file in files:
        pairs = pq.ParquetFile(file).read(columns=["image.path", "caption"])
        rows = scored.slice(first, pairs.num_rows)
        paths = pairs.column("image").combine_chunks().field("path")
        if not rows.column("image").combine_chunks().equals(paths) or not rows.column(
            "caption"
        ).equals(pairs.column("caption")):
            message = f"the rows of {file.name} are not those that went in"
            raise SystemExit(message)
        first += pairs.num_rows
    return num_rows


if __name__ == "__main__":
    main()
