"""Each breakage is what it says."""

import io

import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

from pairsift.storybook.breakage import break_caption, break_image
from pairsift.storybook.faults import BROKEN_CAPTIONS, BROKEN_IMAGES
from pairsift.storybook.pairs import make_pair

IMAGE = make_pair(1, 1, side=64).image


def opened(breakage: str) -> Image.Image:
    data = break_image(IMAGE, breakage)[1]
    assert data is not None
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize("breakage", BROKEN_IMAGES)
def test_every_breakage_is_made(breakage: str) -> None:
    suffix, data = break_image(IMAGE, breakage)
    assert suffix.startswith(".")
    assert (data is None) is (breakage in ("missing", "directory", "outside"))


@pytest.mark.parametrize("breakage", ["empty", "text", "svg"])
def test_not_a_picture(breakage: str) -> None:
    with pytest.raises(UnidentifiedImageError):
        opened(breakage)


def test_truncated() -> None:
    with pytest.raises(OSError, match="truncated"):
        opened("truncated").load()


def test_huge_header() -> None:
    data = break_image(IMAGE, "huge header")[1]
    assert data is not None
    assert len(data) < 200
    with pytest.raises(Image.DecompressionBombError):
        Image.open(io.BytesIO(data))


def test_unusual_pictures() -> None:
    assert opened("one pixel").size == (1, 1)
    assert opened("cmyk").mode == "CMYK"
    assert opened("16 bit").mode == "I;16"
    assert getattr(opened("animated"), "n_frames", 1) == 2
    # 16 bits keep the picture: scaled back it is the grey one.
    wide = opened("16 bit")
    assert (np.asarray(wide) // 257 == np.asarray(IMAGE.convert("L"))).all()


def test_unknown() -> None:
    with pytest.raises(KeyError):
        break_image(IMAGE, "melted")


@pytest.mark.parametrize("breakage", BROKEN_CAPTIONS)
def test_captions(breakage: str) -> None:
    data = break_caption("a red cat", breakage)
    match breakage:
        case "empty" | "whitespace":
            assert not data.strip()
        case "10000 words":
            assert len(data.split()) == 10_000
        case "invalid utf-8":
            with pytest.raises(UnicodeDecodeError):
                data.decode()
        case "nul":
            assert b"\0" in data
        case "emoji":
            assert data.decode().startswith("a red cat \U0001f431")
        case "right to left":
            assert "\u0590" < data.decode()[0] < "\u05ff"
        case _:
            assert data == b"a red cat"
