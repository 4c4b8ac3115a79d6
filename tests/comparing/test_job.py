"""Two built-in models on a drawn table, and every way to ask for what cannot be."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pairsift.cli import run
from pairsift.comparing import job
from pairsift.comparing.candidates import Candidate
from pairsift.comparing.job import find_reference, list_candidates
from pairsift.comparing.samples import SampleFiles
from pairsift.config import ScoreConfig
from pairsift.errors import UsageError
from pairsift.quantizing.folders import check_place
from pairsift.storybook.writing import write_storybook

MEASURED = ("pairs_per_second", "peak_bytes", "setup_seconds", "is_on_front")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("compare") / "book"
    write_storybook(folder, num_pairs=130, seed=5, faults="swap=0.1,broken-image=0.05")
    return str(folder / "pairs.csv")


def compare(capsys: pytest.CaptureFixture[str], table: str, *more: str) -> dict[str, Any]:
    arguments = ["models", "compare", table, "--models", "storybook,storybook-small", "--json"]
    assert run([*arguments, "--pairs", "60", *more]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_seed_gives_the_same_figures_and_a_plot(
    table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plot = tmp_path / "front.png"
    first = compare(capsys, table, "--precisions", "fp32", "-o", str(plot))
    again = compare(capsys, table, "--precisions", "fp32")
    figures: list[dict[str, Any]] = first["figures"]
    assert [one["name"] for one in figures] == ["storybook fp32", "storybook-small fp32"]
    for one, other in zip(figures, again["figures"], strict=True):
        assert one["pairs_per_second"] > 0
        assert 50e6 < one["peak_bytes"] < 4e9
        for name in MEASURED:
            del one[name], other[name]
        assert one == other
    assert figures[0]["auc"] > 0.9
    assert 0.2 < figures[1]["spearman"] < 1.0
    assert first["num_pairs"] == 60
    with Image.open(plot) as picture:
        assert picture.width > 800


@pytest.mark.quantize
def test_int8_is_made_of_rows_that_are_not_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_storybook(tmp_path / "book", num_pairs=420, seed=9)
    arguments = ["models", "compare", str(tmp_path / "book" / "pairs.csv"), "--json"]
    models = ["--models", "storybook-small", "--precisions", "fp32,int8", "--pairs", "60"]
    assert run([*arguments, *models]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["left_out"] == {}
    exact, whole = found["figures"]
    assert (exact["precision"], whole["precision"]) == ("fp32", "int8")
    assert whole["name"] == "storybook-small int8"
    assert 0.9 < whole["spearman"] < 1.0
    assert found["num_pairs"] == 60


def test_a_candidate_that_cannot_run_is_left_out(
    table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken").mkdir()
    arguments = ["models", "compare", table, "--pairs", "60", "--precisions", "fp32"]
    broken = str(tmp_path / "broken")
    assert run([*arguments, "--models", f"storybook-small,{broken}"]) == 0
    told = capsys.readouterr().out
    assert "broken fp32 is left out" in told
    assert "no config.json" in " ".join(told.split())
    assert run([*arguments, "--models", f"{broken},storybook-small"]) == 1


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--models", "storybook", "--precisions", "int4"], "unknown precision 'int4'"),
        (["--models", "storybook,storybook"], "each model and each precision once"),
        (["--models", "storybook", "--reference", "other"], "none of the models: storybook"),
        (["--models", "storybook", "--rule", "best"], "cannot read the rule"),
        (["--models", "storybook", "-o", "plot.gif"], ".png or .svg"),
    ],
)
def test_what_cannot_be_is_one_line(
    more: list[str], words: str, table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["models", "compare", table, *more]) == 2
    assert words in capsys.readouterr().err


def test_the_most_exact_precision_is_the_reference() -> None:
    candidates = list_candidates(["a", "b"], "int8,bf16,fp32")
    assert find_reference(candidates, None) == Candidate("a", "fp32")
    assert find_reference(list_candidates(["a", "b"], "int8,bf16"), "b") == Candidate("b", "bf16")


def test_int8_of_two_folders_of_one_name_are_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places: list[Path] = []

    def make(_model: str, _reserve: Path, to: Path, **_: object) -> dict[str, Any]:
        check_place(to)
        (to / "towers").touch()
        places.append(to)
        return {"failed": []}

    def refuse(*_: object, **__: object) -> None:
        raise UsageError("far enough")

    monkeypatch.setattr(job, "make_int8", make)
    monkeypatch.setattr(job, "measure_candidate", refuse)
    files = SampleFiles(tmp_path / "c", tmp_path / "r", num_compared=1, num_rows=1, failures={})
    for model in ("a/model", "b/model"):
        with pytest.raises(UsageError, match="far enough"):
            job._measure(Candidate(model, "int8"), files, ScoreConfig())
    assert len(set(places)) == 2
