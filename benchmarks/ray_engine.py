"""Is Ray as right as this process, whoever is lost, and what does it cost on the same two cores?

    python -m benchmarks.ray_engine --work sets --out benchmarks/results/ray_engine.json

scores 50,000 storybook pairs with ``pairsift score`` in fresh processes: here, on Ray that is
started for the job, and on a cluster of three nodes of this machine that stands already (a head
without processors and two nodes of one processor each, so that all three have two). Wall clock is
from start to exit of the command. Then the cluster loses a worker, a node, and the driver, each
while a shard is begun and not committed, and a run that was stopped here at half is finished there.
Every final CSV and Parquet must be the bytes of the undisturbed local one before a time is printed.

``--parts plain`` (and so on) runs some of it; the JSON file keeps the other parts, and ``plain``
again adds a round, so that rounds can be made when the machine is quiet.
"""

import argparse
import hashlib
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SEED = 20_260_901
PARTS = ("plain", "worker", "node", "driver", "half")
MIN_COMMITS = 3
LONGEST_SECONDS = 600.0
POLL_SECONDS = 0.02


def main() -> None:
    """Draw the set, run the parts, compare, print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=50_000)
    parser.add_argument("--model", default="storybook")
    parser.add_argument("--parts", default=",".join(PARTS), help="with commas between")
    parser.add_argument("--rounds", type=int, default=1, help="of plain; local and Ray in turn")
    parser.add_argument("--work", type=Path, help="keep the drawn set and the first outputs here")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    report = json.loads(args.out.read_text()) if args.out and args.out.exists() else {}
    report |= {
        "machine": {"system": platform.platform(), "processors": os.cpu_count()},
        "pairs": args.pairs,
        "model": args.model,
    }
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(args.work or Path(scratch), Path(scratch), args.pairs, args.model)
        for part in args.parts.split(","):
            rounds = args.rounds if part == "plain" else 1
            for _ in range(rounds):
                found = getattr(bench, part)()
                if part == "plain":
                    found = [*report.get("plain", []), found]
                report[part] = found
            if args.out:
                args.out.write_text(json.dumps(summed(report), indent=2) + "\n", encoding="utf-8")
    print(json.dumps(summed(report), indent=2))


def summed(report: dict[str, Any]) -> dict[str, Any]:
    """Return the report with the overhead of its plain rounds: medians against medians."""
    rounds = report.get("plain", [])
    if rounds:
        medians = {
            name: statistics.median(one[name] for one in rounds)
            for name in ("local", "cluster", "alone")
        }
        report["median_seconds"] = medians
        report["overhead"] = {
            name: round(medians[name] / medians["local"] - 1, 4) for name in ("cluster", "alone")
        }
    return report


class Bench:
    """The set, its undisturbed scores, and what is done to the others.

    Args:
        work: Where the set lies, or is drawn.
        scratch: For outputs.
        num_pairs: Of the set.
        model: That scores.
    """

    def __init__(self, work: Path, scratch: Path, num_pairs: int, model: str) -> None:
        self.scratch = scratch
        self.model = model
        folder = work / f"storybook-{num_pairs}"
        if not (folder / "pairs.csv").exists():
            command = [sys.executable, "-m", "pairsift", "storybook", str(folder)]
            command += ["--pairs", str(num_pairs), "--seed", str(SEED)]
            subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        self.table = folder / "pairs.csv"
        self.kept = work / f"ray-engine-{num_pairs}-{model}.json"
        self.whole: list[str] = []
        if self.kept.exists():
            self.whole = json.loads(self.kept.read_text())

    def plain(self) -> dict[str, float]:
        """Return the seconds of an undisturbed job in the three places, in turn."""
        seconds: dict[str, float] = {}
        for name in ("local", "cluster", "alone"):
            if name == "cluster":
                with cluster() as (_, address):
                    seconds[name] = self._timed(name, ["--engine", "ray", "--ray-address", address])
            else:
                seconds[name] = self._timed(name, ["--engine", "ray"] if name == "alone" else [])
        print("plain:", {name: round(value, 2) for name, value in seconds.items()}, flush=True)
        return seconds

    def worker(self) -> dict[str, Any]:
        """Kill a worker that holds a shard."""
        with cluster() as (_, address):
            return self._disturbed(
                "worker", address, lambda mark, _: os.kill(mark["pid"], signal.SIGKILL)
            )

    def node(self) -> dict[str, Any]:
        """Remove a node whose worker holds a shard."""
        with cluster() as (made, address):
            node = made.list_all_nodes()[-1]
            return self._disturbed(
                "node", address, lambda *_: made.remove_node(node, allow_graceful=False)
            )

    def driver(self) -> dict[str, Any]:
        """Kill the driver, and start it again."""
        with cluster() as (_, address):
            return self._disturbed("driver", address, lambda _, process: process.kill())

    def half(self) -> dict[str, Any]:
        """Stop a local job at half with Ctrl-C, and finish it on the cluster."""
        output = self.scratch / "half.csv"
        process = self._start(output, [])
        num_shards = -(-self._count() // 4096)
        wait_for_mark(output, process, num_shards // 2)
        process.send_signal(signal.SIGINT)
        process.wait()
        before = len(commits(output))
        with cluster() as (_, address):
            begin = time.perf_counter()
            self._must(self._start(output, ["--engine", "ray", "--ray-address", address]))
            seconds = time.perf_counter() - begin
        self._check(output)
        found = {"finished_here": before, "seconds_there": round(seconds, 2), "is_equal": True}
        print("half:", found, flush=True)
        return found

    def _disturbed(
        self, name: str, address: str, act: Callable[[dict[str, Any], Any], None]
    ) -> dict[str, Any]:
        output, log = self.scratch / f"{name}.csv", self.scratch / f"{name}.jsonl"
        options = ["--engine", "ray", "--ray-address", address, "--log-json", str(log)]
        begin = time.perf_counter()
        process = self._start(output, options)
        mark = wait_for_mark(output, process, MIN_COMMITS)
        act(mark, process)
        done = len(commits(output))
        if name == "driver":
            process.wait()
            again = sorted(open_marks(output))
            process = self._start(output, options)
            self._must(process)
        else:
            self._must(process)
            lost = [line for line in events(log) if line["event"] == "worker_lost"]
            again = sorted({shard for line in lost for shard in line["shards"]})
        seconds = time.perf_counter() - begin
        scored = [(e["file"], e["first_row"]) for e in events(log) if e["event"] == "shard"]
        if not again or len(scored) != len(set(scored)):
            message = f"{name}: shards begun and lost: {again}; commits told: {len(scored)}"
            raise SystemExit(message)
        self._check(output)
        found = {
            "held": mark["shard"],
            "committed_before": done,
            "rerun_shards": again,
            "seconds": round(seconds, 2),
            "is_equal": True,
        }
        print(f"{name}:", found, flush=True)
        return found

    def _timed(self, name: str, options: list[str]) -> float:
        output = self.scratch / f"{name}.csv"
        begin = time.perf_counter()
        self._must(self._start(output, [*options, "--overwrite"]))
        seconds = time.perf_counter() - begin
        if name == "local" and not self.whole:
            self.whole = self._hashes(output)
            self.kept.write_text(json.dumps(self.whole))
        self._check(output)
        return seconds

    def _start(self, output: Path, options: list[str]) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "pairsift", "score", str(self.table), "-o", str(output)]
        command += ["--run", f"{output}.run", "--model", self.model, "--offline", *options]
        return subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)

    @staticmethod
    def _must(process: "subprocess.Popen[bytes]") -> None:
        if code := process.wait():
            message = f"a job ended with exit code {code}"
            raise SystemExit(message)

    def _check(self, output: Path) -> None:
        if not self.whole:
            local = self.scratch / "whole.csv"
            self._must(self._start(local, []))
            self.whole = self._hashes(local)
            self.kept.write_text(json.dumps(self.whole))
        if self._hashes(output) != self.whole:
            message = f"{output} is not the bytes of the undisturbed table"
            raise SystemExit(message)

    def _hashes(self, output: Path) -> list[str]:
        """Return the sha256 of the table as CSV, and of the run written again as Parquet."""
        parquet = output.with_suffix(".parquet")
        command = [sys.executable, "-m", "pairsift", "score", str(self.table), "-o", str(parquet)]
        command += ["--run", f"{output}.run", "--model", self.model, "--offline"]
        parquet.unlink(missing_ok=True)
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        return [hashlib.sha256(path.read_bytes()).hexdigest() for path in (output, parquet)]

    def _count(self) -> int:
        with self.table.open("rb") as file:
            return sum(1 for _ in file) - 1


@contextmanager
def cluster() -> Iterator[tuple[Any, str]]:
    """Start three nodes on this machine; yields the cluster and its address."""
    from ray.cluster_utils import Cluster

    import pairsift.engines.ray  # noqa: F401 - switches Ray's reports off

    health = {
        "health_check_initial_delay_ms": 0,
        "health_check_period_ms": 500,
        "health_check_timeout_ms": 1000,
        "health_check_failure_threshold": 4,
    }
    head = {"num_cpus": 0, "include_dashboard": False, "_system_config": health}
    made = Cluster(initialize_head=True, head_node_args=head)
    for _ in range(2):
        made.add_node(num_cpus=1)
    try:
        yield made, made.address
    finally:
        made.shutdown()


def wait_for_mark(
    output: Path, process: "subprocess.Popen[bytes]", num_commits: int
) -> dict[str, Any]:
    """Wait until shards are committed and another is begun; return who is at it."""
    end = time.monotonic() + LONGEST_SECONDS
    while process.poll() is None and time.monotonic() < end:
        time.sleep(POLL_SECONDS)
        if len(commits(output)) >= num_commits:
            for shard, mark in sorted(open_marks(output).items()):
                return {**json.loads(mark.read_text()), "shard": shard}
    message = "the job ended before anything could be done to it"
    raise SystemExit(message)


def commits(output: Path) -> set[str]:
    """Return the committed shards."""
    return {path.stem for path in Path(f"{output}.run").glob("commits/0*.json")}


def open_marks(output: Path) -> dict[str, Path]:
    """Return the shards that are begun and not committed, with the mark of who is at it."""
    marks = Path(f"{output}.run").glob("attempts/0*.json")
    found = {path.name.rsplit("-", 1)[0]: path for path in marks}
    return {shard: path for shard, path in found.items() if shard not in commits(output)}


def events(log: Path) -> list[dict[str, Any]]:
    """Return what a job's log says."""
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    main()
