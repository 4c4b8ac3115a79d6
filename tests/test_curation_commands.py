"""`pairsift threshold` on small runs."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from pairsift.cli import run
from tests.curation.runs import run_of
from tests.curation.worlds import make_world


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(run_of(tmp_path / "set", make_world(300, seed=1, swapped=0.1)).location)


def test_the_threshold_for_people(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["threshold", str(folder)]) == 0
    told = capsys.readouterr().out
    assert "top:30% by similarity: keeps 90 of 300 scored rows (30.0%)" in told
    assert "just above the cut" in told
    assert "just below the cut" in told
    assert "p-values end at 1.1e-05" in told
    assert "look mismatched" in told
    assert "public thresholds" not in told


def test_the_threshold_for_machines(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["threshold", str(folder), "--rule", "fdr:1%", "--by", "category", "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert (plain["rule"], plain["by"], plain["scored"]) == ("fdr:1%", "category", 300)
    assert [group["name"] for group in plain["groups"]] == ["animals", "food", "sky"]
    floors = plain["calibration"]["p_value_floor"], plain["calibration"]["largest_p_value_floor"]
    assert floors[0] < floors[1]
    assert run(["threshold", str(folder), "--by", "category"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert f"end at {floors[0]:.1e}, in the smallest group at {floors[1]:.1e}" in told


def test_decisions_are_written_and_not_overwritten(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "keep.parquet"
    assert run(["threshold", str(folder), "-o", str(output)]) == 0
    assert pq.read_table(output)["keep"].to_pylist().count(True) == 90
    capsys.readouterr()
    assert run(["threshold", str(folder), "-o", str(output)]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert run(["threshold", str(folder), "-o", str(output), "--overwrite"]) == 0


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["--rule", "best:30%"], "rules look like top:30%"),
        (["--by", "theme"], "available: image, caption, category"),
        (["--rule", "fdr:1%", "--score", "negative-clip-loss"], "only top:…"),
    ],
)
def test_wrong_usage_is_one_line(
    folder: Path, arguments: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["threshold", str(folder), *arguments]) == 2
    told = capsys.readouterr().err
    assert hint in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize("num", [0, 1, 9])
def test_few_rows(num: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(run_of(tmp_path / "set", make_world(num, seed=1)).location)
    assert run(["threshold", str(folder)]) == 0
    told = capsys.readouterr().out
    assert f"of {num} scored rows" in told
    assert ("no embeddings" in told) == (num == 1)
    assert ("too few pairs to say how many look mismatched" in told) == (num == 9)


def test_all_rows_failed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    failed = np.ones(12, dtype=bool)
    folder = Path(run_of(tmp_path / "set", make_world(12, seed=1), failed=failed).location)
    assert run(["threshold", str(folder)]) == 0
    assert "nothing was scored" in capsys.readouterr().out


def test_the_audit_for_people_and_for_machines(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["audit", str(folder), "--rule", "top:50%", "--groups", "category"]
    assert run(arguments) == 0
    told = capsys.readouterr().out
    assert "top:50% by similarity: keeps 150 of 300 scored rows" in told
    assert "groups have a keep rate unlike the rest's" in told
    assert "category: animals" in told
    assert "balance over category: 3 groups" in told
    assert "worth a look" in told
    assert run([*arguments, "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert plain["kept"] == 150
    assert {line["group"] for line in plain["lines"]} >= {"animals", "food", "sky"}


def test_the_audit_of_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(run_of(tmp_path / "set", make_world(0, seed=1)).location)
    assert run(["audit", str(folder)]) == 0
    assert "no groups to compare" in capsys.readouterr().out


def test_curate_shows_before_it_writes(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["curate", str(folder)]) == 0
    told = capsys.readouterr().out
    assert "keeps 83 of 300 rows" in told
    assert "threshold keep=top:30%" in told
    assert "groups have a keep rate unlike the rest's" in told
    assert "written" not in told
    output = tmp_path / "out"
    assert run(["curate", str(folder), "-o", str(output), "--export", "parquet"]) == 0
    told = capsys.readouterr().out
    assert "written to" in told
    assert "parquet    83 rows" in told
    assert pq.read_table(output / "decisions.parquet")["keep"].to_pylist().count(True) == 83
    assert pq.read_table(output / "parquet" / "pairs.parquet").num_rows == 83
    assert run(["curate", str(folder), "-o", str(output)]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert run(["curate", str(folder), "-o", str(output), "--overwrite"]) == 0


def test_a_printed_recipe_can_be_given_back(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["curate", "--print-recipe"]) == 0
    text = capsys.readouterr().out
    path = tmp_path / "recipe.toml"
    path.write_text(text.replace("top:30%", "top:10%"), encoding="utf-8")
    arguments = ["curate", str(folder), "--recipe", str(path), "--json"]
    assert run(arguments) == 0
    told = capsys.readouterr()
    plain = json.loads(told.out)
    assert plain["recipe"]["rule"][-1]["keep"] == "top:10%"
    assert plain["kept"] == 28
    assert "keeps 28 of 300 rows" in told.err


@pytest.mark.parametrize(
    ("arguments", "recipe", "hint"),
    [
        ([], "", "no rules"),
        ([], '[[rule]]\nkind = "where"\nwhere = "hight > 1"', "available: image, caption, cat"),
        ([], '[[rule]]\nkind = "where"\nwhere = "(SELECT 1) > 0"', "subquery is not accepted"),
        (["--export", "parquet"], None, "--output"),
        (["--export", "excel", "-o", "out"], None, "accepted: input, parquet"),
        (["--recipe", "missing.toml"], None, "cannot read the recipe missing.toml"),
    ],
)
def test_wrong_use_of_curate_is_one_line(
    folder: Path,
    tmp_path: Path,
    arguments: list[str],
    recipe: str | None,
    hint: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if recipe is not None:
        (tmp_path / "recipe.toml").write_text(recipe, encoding="utf-8")
        arguments = [*arguments, "--recipe", str(tmp_path / "recipe.toml")]
    assert run(["curate", str(folder), *arguments]) == 2
    told = capsys.readouterr().err
    assert hint in told
    assert len(told.splitlines()) == 1
    assert run(["curate"]) == 2
    assert "name the run folder" in capsys.readouterr().err


@pytest.mark.parametrize("num", [0, 1, 9])
def test_curate_few_rows(num: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(run_of(tmp_path / "set", make_world(num, seed=1)).location)
    exports = ["--export", "input", "--export", "datacomp", "-o", str(tmp_path / "out")]
    assert run(["curate", str(folder), *exports]) == 0
    assert f"of {num} rows" in capsys.readouterr().out


def test_many_groups_are_not_all_printed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["threshold", str(folder), "--by", "caption"]) == 0
    told = capsys.readouterr().out
    assert "the largest of 300 groups (--json shows all)" in told
    assert len(told.splitlines()) < 100
    assert run(["audit", str(folder), "--languages", "50"]) == 0
    assert "languages are those of 50 captions chosen at random" in capsys.readouterr().out
