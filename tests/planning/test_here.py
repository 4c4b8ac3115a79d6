"""What this machine gives, and not what its parents had."""

import os
import subprocess
import sys

import numpy as np

from pairsift.planning.here import processors


def test_processors_are_those_of_this_process() -> None:
    assert 1 <= processors() <= (os.cpu_count() or 1)


def peak_of(code: str) -> int:
    """Return the peak that a fresh interpreter tells after running some code."""
    program = f"{code}\nfrom pairsift.planning.here import peak_bytes; print(peak_bytes())"
    command = [sys.executable, "-c", program]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_memory_that_was_given_back_counts() -> None:
    assert peak_of("bytearray(b'x') * (96 << 20)") >= peak_of("") + (90 << 20)


def test_the_memory_of_a_parent_does_not_count() -> None:
    """A large program that calls ``pairsift plan`` must not make its workers large."""
    ballast = np.ones(192 << 20, dtype=np.uint8)
    peak = peak_of("")
    assert ballast.all()
    assert 1 << 20 < peak < 96 << 20
