"""On several nodes of this machine: the same bytes, whoever is lost on the way."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pairsift.config import EngineConfig, ModelConfig, RunConfig, ScoreConfig
from pairsift.engines.local import score_file
from pairsift.errors import JobError, ModelError, UsageError
from pairsift.job import JobSummary, Progress
from pairsift.scoring import PairScorer
from pairsift.storybook.writing import write_storybook
from tests.engines.slow_scorer import SlowBuild
from tests.s3_server import S3

pytestmark = pytest.mark.ray

NUM_PAIRS = 2000
SHARD_ROWS = 50
SLOW = SlowBuild()
ROOT = Path(__file__).parents[2]
FAST_HEALTH = {
    "health_check_initial_delay_ms": 0,
    "health_check_period_ms": 200,
    "health_check_timeout_ms": 400,
    "health_check_failure_threshold": 3,
}


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("book")
    return write_storybook(folder, num_pairs=NUM_PAIRS, seed=3, side=32).table


@pytest.fixture(scope="module")
def whole(book: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    output = tmp_path_factory.mktemp("whole") / "whole.csv"
    score_file(configure(), book, output_path=output, build=SlowBuild(0.0))
    return sha256(output)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    pytest.importorskip("pairsift.engines.ray")
    from ray.cluster_utils import Cluster

    made = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 0, "_system_config": FAST_HEALTH, "include_dashboard": False},
    )
    for _ in range(2):
        made.add_node(num_cpus=1)
    yield made
    made.shutdown()


def configure(address: str | None = None, **changed: Any) -> ScoreConfig:
    run = {"shard_rows": SHARD_ROWS, **changed.pop("run", {})}
    engine = EngineConfig(engine="ray", ray_address=address, **changed)
    return ScoreConfig(model=ModelConfig(runtime="fake"), run=RunConfig(**run), engine=engine)


def score_on(
    address: str | None,
    table: Path,
    output: Path,
    *,
    build: Callable[[ScoreConfig, Path], PairScorer] = SLOW,
    on_progress: Callable[[Progress], None] = lambda _: None,
    told: list[str] | None = None,
    **changed: Any,
) -> JobSummary:
    from pairsift.engines.ray import RayEngine

    config = configure(address, **changed)
    tell = (lambda _: None) if told is None else told.append
    engine = RayEngine(config.engine, build, tell=tell)
    return score_file(
        config,
        table,
        output_path=output,
        build=SlowBuild(0.0),
        engine=engine,
        on_progress=on_progress,
    )


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def events(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def when_half_done(output: Path, act: Callable[[dict[str, Any]], None]) -> threading.Thread:
    """Do something once a few shards are committed, knowing a mark of a shard that is not."""
    run = output.with_name(output.name + ".pairsift")

    def wait() -> None:
        for _ in range(3000):
            time.sleep(0.02)
            commits = {path.name for path in run.glob("commits/0*.json")}
            marks = sorted(run.glob("attempts/0*.json"))
            open_marks = [m for m in marks if m.name.rsplit("-", 1)[0] + ".json" not in commits]
            if len(commits) >= 5 and open_marks:
                act({**json.loads(open_marks[0].read_text()), "name": open_marks[0].name})
                return

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_the_same_bytes_as_here(cluster: Any, book: Path, whole: str, tmp_path: Path) -> None:
    output, log = tmp_path / "out.csv", tmp_path / "log.jsonl"
    seen: list[Progress] = []
    summary = score_on(
        cluster.address, book, output, on_progress=seen.append, run={"log_json": str(log)}
    )
    assert sha256(output) == whole
    assert summary.num_shards == NUM_PAIRS // SHARD_ROWS
    assert summary.session_rows == NUM_PAIRS
    assert seen[-1].rows_done == seen[-1].rows_total == NUM_PAIRS
    assert [entry["event"] for entry in events(log)] == ["shard"] * summary.num_shards
    assert not list((tmp_path / "out.csv.pairsift").glob("attempts/*"))
    assert not list((tmp_path / "out.csv.pairsift").glob(".probe*"))


def test_a_killed_worker_costs_only_what_it_had(
    cluster: Any, book: Path, whole: str, tmp_path: Path
) -> None:
    output, log = tmp_path / "out.csv", tmp_path / "log.jsonl"
    killed: list[dict[str, Any]] = []

    def kill(mark: dict[str, Any]) -> None:
        os.kill(mark["pid"], signal.SIGKILL)
        killed.append(mark)

    waiting = when_half_done(output, kill)
    score_on(cluster.address, book, output, run={"log_json": str(log)})
    waiting.join()
    assert sha256(output) == whole
    lost = [entry for entry in events(log) if entry["event"] == "worker_lost"]
    assert len(lost) == 1
    assert killed[0]["name"].rsplit("-", 1)[0] in lost[0]["shards"]
    shards = [(e["file"], e["first_row"]) for e in events(log) if e["event"] == "shard"]
    assert len(shards) == len(set(shards)) == NUM_PAIRS // SHARD_ROWS


def test_a_removed_node_costs_only_what_it_had(
    cluster: Any, book: Path, whole: str, tmp_path: Path
) -> None:
    output, log = tmp_path / "out.csv", tmp_path / "log.jsonl"
    node = cluster.add_node(num_cpus=1)

    def remove(_: dict[str, Any]) -> None:
        cluster.remove_node(node, allow_graceful=False)

    waiting = when_half_done(output, remove)
    score_on(cluster.address, book, output, run={"log_json": str(log)})
    waiting.join()
    assert sha256(output) == whole
    lost = [entry for entry in events(log) if entry["event"] == "worker_lost"]
    assert len(lost) == 1
    assert lost[0]["shards"]


def test_a_killed_driver_is_started_again(
    cluster: Any, book: Path, whole: str, tmp_path: Path
) -> None:
    output = tmp_path / "out.csv"
    code = (
        "import sys; from pathlib import Path; from tests.engines.test_ray import score_on;"
        "score_on(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))"
    )
    command = [sys.executable, "-c", code, cluster.address, str(book), str(output)]
    driver = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    when_half_done(output, lambda _: driver.kill()).join()
    assert driver.wait() == -signal.SIGKILL
    assert not output.exists()
    summary = score_on(cluster.address, book, output)
    assert sha256(output) == whole
    assert 5 <= summary.resumed_shards < summary.num_shards


@pytest.mark.parametrize("begins_here", [True, False])
def test_begun_in_one_place_and_finished_in_the_other(
    cluster: Any, book: Path, whole: str, tmp_path: Path, begins_here: bool
) -> None:
    output = tmp_path / "out.csv"

    def stop(progress: Progress) -> None:
        if progress.rows_done >= NUM_PAIRS // 2:
            raise KeyboardInterrupt

    def here(**how: Any) -> JobSummary:
        return score_file(configure(), book, output_path=output, build=SlowBuild(0.0), **how)

    def there(**how: Any) -> JobSummary:
        return score_on(cluster.address, book, output, **how)

    first, second = (here, there) if begins_here else (there, here)
    with pytest.raises(KeyboardInterrupt):
        first(on_progress=stop)
    assert not list((tmp_path / "out.csv.pairsift").glob("attempts/*"))
    summary = second()
    assert sha256(output) == whole
    assert 0 < summary.resumed_shards < summary.num_shards


def test_a_stuck_worker_is_named_and_replaced(
    cluster: Any, book: Path, whole: str, tmp_path: Path
) -> None:
    output, log = tmp_path / "out.csv", tmp_path / "log.jsonl"
    build = SlowBuild(0.0, hang_once=str(tmp_path / "hung"))
    told: list[str] = []
    score_on(
        cluster.address,
        book,
        output,
        build=build,
        told=told,
        stuck_seconds=0.7,
        run={"log_json": str(log)},
    )
    assert sha256(output) == whole
    lost = [entry for entry in events(log) if entry["event"] == "worker_lost"]
    assert len(lost) == 1
    assert "has scored nothing for" in lost[0]["reason"]
    # On a busy machine others are named too, and go on.
    named = [e["shards"] for e in events(log) if e["event"] == "worker_stuck"]
    assert lost[0]["shards"] in named
    assert any("its shards: " + ", ".join(lost[0]["shards"]) in words for words in told)


def test_what_a_worker_raises_ends_the_job(cluster: Any, book: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such weights here"):
        score_on(cluster.address, book, tmp_path / "out.csv", build=build_without_model)


def build_without_model(config: ScoreConfig, root: Path) -> PairScorer:
    raise ModelError("no such weights here")


def test_workers_that_cannot_start_end_the_job(cluster: Any, book: Path, tmp_path: Path) -> None:
    with pytest.raises(JobError, match="no worker could start"):
        score_on(cluster.address, book, tmp_path / "out.csv", build=build_and_die)


def build_and_die(config: ScoreConfig, root: Path) -> PairScorer:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def test_another_precision_is_refused(cluster: Any, book: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="would give other scores: precision was fp32, now bf16"):
        score_on(cluster.address, book, tmp_path / "out.csv", build=build_in_another_precision)


def build_in_another_precision(config: ScoreConfig, root: Path) -> PairScorer:
    scorer = SlowBuild()(config, root)
    encoder: Any = scorer.encoder
    provenance = replace(encoder.provenance, precision="bf16")
    kind = type(encoder)
    scorer.encoder = type("Other", (kind,), {"provenance": provenance})(SlowBuild())
    return scorer


def test_without_a_cluster_it_starts_here_and_ends(book: Path, whole: str, tmp_path: Path) -> None:
    import ray

    output = tmp_path / "out.csv"
    score_on(None, book, output, build=SlowBuild(0.0))
    assert sha256(output) == whole
    assert not ray.is_initialized()
    assert "HTTP_PROXY" not in os.environ


def test_a_worker_that_can_never_fit_is_refused_at_once(book: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no worker fits into this machine: each asks for 4096"):
        score_on(None, book, tmp_path / "out.csv", num_cpus_per_worker=4096)


@pytest.mark.cloud
def test_everything_in_a_bucket(s3: S3, tmp_path: Path) -> None:
    """Workers read the table and its pictures where they lie, not the driver's copy."""
    table = write_storybook(tmp_path / "set", num_pairs=60, seed=4, side=32).table
    score_file(configure(), table, output_path=tmp_path / "out.csv", build=SlowBuild(0.0))
    s3.make_bucket("ray")
    s3.put_folder("ray", "set", table.parent)
    s3.put("ray", "out.csv.pairsift/.probe-0a1b", b"of a driver that was killed")
    there, output = Path(f"s3://ray/set/{table.name}"), Path("s3://ray/out.csv")
    summary = score_on(None, there, output, build=SlowBuild(0.0), run={"shard_rows": 10})
    assert (summary.num_shards, summary.num_failed) == (6, 0)
    assert s3.read("ray", "out.csv") == (tmp_path / "out.csv").read_bytes()
    assert s3.keys("ray", "out.csv.pairsift/attempts") == []


def test_no_cluster_at_an_address(book: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no Ray cluster answers at 127\.0\.0\.1:9"):
        score_on("127.0.0.1:9", book, tmp_path / "out.csv")
