"""What a plot shows, and what refuses one before the work."""

import sys
from pathlib import Path

import pytest
from PIL import Image

from pairsift.comparing.plot import check_plot, draw_plot
from pairsift.errors import MissingExtraError, UsageError
from tests.comparing.made_up import three


def test_the_front_is_named_and_the_rest_is_told_by_colour_and_shape(tmp_path: Path) -> None:
    draw_plot(three(), tmp_path / "front.svg")
    told = (tmp_path / "front.svg").read_text(encoding="utf-8")
    for words in (">reference<", ">small bf16<", ">large<", ">old<", ">fp32<", ">bf16<", ">int8<"):
        assert words in told, words
    assert ">old int8<" not in told  # not on the front
    assert ">fp16<" not in told  # nobody's precision


def test_a_picture_of_another_kind_is_the_same_plot(tmp_path: Path) -> None:
    draw_plot(three(), tmp_path / "front.PNG")
    with Image.open(tmp_path / "front.PNG") as picture:
        assert picture.format == "PNG"
        assert picture.width > picture.height > 500


def test_what_cannot_be_drawn_is_refused(tmp_path: Path) -> None:
    check_plot(tmp_path / "front.svg")
    with pytest.raises(UsageError, match=r"a plot is \.png or \.svg, not front\.gif"):
        check_plot(tmp_path / "front.gif")
    with pytest.raises(UsageError, match="no such folder"):
        check_plot(tmp_path / "none" / "front.png")
    assert list(tmp_path.iterdir()) == []


def test_the_missing_extra_names_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(MissingExtraError, match=r'pip install "pairsift\[curate\]"'):
        check_plot(tmp_path / "front.png")
