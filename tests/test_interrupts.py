"""Signals to a real process: the first ends it in order, the second at once."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pairsift import open_run
from tests.bad_inputs import encoded, picture

NUM_ROWS = 400
SHARD_ROWS = 20

# Rows come slowly, so that a signal finds the job at work.
SLOWLY = """
import sys, time
from pairsift.encoders.fake import FakeEncoder
real = FakeEncoder.prepare_captions
FakeEncoder.prepare_captions = lambda self, texts: time.sleep(0.05) or real(self, texts)
from pairsift.cli import main
sys.argv[0] = "pairsift"
"""
HANGS_ON_THE_WAY_OUT = (
    SLOWLY
    + """
from pairsift.engines.committing import Committer
Committer.finish = lambda self: time.sleep(60)
"""
)
WITHOUT_NAME_SERVER = (
    SLOWLY
    + """
import socket
socket.getaddrinfo = lambda *_, **__: time.sleep(60)
"""
)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    for seed in range(5):
        (tmp_path / f"{seed}.png").write_bytes(encoded(picture(seed), "PNG"))
    path = tmp_path / "pairs.csv"
    lines = [f"{row % 5}.png,caption number {row}" for row in range(NUM_ROWS)]
    path.write_text("image,caption\n" + "\n".join(lines) + "\n")
    return path


def start(program: str, table: Path, *options: str) -> "subprocess.Popen[str]":
    command = ["score", str(table), "-o", str(table.with_name("out.csv")), "--runtime", "fake"]
    command += ["--shard-rows", str(SHARD_ROWS), *options]
    return subprocess.Popen(
        [sys.executable, "-c", program + "\nmain()", *command],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for(table: Path, pattern: str) -> None:
    folder = table.with_name("out.csv.pairsift")
    end = time.monotonic() + 30
    while not list(folder.glob(pattern)):
        assert time.monotonic() < end
        time.sleep(0.005)


def check_that_it_goes_on(table: Path) -> None:
    run = [sys.executable, "-m", "pairsift", "score", str(table), "--runtime", "fake"]
    for name in ("out.csv", "whole.csv"):
        command = [*run, "-o", str(table.with_name(name)), "--shard-rows", str(SHARD_ROWS)]
        subprocess.run(command, check=True, capture_output=True)
    assert table.with_name("out.csv").read_bytes() == table.with_name("whole.csv").read_bytes()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_keeps_what_is_finished(table: Path, number: int, code: int) -> None:
    process = start(SLOWLY, table)
    wait_for(table, "commits/*.json")
    os.kill(process.pid, number)
    told = process.communicate(timeout=20)[1]
    assert process.returncode == code
    found = re.search(r"([\d,]+) rows are kept in .*; go on with:\n  (pairsift .*)\n", told)
    assert found is not None, told
    run = open_run(table.with_name("out.csv.pairsift"), allow_partial=True)
    assert int(found[1]) == run.num_rows
    assert 0 < run.num_rows < NUM_ROWS
    assert run.num_rows % SHARD_ROWS == 0
    assert "--shard-rows 20" in found[2]
    assert "Traceback" not in told
    folder = table.parent
    assert not [path for path in folder.rglob("*") if path.name.endswith(".part")]
    assert not list((folder / "out.csv.pairsift/attempts").iterdir())
    check_that_it_goes_on(table)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_second_does_not_wait(table: Path, number: int, code: int) -> None:
    process = start(HANGS_ON_THE_WAY_OUT, table)
    wait_for(table, "commits/*.json")
    os.kill(process.pid, number)
    time.sleep(0.5)
    assert process.poll() is None
    os.kill(process.pid, number)
    begin = time.monotonic()
    told = process.communicate(timeout=20)[1]
    assert time.monotonic() - begin < 5
    assert process.returncode == code
    assert told.strip().splitlines()[-1].startswith("ended at once; the same command goes on")
    assert "Traceback" not in told
    check_that_it_goes_on(table)


def test_a_dead_name_server_keeps_nobody(tmp_path: Path) -> None:
    table = tmp_path / "pairs.csv"
    urls = [f"http://host{row}.example/a.jpg,a caption" for row in range(50)]
    table.write_text("image,caption\n" + "\n".join(urls) + "\n")
    process = start(WITHOUT_NAME_SERVER, table, "--allow-urls")
    wait_for(table, "attempts/*.json")
    time.sleep(1)
    os.kill(process.pid, signal.SIGINT)
    begin = time.monotonic()
    told = process.communicate(timeout=50)[1]
    assert process.returncode == 130
    assert "go on with" in told
    assert time.monotonic() - begin < 15  # and not the minute that a look-up takes here


def test_what_ignores_ctrl_c_goes_on_ignoring_it(table: Path) -> None:
    ignoring = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    process = start(ignoring + SLOWLY, table)
    wait_for(table, "commits/*.json")
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 0
