"""Wrong pairs are shown with their evidence."""

from pathlib import Path

import numpy as np
import pytest

from pairsift import open_run
from pairsift.config import ReportConfig
from pairsift.curation.searching import search_mismatches
from pairsift.report import findings
from pairsift.report.findings import WrongPairs, choose_wrong_pairs
from pairsift.report.material import Material
from pairsift.report.pictures import load_pairs
from pairsift.report.wrong_pairs import wrong_pairs_section
from tests.report.large import write_large_run
from tests.report.reading import Page, read_page

NUM_ROWS = 400


@pytest.fixture
def material(tmp_path: Path) -> Material:
    """Rows 10 and 20 have each other's caption; captions 101 to 120 stand one row too high."""
    order = np.arange(NUM_ROWS)
    order[[10, 20]] = order[[20, 10]]
    order[100:120] = order[101:121]
    order[120] = 100
    run = write_large_run(
        tmp_path, num_rows=NUM_ROWS, generator=np.random.default_rng(1), order=order, noise=0.3
    )
    return Material(open_run(run), ReportConfig())


def section_of(material: Material) -> tuple[Page, tuple[str, ...]]:
    found = choose_wrong_pairs(material)
    shown = load_pairs(material.run, material.rows, found.places.values(), keys=material.image_keys)
    section = wrong_pairs_section(found, shown)
    return read_page(section.body.text), section.findings


def test_a_swap_and_a_shift_are_told(material: Material) -> None:
    page, findings = section_of(material)
    headings = [element.text for element in page.named("h4")]
    assert "Row 11 and row 21 have changed captions" in headings
    assert any("belong to the row below" in heading for heading in headings)
    assert "1 shifted block" in findings[0]
    assert "1 swap" in findings[0]


def test_both_captions_of_a_swap_are_proposed(material: Material) -> None:
    page, _ = section_of(material)
    swaps = [e.text for e in page.named("bdi") if e.text in ("caption 10", "caption 20")]
    assert sorted(swaps) == ["caption 10"] * 2 + ["caption 20"] * 2


def test_nothing_is_wrong(tmp_path: Path) -> None:
    run = write_large_run(tmp_path, num_rows=60, generator=np.random.default_rng(1), noise=0.3)
    page, findings = section_of(Material(open_run(run), ReportConfig()))
    assert "None found. Searched for this page." in page.text
    assert "by their shape only" not in page.text
    assert findings == ()


def test_what_was_not_searched_is_said(tmp_path: Path) -> None:
    few = write_large_run(tmp_path, num_rows=9, generator=np.random.default_rng(1), noise=0.3)
    page, _ = section_of(Material(open_run(few), ReportConfig()))
    assert "by their shape only: a search takes 10 scored pairs or more" in page.text
    run = open_run(few)
    search_mismatches(run)
    for kept, words in (("none", "no embeddings are kept"), ("sample", "a search takes")):
        run.info["embeddings"] = kept
        assert words in section_of(Material(run, ReportConfig()))[0].text


def test_rows_of_several_tables_are_told_apart() -> None:
    line = {"kind": "url", "file": 1, "row": 4, "detail": "http://a/b"}
    for has_files, words in ((True, "row 5 of input 2: http://a/b"), (False, "row 5: http://a/b")):
        section = wrong_pairs_section(WrongPairs([[line]], has_files=has_files), {})
        assert words in " ".join(read_page(section.body.text).text.split())


def test_too_many_rows_are_left_to_the_command(
    material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(findings, "MAX_ROWS", 100)
    page, _ = section_of(material)
    assert "More than 100 rows" in page.text
    assert "pairsift mismatches keeps all of them" in page.text


def test_what_the_command_found_is_not_searched_again(
    material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    search_mismatches(material.run)
    monkeypatch.setattr(findings, "MAX_ROWS", 100)
    page, told = section_of(material)
    assert "As pairsift mismatches found them" in page.text
    assert "1 swap" in told[0]


def test_findings_of_other_scores_are_not_shown(
    material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    search_mismatches(material.run)
    monkeypatch.setattr("pairsift.curation.kept.state_of", lambda _run: "another")
    page, told = section_of(material)
    assert "Rows were scored after pairsift mismatches had searched" in page.text
    assert "1 swap" in told[0]


def test_the_table_is_gone(material: Material) -> None:
    Path(material.run.info["inputs"][0]["path"]).unlink()
    assert "The captions cannot be read" in section_of(material)[0].text
