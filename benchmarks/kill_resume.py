"""Is a job that is killed fifty times the same as one that is not?

    python -m benchmarks.kill_resume --out benchmarks/results/kill_resume.json

Each round scores one table into a new run folder. The process group is killed (SIGKILL) at random
moments, most of them between two commits and two during the final write, and started again. The
encoder writes every caption that it is given into a side log, and every caption is of one row, so
the log tells which rows were scored in which session. At the end the table must be the bytes of an
undisturbed one, and no session may have scored a row of a shard that was committed before it began.
"""

import argparse
import json
import os
import platform
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

SHARD_ROWS = 50
ENCODE_SECONDS = 0.04
"""A shard takes about this long, so that kills fall between commits and not only at the start."""

MID_KILLS = 8
WRITE_KILLS = 2
LOCK_STEP_SECONDS = 0.001


def main() -> None:
    """Kill, resume, compare; print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        work(*map(Path, args.worker))
        return
    generator = random.Random(args.seed)  # noqa: S311 - moments, not secrets
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        table = draw(folder, args.rows)
        whole = folder / "whole.csv"
        run_to_the_end(table, whole, folder / "whole.log")
        rounds = [
            one_round(
                table,
                folder / f"round-{number}.csv",
                whole,
                generator=generator,
                num_shards=-(-args.rows // SHARD_ROWS),
            )
            for number in range(args.rounds)
        ]
    moments = [kill for each in rounds for kill in each["kills"]]
    kills = [kill for kill in moments if kill["when"] != "after the end"]
    report = {
        "machine": {"system": platform.platform(), "processors": os.cpu_count()},
        "rows": args.rows,
        "shards": -(-args.rows // SHARD_ROWS),
        "kills": len(kills),
        "kills_by_moment": dict(Counter(kill["when"] for kill in kills)),
        "all_tables_equal": all(each["is_equal"] for each in rounds),
        "shards_scored_again_after_their_commit": sum(each["again"] for each in rounds),
        "most_shards_lost_by_a_kill": max(kill["lost"] for kill in kills),
        "rounds": rounds,
    }
    text = json.dumps(report, indent=1)
    if args.out:
        args.out.write_text(text + "\n", encoding="utf-8")
    print(json.dumps({k: v for k, v in report.items() if k != "rounds"}, indent=1))
    if not report["all_tables_equal"] or report["shards_scored_again_after_their_commit"]:
        raise SystemExit(1)


def draw(folder: Path, num_rows: int) -> Path:
    """Return a table of storybook pictures whose captions begin with their row."""
    book = folder / "book"
    command = [sys.executable, "-m", "pairsift", "storybook", str(book), "--pairs", "60"]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    names = [line.split(",")[0] for line in (book / "pairs.csv").read_text().splitlines()[1:]]
    table = book / "many.csv"
    lines = (f"{names[row % len(names)]},{row:06} of the book" for row in range(num_rows))
    table.write_text("image,caption\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return table


def one_round(
    table: Path, output: Path, whole: Path, *, generator: random.Random, num_shards: int
) -> dict[str, Any]:
    """Kill one job eleven times, let it end, and hold it against the undisturbed one."""
    run = output.with_name(output.name + ".pairsift")
    commits, writing = run / "commits", run / "writing.json"
    kills: list[dict[str, Any]] = []
    again = 0

    def newly_committed(before: int) -> Callable[[], bool]:
        return lambda: count(commits) > before

    moments: list[tuple[str, float]] = [("start", generator.uniform(0, 2.5))]
    moments += [("commit", generator.uniform(0, 0.4)) for _ in range(MID_KILLS)]
    moments += [("write", generator.uniform(0, 0.01)) for _ in range(WRITE_KILLS)]
    for number, (what, delay) in enumerate(moments):
        before = names(commits)
        log = output.with_name(f"{output.name}.{number}.log")
        process = start(table, output, log)
        begin = time.monotonic()
        if what == "commit":
            wait(process, newly_committed(len(before)))
        elif what == "write":
            wait(process, writing.exists)
        time.sleep(delay)
        has_ended = process.poll() is not None
        if not has_ended:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        after = names(commits)
        scored = shards_in(log)
        again += len(scored & before)
        kills.append(
            {
                "when": moment_of(len(after), num_shards, has_ended=has_ended),
                "seconds": round(time.monotonic() - begin, 3),
                "committed_before": len(before),
                "committed": len(after),
                "lost": len(scored - after),
                "table_is_there": output.exists(),
            }
        )
    before = names(commits)
    log = output.with_name(f"{output.name}.last.log")
    run_to_the_end(table, output, log)
    again += len(shards_in(log) & before)
    is_equal = output.read_bytes() == whole.read_bytes()
    shutil.rmtree(run)
    return {"is_equal": is_equal, "again": again, "kills": kills}


def moment_of(after: int, num_shards: int, *, has_ended: bool) -> str:
    """Return in words when a kill came."""
    if has_ended:
        return "after the end"
    if after == 0:
        return "before the first commit"
    return "during the final write" if after == num_shards else "between commits"


def start(table: Path, output: Path, log: Path) -> "subprocess.Popen[bytes]":
    """Start a job in a process group of its own."""
    command = [sys.executable, "-m", "benchmarks.kill_resume", "--worker"]
    command += [str(table), str(output), str(log)]
    return subprocess.Popen(command, start_new_session=True)


def run_to_the_end(table: Path, output: Path, log: Path) -> None:
    """Run a job until it is done."""
    if code := start(table, output, log).wait():
        message = f"a job that nobody killed ended with exit code {code}"
        raise SystemExit(message)


def wait(process: "subprocess.Popen[bytes]", condition: Callable[[], bool]) -> None:
    """Wait for a moment in the life of a process, or for its end."""
    while not condition() and process.poll() is None:
        time.sleep(LOCK_STEP_SECONDS)


def count(commits: Path) -> int:
    """Return how many commits there are."""
    return len(names(commits))


def names(commits: Path) -> set[str]:
    """Return which shards are committed."""
    if not commits.is_dir():
        return set()
    return {path.name[:18] for path in commits.iterdir() if not path.name.startswith(".")}


def shards_in(log: Path) -> set[str]:
    """Return the shards whose rows an encoder was given."""
    if not log.exists():
        return set()
    rows = (int(line) for line in log.read_text().splitlines())
    return {f"00000-{row - row % SHARD_ROWS:012}" for row in rows}


def work(table: Path, output: Path, log: Path) -> None:
    """Score the table with an encoder that writes down what it is given."""
    from pairsift.config import RunConfig, ScoreConfig
    from pairsift.encoders.fake import FakeEncoder
    from pairsift.engines.local import score_file
    from pairsift.measures import find_measure
    from pairsift.protocols import FloatArray, TokenizedCaption
    from pairsift.scoring import PairScorer
    from pairsift.sources import Sources

    side_log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    class Telling(FakeEncoder):
        def encode_texts(self, captions: Sequence[TokenizedCaption]) -> FloatArray:
            rows = [bytes(caption.ids[:6]).decode() for caption in captions]
            os.write(side_log, "".join(f"{row}\n" for row in rows).encode())
            time.sleep(ENCODE_SECONDS)
            return super().encode_texts(captions)

    def build(config: ScoreConfig, root: Path) -> PairScorer:
        encoder = Telling()
        measure = find_measure(config.measure, encoder.record)
        return PairScorer(encoder=encoder, measure=measure, sources=Sources(root, config.image))

    config = ScoreConfig(run=RunConfig(shard_rows=SHARD_ROWS))
    score_file(config, table, output_path=output, build=build)


if __name__ == "__main__":
    main()
