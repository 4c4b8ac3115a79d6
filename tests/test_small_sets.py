"""Few rows, one, none that could be scored, no embeddings: every command has a sensible answer."""

import csv
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pairsift.cli import run
from tests.curation.scenes import draw

SETS = {"none": 0, "one": 1, "seven": 7, "failed": 12, "bare": 40}
COMMANDS: dict[str, list[str]] = {
    "threshold": ["threshold"],
    "threshold by": ["threshold", "--rule", "similarity>=0.1", "--by", "category", "-o", "OUT.csv"],
    "calibrate": ["calibrate", "-o", "OUT.parquet"],
    "audit": ["audit", "--groups", "category", "--pixels"],
    "balance": ["balance", "--by", "category", "-o", "OUT.csv"],
    "curate": ["curate"],
    "curate and export": [
        *("curate", "-o", "OUT", "--export", "input", "--export", "parquet"),
        *("--export", "webdataset", "--export", "datacomp"),
    ],
    "mismatches": ["mismatches", "--fix", "swaps,shift", "-o", "OUT.csv"],
    "duplicates": ["duplicates", "--all-captions"],
    "duplicates by bytes": ["duplicates", "--exact-only"],
    "report": ["report", "-o", "OUT.html"],
}
ANSWERS: dict[tuple[str, str], str] = {
    ("threshold", "failed"): "nothing was scored",
    ("threshold", "bare"): "there are no embeddings of two unlike pairs",
    ("threshold", "seven"): "keeps 3 of 7 scored rows",
    ("calibrate", "failed"): "nothing to calibrate",
    ("audit", "failed"): "no scored row has a group",
    ("audit", "one"): "no groups to compare",
    ("balance", "failed"): "nothing to draw from",
    ("balance", "none"): "nothing to draw from",
    ("curate", "one"): "keeps 1 of 1 rows",
    ("curate", "failed"): "keeps 0 of 12 rows",
    ("curate", "bare"): "keeps 12 of 40 rows",
    ("mismatches", "one"): "1 pair has embeddings, fewer",
    ("mismatches", "seven"): "7 pairs have embeddings, fewer",
    ("mismatches", "failed"): "no pair has embeddings",
    ("mismatches", "bare"): "score with --embeddings all",
    ("duplicates", "failed"): "12 rows, 0 of them compared by their looks",
}


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sets, each in a folder of its own."""
    folder = tmp_path_factory.mktemp("sets")
    pictures = draw(max(SETS.values()))
    for name, num in SETS.items():
        (folder / name).mkdir()
        with (folder / name / "pairs.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["image", "caption", "category"])
            for row in range(num):
                writer.writerow([f"{row}.png", f"a drawing of thing {row}", "ab"[row % 2]])
                if name != "failed":
                    pictures[row].save(folder / name / f"{row}.png")
        more = ["--embeddings", "none"] if name == "bare" else []
        paths = [str(folder / name / "pairs.csv"), "-o", str(folder / name / "out.csv")]
        assert run(["score", *paths, "--runtime", "fake", *more]) == 0
    return folder


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_an_answer(
    command: str,
    name: str,
    scored: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    verb, *rest = (word.replace("OUT", str(tmp_path / "out")) for word in COMMANDS[command])
    assert run([verb, str(scored / name / "out.csv"), *rest]) == 0
    told = capsys.readouterr()
    words = " ".join((told.out + told.err).split())
    assert ANSWERS.get((command, name), "") in words
    assert "nan" not in words.replace("instan", "")
    if command == "curate and export":
        kept = pq.read_table(tmp_path / "out" / "parquet" / "pairs.parquet").num_rows
        assert kept == {"none": 0, "one": 1, "seven": 3, "failed": 0, "bare": 12}[name]


@pytest.mark.parametrize("name", ["one", "bare"])
def test_what_cannot_be_is_one_line(
    name: str, scored: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = str(scored / name / "out.csv")
    assert run(["threshold", table, "--rule", "fdr:1%"]) == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1
    assert "embeddings of at least two unlike pairs" in told[0]


def test_the_negative_clip_loss_needs_no_files(
    scored: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, code in (("none", 0), ("one", 0), ("seven", 0), ("failed", 0), ("bare", 2)):
        table = str(scored / name / "out.csv")
        assert run(["threshold", table, "--score", "negative-clip-loss"]) == code
    assert len(capsys.readouterr().err.splitlines()) == 1
