"""``pairsift balance`` and ``pairsift calibrate`` on the command line."""

import json
from pathlib import Path

import numpy as np
import pyarrow.csv as pc_csv
import pyarrow.parquet as pq
import pytest

from pairsift.cli import run
from tests.curation.runs import run_of
from tests.curation.worlds import make_world


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(run_of(tmp_path / "set", make_world(300, seed=1)).location)


def test_balance_shows_and_writes(
    folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "drawn.csv"
    more = ["--by", "category", "--size", "400", "--max-repeats", "2", "-o", str(output)]
    assert run(["balance", folder, *more]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "400 rows drawn over category" in told
    assert "warning: rows are repeated up to 2 times; in DataComp's Table 13" in told
    assert sum(pc_csv.read_csv(output)["repeats"].to_pylist()) == 400
    assert run(["balance", folder, *more]) == 2
    assert "--overwrite" in capsys.readouterr().err


def test_balance_says_what_is_missed(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["balance", folder, "--by", "category", "--size", "301"]) == 0
    assert "1 rows fewer than wanted" in capsys.readouterr().out
    more = ["--by", "category", "--target", "food=0.9, sky=0.1", "--size", "200"]
    assert run(["balance", folder, *more]) == 0
    assert "off their target by more than 2%: food, sky" in capsys.readouterr().out
    assert run(["balance", folder, *more, "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert (plain["size"], plain["drawn"], plain["most_repeats"]) == (200, 200, 1)


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ([], "either --by COLUMN or --categories"),
        (["--by", "theme"], "available: image, caption, category"),
        (["--by", "category", "--target", "cats=1"], "categories: animals, food, sky"),
        (["--by", "category", "-o", "drawn.xlsx"], ".parquet or .csv"),
    ],
)
def test_wrong_use_is_one_line(
    folder: str, arguments: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["balance", folder, *arguments]) == 2
    told = capsys.readouterr().err
    assert hint in told
    assert len(told.splitlines()) == 1


def test_calibrate_shows_and_writes(
    folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "calibrated.parquet"
    assert run(["calibrate", folder, "-o", str(output)]) == 0
    told = capsys.readouterr().out
    assert "300 of 300 rows have a similarity" in told
    assert "p-values end at" in told
    assert pq.read_table(output)["match_probability"].null_count == 0
    assert run(["calibrate", folder, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scored"] == 300


def test_a_category_without_rows_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    no_sky = np.arange(60) % 3 == 2
    place = str(run_of(tmp_path / "set", make_world(60, seed=1), failed=no_sky).location)
    more = ["--by", "category", "--target", "food=1, sky=1"]
    assert run(["balance", place, *more]) == 0
    assert "no row is drawn: sky has none" in capsys.readouterr().out
    assert run(["balance", place, *more, "--size", "10"]) == 0
    told = capsys.readouterr().out
    assert "no row is drawn" not in told
    assert "off their target by more than 2%: food, sky" in told
