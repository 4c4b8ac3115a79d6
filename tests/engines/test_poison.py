"""Images that end or stop the process cost their own row, and no other."""

import csv
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from pairsift.build import build_scorer
from pairsift.config import ImageConfig, ModelConfig, RunConfig, ScoreConfig
from pairsift.engines.local import run_folder, score_file
from pairsift.images import DecodedImage, decode_image
from tests.bad_inputs import encoded, picture

CRASH = b"crash"
HANG = b"hang"

PROGRAM = """
import sys
from pathlib import Path
from tests.engines.test_poison import score
score(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def treacherous(data: bytes) -> DecodedImage:
    if data == CRASH:
        os.kill(os.getpid(), signal.SIGSEGV)
    if data == HANG:
        time.sleep(600)
    return decode_image(data, ImageConfig(), target=32)


def score(table: Path, output: Path) -> None:
    config = ScoreConfig(
        model=ModelConfig(runtime="fake"), run=RunConfig(shard_rows=8, row_deadline_seconds=2)
    )
    build = partial(build_scorer, decode=treacherous)
    score_file(config, table, output_path=output, build=build)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    for seed in range(5):
        (tmp_path / f"{seed}.png").write_bytes(encoded(picture(seed), "PNG"))
    (tmp_path / "crash.png").write_bytes(CRASH)
    (tmp_path / "hang.png").write_bytes(HANG)
    return tmp_path / "pairs.csv"


def write_rows(table: Path, poison: dict[int, str]) -> None:
    lines = [f"{poison.get(row, row % 5)}.png,caption {row}" for row in range(24)]
    table.write_text("image,caption\n" + "\n".join(lines) + "\n")


def statuses(path: Path) -> dict[int, str]:
    with path.open(newline="") as file:
        found = [row["similarity_status"] for row in csv.DictReader(file)]
    assert len(found) == 24
    return {row: status for row, status in enumerate(found) if status != "ok"}


def test_a_decoder_that_hangs_costs_its_row(table: Path) -> None:
    write_rows(table, {10: "hang"})
    score(table, table.with_name("out.csv"))
    # One that was waited for would be no picture.
    assert statuses(table.with_name("out.csv")) == {10: "image_timeout"}


def test_a_decoder_that_crashes_costs_its_row_at_the_third_attempt(table: Path) -> None:
    write_rows(table, {10: "crash", 21: "hang"})
    output = table.with_name("out.csv")
    command = [sys.executable, "-c", PROGRAM, str(table), str(output)]
    path = os.pathsep.join(entry for entry in sys.path if entry)
    codes = []
    for _ in range(3):
        done = subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": path})
        codes.append(done.returncode)
    assert codes == [-signal.SIGSEGV, -signal.SIGSEGV, 0]
    assert statuses(output) == {10: "image_crashed", 21: "image_timeout"}
    assert not list((run_folder(output) / "attempts").iterdir())
