"""Killed, out of space, inputs gone: what is finished stays, and one line says the rest."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from pairsift import open_run
from pairsift.build import build_scorer
from pairsift.config import ModelConfig, RunConfig, ScoreConfig
from pairsift.engines.local import run_folder, score_file
from pairsift.errors import JobError
from pairsift.job import Progress
from tests.bad_inputs import encoded, picture

NUM_ROWS = 600
SHARD_ROWS = 40

WITH_LITTLE_SPACE = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
from pairsift.cli import run
sys.exit(run(sys.argv[2:]))
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    for seed in range(5):
        (tmp_path / f"{seed}.png").write_bytes(encoded(picture(seed), "PNG"))
    path = tmp_path / "pairs.csv"
    lines = [f"{row % 5}.png,caption number {row}" for row in range(NUM_ROWS)]
    path.write_text("image,caption\n" + "\n".join(lines) + "\n")
    return path


def command(table: Path, output: Path) -> list[str]:
    options = ["--runtime", "fake", "--shard-rows", str(SHARD_ROWS)]
    return ["score", str(table), "-o", str(output), *options]


def test_killed_at_any_moment_it_goes_on(table: Path) -> None:
    whole, output = table.with_name("whole.csv"), table.with_name("out.csv")
    run = [sys.executable, "-m", "pairsift"]
    subprocess.run([*run, *command(table, whole)], check=True, capture_output=True)
    generator = np.random.default_rng(7)
    commits = run_folder(output) / "commits"
    for _ in range(3):
        process = subprocess.Popen(
            [*run, *command(table, output)], stderr=subprocess.DEVNULL, start_new_session=True
        )
        before = len(list(commits.glob("*.json")))
        while len(list(commits.glob("*.json"))) == before and process.poll() is None:
            time.sleep(0.002)
        time.sleep(generator.uniform(0, 0.05))
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    subprocess.run([*run, *command(table, output)], check=True, capture_output=True)
    assert output.read_bytes() == whole.read_bytes()
    assert open_run(output).num_rows == NUM_ROWS
    # What a killed process had half written is swept once it is a minute old.
    marks = [path.name for path in (run_folder(output) / "attempts").iterdir()]
    assert [name for name in marks if not name.startswith(".")] == []


def test_without_space_what_is_finished_stays(table: Path) -> None:
    output, whole = table.with_name("out.csv"), table.with_name("whole.csv")
    # Shards are smaller than this, the table is not.
    limited = [sys.executable, "-c", WITH_LITTLE_SPACE, "20000", *command(table, output)]
    done = subprocess.run(limited, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    lines = done.stderr.strip().splitlines()
    assert lines[-1].startswith("error: no space left while writing")
    assert "the same command resumes" in lines[-1]
    assert "Traceback" not in done.stderr
    assert not output.exists()
    assert open_run(run_folder(output), allow_partial=True).num_rows == NUM_ROWS
    again = [sys.executable, "-m", "pairsift"]
    subprocess.run([*again, *command(table, output)], check=True, capture_output=True)
    subprocess.run([*again, *command(table, whole)], check=True, capture_output=True)
    assert output.read_bytes() == whole.read_bytes()


def test_without_space_for_a_shard(table: Path) -> None:
    limited = [sys.executable, "-c", WITH_LITTLE_SPACE, "3000"]
    output = table.with_name("out.csv")
    done = subprocess.run(
        [*limited, *command(table, output)], check=False, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "no space left" in done.stderr.strip().splitlines()[-1]
    assert not list(run_folder(output).glob("commits/*.json"))


def test_an_input_that_vanishes_is_one_clear_line(table: Path) -> None:
    output = table.with_name("out.csv")

    def take_away(progress: Progress) -> None:
        if progress.rows_done >= NUM_ROWS - SHARD_ROWS:
            table.unlink(missing_ok=True)

    config = ScoreConfig(model=ModelConfig(runtime="fake"), run=RunConfig(shard_rows=SHARD_ROWS))
    with pytest.raises(JobError, match=r"pairs\.csv.*what was finished stays"):
        score_file(config, table, output_path=output, build=build_scorer, on_progress=take_away)
    assert not output.exists()
    assert open_run(run_folder(output), allow_partial=True).num_rows >= NUM_ROWS - SHARD_ROWS


def test_two_processes_share_one_run(table: Path) -> None:
    whole, output = table.with_name("whole.csv"), table.with_name("out.csv")
    run = [sys.executable, "-m", "pairsift"]
    subprocess.run([*run, *command(table, whole)], check=True, capture_output=True)
    both = [
        subprocess.Popen([*run, *command(table, output)], stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    told = [process.communicate()[1] for process in both]
    # One that comes last may find its own table, and another's, already there.
    assert [process.returncode for process in both] == [0, 0], told
    assert output.read_bytes() == whole.read_bytes()
    assert open_run(output).num_rows == NUM_ROWS
    assert not list((run_folder(output) / "attempts").iterdir())


def test_a_full_disk(table: Path, tmp_path: Path) -> None:
    """A disk of 160 kB; what was finished on it goes on when it is larger."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=160k", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk")
    run = [sys.executable, "-m", "pairsift"]
    output, whole = disk / "out.csv", tmp_path / "whole.csv"
    try:
        done = subprocess.run(
            [*run, *command(table, output)], check=False, capture_output=True, text=True
        )
        assert done.returncode == 1
        last = done.stderr.strip().splitlines()[-1]
        assert last.startswith("error: no space left")
        assert "the same command resumes" in last
        assert "Traceback" not in done.stderr
        kept = open_run(run_folder(output), allow_partial=True).num_rows
        assert 0 < kept < NUM_ROWS
        assert not output.exists()
        assert not [path for path in disk.rglob("*") if path.name.endswith(".part")]
        larger = ["mount", "-o", "remount,size=8m", str(disk)]
        subprocess.run(larger, check=True, capture_output=True)
        again = subprocess.run(
            [*run, *command(table, output)], check=True, capture_output=True, text=True
        )
        assert f"({kept:,} rows) were finished already" in again.stderr
        subprocess.run([*run, *command(table, whole)], check=True, capture_output=True)
        assert output.read_bytes() == whole.read_bytes()
    finally:
        subprocess.run(["umount", str(disk)], check=True)
