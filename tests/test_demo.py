"""The demo, with the fake encoder: the story is right whatever the scores are."""

import csv
import io
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console

from pairsift.config import ModelConfig, ScoreConfig
from pairsift.demo import NUM_PAIRS, rank_pairs, read_pairs, run_demo
from pairsift.errors import OutputExistsError
from pairsift.statuses import RowStatus

FAKE = ScoreConfig(model=ModelConfig(model="storybook", runtime="fake"))


def told_demo(folder: Path) -> str:
    out = io.StringIO()
    run_demo(folder, config=FAKE, console=Console(file=out, width=80), seed=7)
    return out.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "demo"


@pytest.fixture(scope="module")
def story(folder: Path) -> str:
    return told_demo(folder)


def test_it_leaves_a_table_the_truth_and_a_picture(folder: Path, story: str) -> None:
    assert "Drew 300 pictures" in story
    rows = list(csv.DictReader(io.StringIO((folder / "scored.csv").read_text(encoding="utf-8"))))
    assert len(rows) == NUM_PAIRS
    with Image.open(folder / "contact-sheet.png") as sheet:
        assert sheet.width > 1000
        assert sheet.height > 800


def test_the_truth_is_laid_beside_the_scores(folder: Path, story: str) -> None:
    pairs = read_pairs(folder / "scored.csv", folder / "truth.csv")
    planted = [pair for pair in pairs if pair.fault]
    assert len(planted) == 27
    for pair in pairs:
        assert (pair.similarity is None) == (pair.status is not RowStatus.OK)
        if pair.status is not RowStatus.OK:
            assert pair.fault == "broken-image"
    ranked = rank_pairs(pairs)
    worst = ranked[:10]
    among = sum(1 for pair in worst if pair.fault)
    assert f"{among} of these 10 were planted" in story
    for pair in worst:
        assert f"{pair.similarity:.3f}" in story


def test_no_line_is_wider_than_a_terminal(story: str) -> None:
    # A path may be longer than the line; nothing else may.
    own = [line.rstrip() for line in story.splitlines() if "demo" not in line]
    assert [line for line in own if len(line) > 80] == []


@pytest.mark.usefixtures("story")
def test_a_second_demo_replaces_the_first(folder: Path) -> None:
    first = (folder / "scored.csv").read_bytes()
    told_demo(folder)
    assert (folder / "scored.csv").read_bytes() == first


def test_a_folder_that_is_no_demo_is_left_alone(tmp_path: Path) -> None:
    precious = tmp_path / "truth.csv"
    precious.write_text("mine")
    with pytest.raises(OutputExistsError, match="no demo"):
        told_demo(tmp_path)
    assert precious.read_text() == "mine"
