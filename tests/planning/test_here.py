"""What this machine gives, and not what its parents had."""

import os
import subprocess
import sys

import numpy as np

from pairsift.planning.here import peak_bytes, processors


def test_processors_are_those_of_this_process() -> None:
    assert 1 <= processors() <= (os.cpu_count() or 1)


def test_memory_that_was_given_back_counts() -> None:
    before = peak_bytes()
    np.ones(before + (64 << 20), dtype=np.uint8)
    assert peak_bytes() >= before + (64 << 20)


def test_the_memory_of_a_parent_does_not_count() -> None:
    """A large program that calls ``pairsift plan`` must not make its workers large."""
    ballast = np.ones(192 << 20, dtype=np.uint8)
    code = "from pairsift.planning.here import peak_bytes; print(peak_bytes())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ballast.all()
    assert int(done.stdout) < 96 << 20
