"""What is worth a look in a run, with the pictures as far as they were read."""

from pathlib import Path

import pytest
from PIL import Image, ImageFilter

from pairsift import open_run
from pairsift.cli import run as pairsift
from pairsift.curation.looking import find_run_signs, lacks_pixels
from pairsift.curation.rows import read_rows
from tests.curation.scenes import draw


@pytest.fixture
def scored(tmp_path: Path) -> Path:
    """Row 1 is blank, row 2 blurred, row 3 dark, row 4 is gone, row 5 is the picture of row 1."""
    images = draw(8)
    images[1] = Image.new("RGB", (96, 96), (250, 250, 250))
    images[2] = images[2].filter(ImageFilter.GaussianBlur(4))
    images[3] = images[3].point(lambda level: level // 5)
    images[5] = images[1]
    for place, image in enumerate(images):
        if place != 4:
            image.save(tmp_path / f"{place}.png")
    lines = [f"{i}.png,a drawing of thing {chr(97 + i)}" for i in range(len(images))]
    (tmp_path / "pairs.csv").write_text("\n".join(["image,caption", *lines, ""]))
    arguments = ["score", str(tmp_path / "pairs.csv"), "-o", str(tmp_path / "out.csv")]
    assert pairsift([*arguments, "--runtime", "fake"]) == 0
    return tmp_path / "out.csv"


def found(scored: Path, *, read: bool) -> dict[str, tuple[int, int, tuple[int, ...]]]:
    run = open_run(scored)
    signs = find_run_signs(run, read_rows(run), read=read)
    assert lacks_pixels(signs) != any(s.name == "image_blank" for s in signs)
    return {s.name: (s.rows, s.looked_at, s.examples) for s in signs}


def test_pixels_are_read_once_and_kept(scored: Path) -> None:
    assert "image_blank" not in found(scored, read=False)
    read = found(scored, read=True)
    assert read["image_blank"] == (2, 7, (1, 5))
    assert read["image_blurred"] == (1, 7, (2,))
    assert read["image_dark"] == (1, 7, (3,))
    for picture in scored.parent.glob("*.png"):
        picture.unlink()
    assert found(scored, read=False) == read


def test_audit_and_report_tell(scored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert pairsift(["audit", str(scored)]) == 0
    assert "pairsift audit --pixels" in " ".join(capsys.readouterr().out.split())
    page = scored.parent / "report.html"
    assert pairsift(["report", str(scored), "-o", str(page)]) == 0
    assert "pairsift audit --pixels" in page.read_text(encoding="utf-8")
    assert pairsift(["audit", str(scored), "--pixels"]) == 0
    told = capsys.readouterr().out
    assert "2  all of one colour" in told
    assert "--pixels" not in told
    assert pairsift(["report", str(scored), "-o", str(page)]) == 0
    html = page.read_text(encoding="utf-8")
    assert "Blank picture" in html
    assert "--pixels" not in html


def test_a_recipe_drops_them(
    scored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('[[rule]]\nkind = "signs"\ndrop = ["image_blank", "image_blurred"]\n')
    assert pairsift(["curate", str(scored), "--recipe", str(recipe)]) == 0
    told = capsys.readouterr().out
    assert "keeps 5 of 8 rows" in told
    assert "image_blank" in told
