"""Table, pictures, run folder and output in a bucket: the same bytes, whatever is killed."""

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pairsift import open_run, score_file
from pairsift.cli import run as pairsift
from pairsift.config import ModelConfig, OutputConfig, RunConfig, ScoreConfig, SourceConfig
from pairsift.errors import MissingExtraError, OutputExistsError, RunFolderError
from pairsift.runs.layout import COMMITS
from pairsift.storybook.writing import write_storybook
from tests.s3_server import S3

NUM_PAIRS = 240
SHARD_ROWS = 12
COMMAND = [sys.executable, "-m", "pairsift"]
OPTIONS = ["--runtime", "fake", "--shard-rows", str(SHARD_ROWS)]
CONFIG = ScoreConfig(model=ModelConfig(runtime="fake"), run=RunConfig(shard_rows=SHARD_ROWS))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "set"
    write_storybook(folder, num_pairs=NUM_PAIRS, seed=4, table_format="parquet", side=32)
    return folder


@pytest.fixture
def place(s3: S3, folder: Path) -> str:
    """A folder of a bucket with the set; of its two tables one has addresses for references."""
    s3.make_bucket("data")
    name = uuid.uuid4().hex
    s3.put_folder("data", name, folder)
    table = pq.read_table(folder / "pairs.parquet")
    addresses = [f"s3://data/{name}/{path}" for path in table["image"].to_pylist()]
    pq.write_table(table.set_column(0, "image", pa.array(addresses)), folder / "addresses.parquet")
    s3.put("data", f"{name}/elsewhere/addresses.parquet", folder / "addresses.parquet")
    return f"s3://data/{name}"


def key_of(address: str) -> str:
    return address.removeprefix("s3://data/")


def kill_at(command: list[str], s3: S3, commits: str, *, after: int) -> None:
    """Run a command, and kill it when there are so many commits more than before."""
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    before = len(s3.keys("data", commits))
    while process.poll() is None and len(s3.keys("data", commits)) < before + after:
        time.sleep(0.01)
    assert process.poll() is None, "it came to its end before it was killed"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.cloud
def test_killed_and_resumed_it_is_the_same(s3: S3, folder: Path, place: str) -> None:
    whole = folder / "whole.parquet"
    table, output = f"{place}/elsewhere/addresses.parquet", f"{place}/out.parquet"
    more = [*OPTIONS, "--allow-bucket", "s3://data"]
    subprocess.run(
        [*COMMAND, "score", str(folder / "addresses.parquet"), "-o", str(whole), *more],
        check=True,
        capture_output=True,
    )
    command = [*COMMAND, "score", table, "-o", output, *more]
    commits = f"{key_of(output)}.pairsift/{COMMITS}"
    kill_at(command, s3, commits, after=3)
    assert key_of(output) not in s3.keys("data", key_of(place))
    kill_at(command, s3, commits, after=5)
    partial = open_run(output, allow_partial=True)
    assert 0 < partial.num_rows < NUM_PAIRS
    with pytest.raises(RunFolderError, match="the same command again resumes it"):
        open_run(output)
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert f"{partial.num_rows:,} " in done.stderr  # rows that were there already
    assert s3.read("data", key_of(output)) == whole.read_bytes()
    assert open_run(output).num_rows == NUM_PAIRS
    assert s3.keys("data", f"{key_of(output)}.pairsift/attempts") == []
    again = subprocess.run(command, check=True, capture_output=True, text=True)
    assert "nothing to do" in again.stderr


@pytest.mark.cloud
def test_two_processes_share_one_run(s3: S3, folder: Path, place: str) -> None:
    whole, output = folder / "whole.csv", f"{place}/out.csv"
    local = [*COMMAND, "score", str(folder / "pairs.parquet"), "-o", str(whole), *OPTIONS]
    subprocess.run(local, check=True, capture_output=True)
    command = [*COMMAND, "score", f"{place}/pairs.parquet", "-o", output, *OPTIONS]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    told = [process.communicate()[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert s3.read("data", key_of(output)) == whole.read_bytes()
    run = open_run(output)
    assert run.num_rows == NUM_PAIRS
    assert len(run.commits) == NUM_PAIRS // SHARD_ROWS


@pytest.mark.cloud
def test_each_part_may_lie_elsewhere(s3: S3, folder: Path, place: str) -> None:
    whole = score_file(folder / "pairs.parquet", folder / "whole.csv", config=CONFIG)
    expected = (folder / "whole.csv").read_bytes()
    assert whole.num_failed == 0
    # Run in the bucket, the rest here.
    there = ScoreConfig(
        model=CONFIG.model, run=RunConfig(run=f"{place}/run", shard_rows=SHARD_ROWS)
    )
    score_file(folder / "pairs.parquet", folder / "a.csv", config=there)
    assert (folder / "a.csv").read_bytes() == expected
    assert open_run(f"{place}/run").location == f"{place}/run"
    # Output in the bucket, the rest here.
    here = ScoreConfig(
        model=CONFIG.model, run=RunConfig(run=str(folder / "run"), shard_rows=SHARD_ROWS)
    )
    score_file(folder / "pairs.parquet", f"{place}/b.csv", config=here)
    assert s3.read("data", key_of(f"{place}/b.csv")) == expected
    assert s3.keys("data", key_of(f"{place}/b.csv.pairsift")) == []
    # Input in the bucket, the rest here.
    summary = score_file(f"{place}/pairs.parquet", folder / "c.csv", config=CONFIG)
    assert (folder / "c.csv").read_bytes() == expected
    assert summary.input == f"{place}/pairs.parquet"
    run = open_run(folder / "c.csv")
    assert run.info["inputs"][0]["path"] == f"{place}/pairs.parquet"
    assert "etag" in run.info["inputs"][0]
    assert sum(batch.num_rows for batch in run.table(["caption"])) == NUM_PAIRS


@pytest.mark.cloud
def test_many_tables_into_a_folder_of_outputs(s3: S3, folder: Path, place: str) -> None:
    table = pq.read_table(folder / "pairs.parquet")
    for at in range(3):
        pq.write_table(table.slice(80 * at, 80), folder / "part.parquet")
        s3.put("data", key_of(f"{place}/parts/{at}.parquet"), folder / "part.parquet")
    config = ScoreConfig(
        model=CONFIG.model, run=CONFIG.run, source=SourceConfig(allow_bucket=("s3://data",))
    )
    summary = score_file(f"{place}/parts", f"{place}/scored", config=config)
    assert summary.num_failed == 80 * 3  # relative to the folder of the parts there are none
    assert s3.keys("data", key_of(f"{place}/scored")) == [
        key_of(f"{place}/scored/{name}")
        for name in ("0.parquet", "1.parquet", "2.parquet", "_SUCCESS")
    ]
    whole = score_file(f"{place}/parts/[0-9].parquet", f"{place}/all.csv", config=config)
    assert whole.num_rows == NUM_PAIRS


@pytest.mark.cloud
def test_an_output_that_is_there_is_kept(s3: S3, place: str) -> None:
    output = f"{place}/mine.csv"
    s3.put("data", key_of(output), b"precious")
    with pytest.raises(OutputExistsError, match=r"s3://data/.*mine\.csv exists already"):
        score_file(f"{place}/pairs.parquet", output, config=CONFIG)
    with pytest.raises(OutputExistsError, match="is the input itself"):
        score_file(f"{place}/pairs.parquet", f"{place}/pairs.parquet", config=CONFIG)
    assert s3.read("data", key_of(output)) == b"precious"
    overwriting = ScoreConfig(
        model=CONFIG.model, run=CONFIG.run, output=OutputConfig(overwrite=True)
    )
    score_file(f"{place}/pairs.parquet", output, config=overwriting)
    assert s3.read("data", key_of(output)).startswith(b"image,caption")
    # What the run itself wrote is known again; what somebody changed is not.
    assert score_file(f"{place}/pairs.parquet", output, config=CONFIG).note is not None
    s3.put("data", key_of(output), b"changed")
    with pytest.raises(OutputExistsError, match="is not what the run in s3://data/"):
        score_file(f"{place}/pairs.parquet", output, config=CONFIG)


@pytest.mark.cloud
def test_a_changed_input_is_noticed(
    s3: S3, folder: Path, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    table, output = f"{place}/pairs.parquet", f"{place}/out.csv"
    assert pairsift(["score", table, "-o", output, *OPTIONS]) == 0
    rows = pq.read_table(folder / "pairs.parquet")
    captions = pa.array([f"other {n}" for n in range(NUM_PAIRS)])
    pq.write_table(rows.set_column(1, "caption", captions), folder / "pairs.parquet")
    s3.put("data", key_of(table), folder / "pairs.parquet")
    assert pairsift(["score", table, "-o", output, *OPTIONS]) == 1
    assert f"error: {table} changed since rows 1 to 12 were scored" in last_line(capsys)


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    told = capsys.readouterr().err
    assert "Traceback" not in told
    return " ".join(told[told.index("error: ") :].split())


@pytest.mark.cloud
def test_what_is_not_there_is_one_line(
    folder: Path, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    local = str(folder / "pairs.parquet")
    cases = {
        (f"{place}/none.csv", f"{place}/x.csv"): (2, "no such table"),
        (f"{place}/images", f"{place}/x.csv"): (2, "holds no table"),
        (f"{place}/*.csv.gz", f"{place}/x.csv"): (2, "no object matches"),
        (f"{place}/{{0..1}}.csv", f"{place}/x.csv"): (2, "2 of 2 objects"),
        ("s3://absent/a.csv", f"{place}/x.csv"): (1, "s3://absent: no such bucket"),
        (local, "s3://absent/x.csv"): (1, "s3://absent: no such bucket"),
        (local, "s3://data"): (2, "name an object in it"),
        (local, "ftp://host/x.csv"): (2, "no such folder: ftp:"),
        ("http://host/a.csv", str(folder / "x.csv")): (2, "no such table: http:"),
    }
    for (table, output), (code, words) in cases.items():
        assert pairsift(["score", table, "-o", output, *OPTIONS]) == code, (table, output)
        assert words in last_line(capsys), (table, output)
    assert pairsift(["status", f"{place}/none"]) == 2
    assert "is not a run folder" in last_line(capsys)


@pytest.mark.cloud
def test_a_dead_store_is_one_line_and_nothing_is_lost(
    place: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pairsift.objects.MAX_RETRIES", 1)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert pairsift(["score", f"{place}/pairs.parquet", "-o", f"{place}/x.csv", *OPTIONS]) == 1
    line = last_line(capsys)
    assert place in line
    assert len(line) < 400
    assert pairsift(["status", f"{place}/x.csv"]) == 1
    assert place in last_line(capsys)


def test_offline_opens_no_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_arguments: object) -> None:
        raise AssertionError

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setitem(sys.modules, "obstore", None)  # whose sockets are not Python's
    table = tmp_path / "pairs.csv"
    table.write_text("image,caption\na.jpg,a\n")
    far, near = "s3://data/pairs.csv", str(tmp_path / "out.csv")
    for arguments in (
        [far, "-o", near],
        [str(table), "-o", far],
        [str(table), "-o", near, "--run", "gs://data/run"],
        [str(table), "-o", near, "--image-root", "az://data/images"],
    ):
        assert pairsift(["score", *arguments, "--offline", *OPTIONS]) == 1
        assert "--offline opens no socket, and" in last_line(capsys)


def test_the_missing_extra_names_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    (tmp_path / "pairs.csv").write_text("image,caption\na.jpg,a\n")
    far, near = "s3://data/pairs.csv", str(tmp_path / "pairs.csv")
    for arguments in (
        ["score", far, "-o", str(tmp_path / "out.csv")],
        ["score", near, "-o", far],
        ["score", near, "-o", str(tmp_path / "out.csv"), "--run", far],
        ["score", near, "-o", str(tmp_path / "out.csv"), "--image-root", "s3://data"],
        ["status", far],
    ):
        options = [] if arguments[0] == "status" else OPTIONS
        assert pairsift([*arguments, *options]) == 1, arguments
        assert 'obstore is not installed: pip install "pairsift[cloud]"' in last_line(capsys)
    with pytest.raises(MissingExtraError):
        open_run(far)
