"""A candidate in its own process: its rows, its figures, and how it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pairsift.comparing.candidates import Candidate, in_new_process, measure_candidate
from pairsift.comparing.samples import write_sample
from pairsift.config import CompareConfig, ModelConfig, ScoreConfig
from pairsift.encoders.fake import FakeEncoder
from pairsift.errors import JobError, UsageError
from tests.comparing.made_up import write_pairs

CONFIG = ScoreConfig(model=ModelConfig(runtime="fake"))
WAIT_FOR_EVER = """
import sys
from tests.comparing.test_candidates import wait_for_ever
from pairsift.comparing.candidates import in_new_process
if __name__ == "__main__":
    in_new_process(wait_for_ever, sys.argv[1])
"""


def test_it_has_the_rows_of_its_own_sample(tmp_path: Path) -> None:
    table = write_pairs(tmp_path / "set", 70)
    compare = CompareConfig(pairs=60)
    files = write_sample(table, tmp_path, config=CONFIG, compare=compare, with_int8=False)
    found = measure_candidate(Candidate("models/made-up", "fp32"), files.compared, config=CONFIG)
    assert str(found.candidate) == "made-up fp32"
    assert found.images.shape == found.captions.shape == (60, FakeEncoder().width)
    assert np.allclose(found.similarities, (found.images * found.captions).sum(axis=1))
    assert len(np.unique(found.captions, axis=0)) == 60
    assert 1 <= found.passes <= 5
    assert found.pairs_per_second > 0
    assert 30e6 < found.peak_bytes < 2e9
    assert found.provenance["runtime"].startswith("fake")


def test_a_process_that_ends_is_told() -> None:
    with pytest.raises(JobError, match="ended with 7"):
        in_new_process(_end)
    with pytest.raises(JobError, match="KeyError: 'reason'"):
        in_new_process(_raise)
    with pytest.raises(UsageError, match="mine"):
        in_new_process(_refuse)


def test_an_interrupt_leaves_no_process(tmp_path: Path) -> None:
    program, mark = tmp_path / "program.py", tmp_path / "pid"
    program.write_text(WAIT_FOR_EVER)
    path = os.pathsep.join(entry for entry in sys.path if entry)
    environment = {**os.environ, "PYTHONPATH": path}
    parent = subprocess.Popen(
        [sys.executable, str(program), str(mark)], env=environment, stderr=subprocess.PIPE
    )
    while parent.poll() is None and not (mark.exists() and mark.read_text()):
        time.sleep(0.02)
    child = int(mark.read_text())
    os.kill(child, signal.SIGINT)  # as a terminal sends it to both
    parent.send_signal(signal.SIGINT)
    told = parent.communicate(timeout=60)[1]
    assert parent.returncode == -signal.SIGINT
    assert told.count(b"Traceback") == 1  # the parent's; the command line has none
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def wait_for_ever(mark: str) -> dict[str, Any]:
    Path(mark).write_text(str(os.getpid()))
    time.sleep(600)
    return {}


def _end() -> dict[str, Any]:
    os._exit(7)


def _raise() -> dict[str, Any]:
    raise KeyError("reason")


def _refuse() -> dict[str, Any]:
    raise UsageError("mine")
