"""Duplicates stand side by side, and the page says which stays and how to find more."""

from pathlib import Path

import numpy as np
import pytest

from pairsift import open_run
from pairsift.config import ReportConfig
from pairsift.curation.searching import search_duplicates
from pairsift.report.copies import MOST_OF_A_GROUP, choose_copies, copies_section
from pairsift.report.material import Material
from pairsift.report.pictures import load_pairs
from tests.curation.scenes import copies_of, draw
from tests.report.large import write_large_run
from tests.report.reading import Page, read_page
from tests.report.scored import score_folder


@pytest.fixture
def material(tmp_path: Path) -> Material:
    """Rows 2 and 3 look like row 0, row 4 has the bytes of row 1, row 5 is no picture."""
    images = draw(12)
    images[2], images[3] = copies_of(images[0])[0], copies_of(images[0])[4]
    images[4] = images[1]
    for place, image in enumerate(images):
        image.save(tmp_path / f"{place}.png")
    (tmp_path / "5.png").write_text("no picture")
    lines = [f"{i}.png,a drawing of thing {chr(97 + i)}" for i in range(12)]
    (tmp_path / "pairs.csv").write_text("\n".join(["image,caption", *lines, ""]))
    run = score_folder(tmp_path / "pairs.csv", tmp_path / "scored.csv.pairsift")
    return Material(open_run(run), ReportConfig())


def section_of(material: Material) -> tuple[Page, tuple[str, ...]]:
    copies = choose_copies(material)
    shown = load_pairs(material.run, material.rows, copies.wanted, keys=material.image_keys)
    section = copies_section(copies, shown)
    return read_page(section.body.text), section.findings


def captions(page: Page) -> list[str]:
    return [e.text for e in page.named("bdi")]


def test_without_the_command_bytes_are_compared(material: Material) -> None:
    page, told = section_of(material)
    assert sorted(captions(page)) == ["a drawing of thing b", "a drawing of thing e"]
    assert "pairsift duplicates adds pictures that look the same" in page.text
    assert told == ("1 picture stands in more than one row: 1 row beside the best of each.",)


def test_what_the_command_found_stands_side_by_side(material: Material) -> None:
    found = search_duplicates(material.run)
    page, told = section_of(material)
    assert [e.text for e in page.named("h3")] == [
        "Pictures that look the same",
        "Pictures with the same bytes",
    ]
    assert len(page.named("img")) == 5
    assert "11 rows could be compared by looks" in page.text
    assert told == ("2 pictures stand in more than one row: 3 rows beside the best of each.",)
    stays = [e for e in page.named("span") if e.text == "stays: the best scored"]
    assert len(stays) == 2
    kept = np.flatnonzero(found.duplicates.kept & (found.duplicates.group >= 0)).tolist()
    first = [captions(page)[0], captions(page)[3]]
    assert sorted(first) == sorted(f"a drawing of thing {chr(97 + row)}" for row in kept)


def test_bytes_only_is_said(material: Material) -> None:
    search_duplicates(material.run, exact_only=True)
    page, _ = section_of(material)
    assert "--exact-only" in page.text
    assert len(page.named("img")) == 2


def test_findings_of_other_scores_are_not_shown(
    material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    search_duplicates(material.run)
    monkeypatch.setattr("pairsift.curation.kept.state_of", lambda _run: "another")
    page, _ = section_of(material)
    assert "rows were scored after pairsift duplicates had searched" in page.text
    assert len(page.named("img")) == 2


def test_a_large_group_is_cut(tmp_path: Path) -> None:
    run = write_large_run(tmp_path, num_rows=600, generator=np.random.default_rng(1))
    page, _ = section_of(Material(open_run(run), ReportConfig()))
    assert f"of which {MOST_OF_A_GROUP} are shown" in page.text


def test_no_picture_could_be_read(tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_text("image,caption\nnone.png,a thing\n")
    run = score_folder(tmp_path / "pairs.csv", tmp_path / "scored.csv.pairsift")
    page, told = section_of(Material(open_run(run), ReportConfig()))
    assert "No picture could be read" in page.text
    assert told == ()


def test_no_picture_stands_twice(tmp_path: Path) -> None:
    for place, image in enumerate(draw(3)):
        image.save(tmp_path / f"{place}.png")
    lines = "".join(f"{place}.png,a thing\n" for place in range(3))
    (tmp_path / "pairs.csv").write_text("image,caption\n" + lines)
    run = score_folder(tmp_path / "pairs.csv", tmp_path / "scored.csv.pairsift")
    page, _ = section_of(Material(open_run(run), ReportConfig()))
    assert "every picture stands in one row" in page.text
