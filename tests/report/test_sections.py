"""The sections with numbers: distribution, categories, pairs, signs."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pairsift import open_run
from pairsift.config import ReportConfig
from pairsift.report.examples import choose_examples
from pairsift.report.grouping import categories_section
from pairsift.report.material import Material
from pairsift.report.overview import tiles
from pairsift.report.spread import distribution_section
from pairsift.report.worth_a_look import choose_signs
from tests.curation.runs import run_of
from tests.curation.worlds import make_world
from tests.report.scored import score_folder


@pytest.fixture
def material(tmp_path: Path, make_table: Callable[..., Path]) -> Material:
    captions = ["x" * (60 + index) for index in range(40)]  # some longer than 64 bytes
    return Material(open_run(score_folder(make_table(captions), tmp_path / "run")), ReportConfig())


def test_the_cut_keeps_what_it_says(material: Material) -> None:
    cut = material.cut
    assert cut is not None
    assert cut.num_kept == 12  # 30 % of 39, rounded up
    assert cut.similarity == material.rows.similarities[cut.keep].min()
    section = distribution_section(material)
    assert "keeps 12 pairs (31 % of the scored)" in section.findings[0]
    assert "mismatched pairs" in section.body.text


def test_best_and_worst_are_the_ends(material: Material) -> None:
    examples = choose_examples(material)
    values = material.rows.similarities
    assert values[examples.worst[0]] == np.nanmin(values)
    assert values[examples.best[0]] == np.nanmax(values)
    assert len(set(examples.best) | set(examples.worst)) == 20
    cut = material.cut
    assert cut is not None
    assert cut.keep[examples.above].all()
    assert not cut.keep[examples.below].any()
    assert values[examples.above[0]] == cut.similarity


def test_categories_are_found_by_their_usual_name(material: Material) -> None:
    section = categories_section(material)
    assert section.title == "By category"
    assert all(f"kind {index}" in section.body.text for index in range(3))


def test_signs_are_counted_and_usual_ones_not_shown(material: Material) -> None:
    chosen = {entry.sign.name: entry for entry in choose_signs(material)}
    truncated = chosen["caption_truncated"]
    assert truncated.sign.rows == 34  # of 65 letters and more, the last row failed
    assert truncated.places == []  # more than half of all: not worth single rows
    assert chosen["image_small"].sign.rate == 1.0
    assert chosen["negative_similarity"].places


def test_few_pairs_do_not_stand_out_from_fewer(tmp_path: Path) -> None:
    material = Material(run_of(tmp_path, make_world(9, seed=1)), ReportConfig())
    section = distribution_section(material)
    assert "mismatched pairs can be made of this data: too few" in section.findings[1]
    assert len(section.findings) == 2
    assert "look like mismatches" not in tiles(material).text
