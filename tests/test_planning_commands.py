"""`pairsift plan` from the command line, on drawn pairs and the model that comes with it."""

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest

from pairsift.cli import run
from pairsift.planning import measuring
from pairsift.storybook.writing import write_storybook

MODEL = ["--model", "storybook-small", "--sample-seconds", "0.2"]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("book")
    faults = "broken-image=0.1"
    return write_storybook(folder, num_pairs=300, seed=3, faults=faults).table


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files, to see whether it is left as it was."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_the_plan_for_people(
    table: Path, scratch: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(path.name for path in table.parent.iterdir())
    wish = ["--pairs", "100M", "--machines", "8", "--price-per-hour", "0.5"]
    assert run(["plan", str(table), *MODEL, *wish]) == 0
    told = capsys.readouterr().out
    assert "100,000,000 pairs: " in told
    assert "8 machines like it" in told
    assert "equal files under different names: unknown" in " ".join(told.split())
    assert "the limit" in told
    assert sorted(path.name for path in table.parent.iterdir()) == before
    assert list(scratch.iterdir()) == []


def test_the_plan_for_machines(
    table: Path, scratch: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["plan", str(table), *MODEL, "--json", "--gpus", "2", "--gpu-rate", "4000"]) == 0
    plain: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert plain["pairs"] == plain["columns"]["num_rows"] == 300
    assert set(plain) == {
        "format_version", "table", "pairs", "durations", "relative_error", "limiting",
        "pairs_per_second", "row_seconds", "row_work", "memory_bytes", "disk_bytes", "embeddings",
        "read_bytes", "is_network", "processors_for_gpus", "failed_share", "columns", "sample",
        "machine", "job", "advice",
    }  # fmt: skip
    here, gpus = plain["durations"]
    assert here["low"] < here["seconds"] < here["high"]
    assert here["cost"] is None
    assert gpus["what"] == "2 GPUs at 4,000 pairs/s in this machine"
    assert set(plain["disk_bytes"]) == {"scores", "table", "all", "sample", "none", "total"}
    assert plain["columns"]["content_duplicates"] is None
    assert plain["columns"]["distinct_references"] == pytest.approx(300, rel=0.03)
    assert sum(plain["sample"]["counts"].values()) == plain["sample"]["rows"] >= 250
    assert 0.0 < plain["failed_share"] < 0.3
    # Broken files are read, and not encoded.
    assert plain["row_work"]["images"] < plain["row_work"]["reads"]
    assert plain["machine"]["provenance"]["model"] == "storybook-small"
    assert plain["memory_bytes"] > 50_000_000
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("suffix", ["jsonl", "parquet", "webdataset"])
def test_every_format_can_be_planned(
    suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = write_storybook(tmp_path / "set", num_pairs=40, seed=1, table_format=suffix)
    assert run(["plan", str(drawn.table), *MODEL, "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert plain["sample"]["counts"] == {"ok": 40}
    is_scanned = plain["columns"]["scanned_rows"] == 40
    assert is_scanned == (suffix != "webdataset")  # a tar holds its images
    assert plain["disk_bytes"]["table"] > 0


def test_one_row_is_enough(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drawn = write_storybook(tmp_path / "set", num_pairs=1, seed=1)
    assert run(["plan", str(drawn.table), *MODEL]) == 0
    assert "1 pair: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "arguments", "words"),
    [
        (None, [], "no such table"),
        ("image,caption\n", [], "has no rows: nothing can be measured"),
        ("image,caption\na.jpg,x\n", ["--pairs", "lots"], "give 100M, 1.5B or 51"),
        ("picture_path,words\na.jpg,x\n", [], "--image-column"),
        ("image,caption,similarity\na.jpg,x,1\n", [], "similarity"),
        ("image,caption\na.jpg,x\n", ["--model", "nothing-like-it"], "nothing-like-it"),
    ],
)
def test_wrong_usage_is_one_line(
    content: str | None,
    arguments: list[str],
    words: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "pairs.csv"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    assert run(["plan", str(path), *MODEL, *arguments]) == 2
    told = capsys.readouterr().err
    assert words in told
    assert "Traceback" not in told


def test_nothing_but_failures_is_planned_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("image,caption\n" + "missing.jpg,words\n" * 50, encoding="utf-8")
    assert run(["plan", str(path), *MODEL, "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert plain["failed_share"] == 1.0
    assert any("image_not_found" in sentence for sentence in plain["advice"])


def test_an_interrupt_leaves_nothing(
    table: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        assert list(scratch.iterdir())  # the temporary run is there
        raise KeyboardInterrupt

    monkeypatch.setattr(measuring, "rewrite_pieces", interrupt)
    assert run(["plan", str(table), *MODEL]) == 130
    assert list(scratch.iterdir()) == []
