"""Runs in a bucket are curated like those in a folder; what is made of them is written here."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pairsift import open_run, score_file
from pairsift.cli import run as pairsift
from pairsift.config import ModelConfig, RunConfig, ScoreConfig
from pairsift.storybook.writing import write_storybook
from tests.s3_server import S3

NUM_PAIRS = 120


@pytest.fixture
def runs(tmp_path: Path, s3: S3) -> tuple[str, str]:
    """The same set scored here, and in a bucket."""
    folder = tmp_path / "set"
    write_storybook(folder, num_pairs=NUM_PAIRS, seed=1, table_format="parquet", side=32)
    s3.make_bucket("runs")
    s3.put_folder("runs", "set", folder)
    config = ScoreConfig(model=ModelConfig(runtime="fake"), run=RunConfig(shard_rows=40, run=None))
    score_file(folder / "pairs.parquet", folder / "out.parquet", config=config)
    there = "s3://runs/set/out.parquet"
    for key in s3.keys("runs", "set/out.parquet.pairsift"):
        s3.delete("runs", key)
    s3.delete("runs", "set/out.parquet")
    score_file("s3://runs/set/pairs.parquet", there, config=config)
    return str(folder / "out.parquet"), there


@pytest.mark.cloud
def test_it_is_read_like_one_in_a_folder(runs: tuple[str, str]) -> None:
    here, there = map(open_run, runs)
    assert there.scores().equals(here.scores())
    assert there.counts == here.counts
    assert (there.histogram().counts == here.histogram().counts).all()
    for one, other in zip(here.embeddings(), there.embeddings(), strict=True):
        assert (one.images == other.images).all()
        assert (one.captions == other.captions).all()
    files = there.score_files()
    assert sum(pq.read_metadata(path).num_rows for path in files) == NUM_PAIRS
    assert list(there.table(["caption"])) == list(here.table(["caption"]))


@pytest.mark.cloud
def test_every_command_reads_it(tmp_path: Path, runs: tuple[str, str]) -> None:
    kept = []
    for name, run in zip(("here", "there"), runs, strict=True):
        place = tmp_path / name
        place.mkdir()
        assert pairsift(["threshold", run, "-o", str(place / "kept.parquet")]) == 0
        assert pairsift(["audit", run]) == 0
        assert pairsift(["mismatches", run]) == 0
        assert pairsift(["duplicates", run]) == 0
        more = ["--export", "webdataset", "--export", "input"]
        assert pairsift(["curate", run, "-o", str(place / "curated"), *more]) == 0
        assert pairsift(["report", run, "-o", str(place / "report.html")]) == 0
        kept.append(
            [
                pq.read_table(place / "kept.parquet"),
                pq.read_table(place / "curated" / "decisions.parquet"),
                (place / "curated" / "webdataset" / "00000.tar").read_bytes(),
            ]
        )
    assert kept[0] == kept[1]
    report = (tmp_path / "there" / "report.html").read_text(encoding="utf-8")
    assert "no longer where it was" not in report
    assert "data:image/webp" in report
    # What the searches found is kept in the run.
    store = open_run(runs[1]).store
    assert store.names("derived") == open_run(runs[0]).store.names("derived")


@pytest.mark.cloud
def test_a_report_says_that_the_table_changed(
    tmp_path: Path, s3: S3, runs: tuple[str, str]
) -> None:
    report = tmp_path / "report.html"
    s3.put("runs", "set/pairs.parquet", s3.read("runs", "set/pairs.parquet"))
    assert pairsift(["report", runs[1], "-o", str(report)]) == 0
    assert "has changed since" not in report.read_text(encoding="utf-8")  # the same bytes
    part = tmp_path / "part.parquet"
    pq.write_table(pq.read_table(tmp_path / "set" / "pairs.parquet").slice(0, 100), part)
    s3.put("runs", "set/pairs.parquet", part)
    assert pairsift(["report", runs[1], "-o", str(report)]) == 0
    assert "has changed since" in report.read_text(encoding="utf-8")
    s3.delete("runs", "set/pairs.parquet")
    assert pairsift(["report", runs[1], "-o", str(report)]) == 0
    assert "no longer where it was" in report.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "command",
    [
        ["threshold", "-o", "s3://runs/kept.parquet"],
        ["curate", "-o", "s3://runs/curated"],
        ["report", "-o", "s3://runs/report.html"],
        ["mismatches", "--fix", "swaps", "-o", "s3://runs/fixed.csv"],
    ],
)
def test_nothing_but_scores_is_written_there(
    tmp_path: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "pairs.csv"
    table.write_text("image,caption\na.jpg,a\nb.jpg,b\n")
    config = ScoreConfig(model=ModelConfig(runtime="fake"))
    score_file(table, tmp_path / "out.csv", config=config)
    name, *more = command
    assert pairsift([name, str(tmp_path / "out.csv"), *more]) == 2
    assert "is in an object store, where only `score` writes" in capsys.readouterr().err
