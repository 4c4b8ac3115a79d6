"""The command line: exit codes, streams, and what a person reads when it goes wrong."""

import csv
import io
import json
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer.main
from PIL import Image

from pairsift import __version__, api
from pairsift.api import score_file
from pairsift.cli import app, run
from pairsift.measures import MEASURES
from pairsift.runs.status import look_at

HEAVY = ("numpy", "pyarrow", "openvino", "torch", "PIL", "tokenizers", "huggingface_hub")
FAKE = ("--runtime", "fake")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Three sound pairs and one whose picture is missing."""
    for name, colour in (("a", "red"), ("b", "blue"), ("c", "green")):
        Image.new("RGB", (40, 30), colour).save(tmp_path / f"{name}.png")
    path = tmp_path / "pairs.csv"
    path.write_text("image,caption\na.png,red\nb.png,blue\nc.png,green\nd.png,gone\n")
    return path


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def command_names(group: object, prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = [prefix]
    for name, command in getattr(group, "commands", {}).items():
        found += command_names(command, (*prefix, name))
    return found


COMMANDS = command_names(typer.main.get_command(app))


def test_no_help_loads_a_heavy_library() -> None:
    program = f"""
import contextlib, io, sys
from pairsift.cli import run
for command in {COMMANDS!r}:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert run([*command, "--help"]) == 0, command
    assert "Usage: pairsift" in out.getvalue(), command
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"pairsift {__version__}\n"


def test_scoring_writes_the_table_and_tells_the_rest_on_stderr(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = table.with_name("scored.csv")
    assert run(["score", str(table), "-o", str(output), *FAKE]) == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert "3 of 4 pairs scored, 1 failed" in told.err
    rows = list(csv.DictReader(io.StringIO(output.read_text())))
    assert [row["similarity_status"] for row in rows] == ["ok"] * 3 + ["image_not_found"]


def test_data_to_standard_output_and_nothing_else(table: Path) -> None:
    command = [sys.executable, "-m", "pairsift", "score", str(table), "-o", "-", *FAKE]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith("image,caption,similarity")
    assert len(lines) == 5
    assert "3 of 4 pairs scored" in done.stderr


@pytest.mark.parametrize(("allowed", "code"), [(None, 0), (1, 0), (0, 3)])
def test_more_failures_than_allowed(
    table: Path, allowed: int | None, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    output = table.with_name("scored.csv")
    limit = [] if allowed is None else ["--max-failed", str(allowed)]
    assert run(["score", str(table), "-o", str(output), *FAKE, *limit]) == code
    assert output.exists()
    assert ("--max-failed allows 0" in capsys.readouterr().err) == (code == 3)


WRONG: dict[str, tuple[list[str], str]] = {
    "no such table": (["score", "nothing.csv", "-o", "out.csv", *FAKE], "nothing.csv"),
    "no such column": (
        ["score", "pairs.csv", "-o", "out.csv", "--image-column", "img", *FAKE],
        "available: image, caption",
    ),
    "unknown model": (
        ["score", "pairs.csv", "-o", "out.csv", "--model", "clip-vit-base-patch23"],
        "clip-vit-base-patch32",
    ),
    "unknown measure": (
        ["score", "pairs.csv", "-o", "out.csv", "--measure", "cosin", *FAKE],
        "did you mean cosine?",
    ),
    "UTF-16": (["score", "wide.csv", "-o", "out.csv", *FAKE], "UTF-16"),
    "unknown suffix": (["score", "pairs.xlsx", "-o", "out.csv", *FAKE], "pairs.xlsx"),
    "no folder for the output": (["score", "pairs.csv", "-o", "no/out.csv", *FAKE], "no"),
    "output exists": (["score", "pairs.csv", "-o", "pairs2.csv", *FAKE], "--overwrite"),
    "output is the input": (
        ["score", "pairs.csv", "-o", "pairs.csv", "--overwrite", *FAKE],
        "the input itself",
    ),
    "unknown device": (
        ["score", "pairs.csv", "-o", "out.csv", "--device", "gpu0"],
        "cuda:N",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_usage_is_one_clear_line_and_exit_code_2(
    case: str,
    table: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(table.parent)
    Path("wide.csv").write_text("image,caption\na.png,red\n", encoding="utf-16")
    Path("pairs.xlsx").write_text("image,caption\na.png,red\n")
    Path("pairs2.csv").write_text("precious")
    before = names_in(table.parent)
    arguments, words = WRONG[case]
    assert run(arguments) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.splitlines()) == 1
    assert told.err.startswith("error: ")
    assert words in told.err
    assert names_in(table.parent) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["score"],
        ["score", "pairs.csv"],
        ["score", "a.csv", "-o", "b.csv", "--limit", "-1"],
        ["score", "a.csv", "-o", "b.csv", "--precision", "fp64"],
        ["sing"],
        ["models", "sing"],
        ["measures", "--loud"],
    ],
)
def test_what_cannot_be_parsed_is_exit_code_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    assert "Usage: pairsift" in capsys.readouterr().err


def test_an_unwritable_output_is_exit_code_2(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # A file where a folder should be cannot be written into, not even by root.
    output = table / "scored.csv"
    assert run(["score", str(table), "-o", str(output), *FAKE]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("output", ["out.csv", "out/"])
def test_the_run_folder_is_named_however_the_output_was_typed(
    table: Path,
    output: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(table.parent)
    Path("out").mkdir()

    def interrupted(*arguments: Any, **options: Any) -> None:
        score_file(*arguments, **options)
        raise SystemExit(143)

    monkeypatch.setattr(api, "score_file", interrupted)
    assert run(["score", "pairs.csv", "-o", output, *FAKE]) == 143
    told = capsys.readouterr().err
    assert f"4 rows are kept in {output.rstrip('/')}.pairsift; go on with:" in told


def wait_for(condition: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "terminate"]
)
def test_an_interrupted_job_keeps_what_is_finished_and_says_how_to_go_on(
    table: Path, sent: signal.Signals, code: int
) -> None:
    long = table.with_name("long.csv")
    long.write_text("image,caption\n" + "a.png,red\nmissing.png,red\n" * 200_000)
    output = table.with_name("out.csv")
    typed = ["score", str(long), "-o", str(output), *FAKE, "--overwrite"]
    command = [sys.executable, "-m", "pairsift", *typed]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    commits = table.with_name("out.csv.pairsift") / "commits"
    wait_for(lambda: list(commits.glob("*.json")) or process.poll() is not None)
    process.send_signal(sent)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, "")
    assert err.splitlines()[-1] == "interrupted; files are written whole or not at all"
    assert "Traceback" not in err
    assert err.splitlines()[-2].strip() == shlex.join(["pairsift", *typed[:-1]])
    kept = len(list(commits.glob("*.json")))
    assert kept >= 1
    assert not output.exists()
    assert not list((commits.parent / "attempts").iterdir())
    state = look_at(commits.parent)
    assert (state.state, state.rows_done) == ("stopped", 4096 * kept)


def test_status_for_people_and_for_machines(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = table.with_name("scored.csv")
    assert run(["score", str(table), "-o", str(output), *FAKE]) == 0
    capsys.readouterr()
    assert run(["status", str(output)]) == 0
    told = capsys.readouterr().out
    for words in ("finished", "4 of 4 done, 1 failed", "image_not_found", "cosine of fake"):
        assert words in told
    assert run(["status", str(output), "--json"]) == 0
    state = json.loads(capsys.readouterr().out)
    assert (state["state"], state["rows_done"], state["failed"]) == ("finished", 4, 1)
    assert run(["status", str(table.parent)]) == 2
    assert "not a run folder" in capsys.readouterr().err


def test_the_same_command_again_has_nothing_to_do(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["score", str(table), "-o", str(table.with_name("scored.csv")), *FAKE]
    assert run(arguments) == 0
    assert "nothing to do" not in capsys.readouterr().err
    assert run(arguments) == 0
    assert "nothing to do" in capsys.readouterr().err
    assert run([*arguments, "--measure", "euclidean"]) == 2
    assert "measure was cosine, now euclidean" in capsys.readouterr().err


def test_a_reader_that_goes_away_is_no_traceback(table: Path) -> None:
    long = table.with_name("long.csv")
    long.write_text("image,caption\n" + "missing.png,red\n" * 50_000)
    command = [sys.executable, "-m", "pairsift", "score", str(long), "-o", "-", *FAKE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read().decode()
    assert process.returncode == 1
    assert "Traceback" not in err
    assert "BrokenPipe" not in err


def test_measures_for_people_and_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["measures"]) == 0
    told = capsys.readouterr().out
    assert all(name in told for name in MEASURES)
    assert run(["measures", "--json"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == list(MEASURES)


def test_a_storybook_set_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "book"
    arguments = ["storybook", str(folder), "--pairs", "40", "--seed", "5", "--faults", "swap=0.1"]
    assert run(arguments) == 0
    assert "40 pairs" in capsys.readouterr().err
    assert (folder / "pairs.csv").read_text().startswith("image,caption,category\n")
    truth = list(csv.DictReader(io.StringIO((folder / "truth.csv").read_text())))
    assert sum(row["fault"] == "swap" for row in truth) == 4
    assert run(arguments) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert run([*arguments, "--overwrite"]) == 0


EXPECTED = {
    "": "ok",
    "10000 words": "ok",
    "emoji": "ok",
    "right to left": "ok",
    "one pixel": "ok",
    "cmyk": "ok",
    "16 bit": "ok",
    "animated": "ok",
    "empty": "caption_empty",
    "whitespace": "caption_empty",
    "invalid utf-8": "caption_invalid",
    "nul": "caption_invalid",
    "too many cells": "row_malformed",
    "too few cells": "row_malformed",
    "missing": "image_not_found",
    "directory": "image_not_a_file",
    "text": "image_unsupported",
    "svg": "image_unsupported",
    "truncated": "image_corrupt",
    "huge header": "image_too_large",
    "outside": "image_outside_root",
}


def test_every_planted_breakage_gets_its_status(tmp_path: Path) -> None:
    book, sound = tmp_path / "book", tmp_path / "sound"
    numbers = ["--pairs", "110", "--seed", "9"]
    faults = "broken-image=0.2,broken-caption=0.2"
    assert run(["storybook", str(book), *numbers, "--faults", faults]) == 0
    assert run(["storybook", str(sound), *numbers]) == 0
    for folder in (book, sound):
        output = str(folder / "scored.csv")
        assert run(["score", str(folder / "pairs.csv"), "-o", output, *FAKE]) == 0
    scored, clean = (
        list(csv.reader((folder / "scored.csv").read_text(errors="replace").splitlines()))[1:]
        for folder in (book, sound)
    )
    truth = list(csv.DictReader((book / "truth.csv").read_text().splitlines()))
    seen = set()
    for fact, cells, sound_cells in zip(truth, scored, clean, strict=True):
        wanted = EXPECTED[fact["detail"]]
        if (fact["fault"], fact["detail"]) == ("broken-image", "empty"):
            wanted = "image_empty"
        assert cells[-2] == wanted, fact
        assert (cells[-3] == "") == (wanted != "ok")
        seen.add(fact["detail"])
        if not fact["fault"]:
            assert cells[-3] == sound_cells[-3]  # to the last digit
    assert seen == set(EXPECTED)


def test_an_unknown_fault_is_wrong_usage(tmp_path: Path) -> None:
    assert run(["storybook", str(tmp_path / "book"), "--faults", "swop=0.1"]) == 2
