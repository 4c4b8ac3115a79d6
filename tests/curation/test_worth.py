import numpy as np
import pytest
from PIL import Image, ImageFilter

from pairsift.curation.worth import SIGNS, find_signs, pixel_signs, sharpness


def test_signs_in_the_score_columns() -> None:
    cosines = np.array([0.3, -0.1, np.nan, 0.2, 0.1], dtype=np.float32)
    signs = find_signs(
        cosines,
        truncated=np.array([True, False, True, False, False]),
        widths=np.array([640, 640, 10, 199, 0]),
        heights=np.array([200, 213, 10, 199, 0]),
    )
    found = {sign.name: (sign.rows, sign.looked_at, sign.examples) for sign in signs}
    assert found == {
        "negative_similarity": (1, 4, (1,)),
        "caption_truncated": (1, 4, (0,)),
        "image_small": (1, 3, (3,)),
        "image_extreme_aspect": (2, 3, (0, 1)),
    }
    assert signs[0].rate == 0.25
    assert set(found) < set(SIGNS)


@pytest.mark.parametrize("num", [0, 3])
def test_nothing_was_scored(num: int) -> None:
    signs = find_signs(np.full(num, np.nan, dtype=np.float32))
    assert [(sign.rows, sign.looked_at, sign.rate) for sign in signs] == [(0, 0, 0.0)]


def test_few_examples_of_many() -> None:
    signs = find_signs(np.full(100, -0.5, dtype=np.float32), num_examples=3)
    assert signs[0].examples == (0, 1, 2)


def noisy(side: int = 96) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def test_signs_in_the_pixels() -> None:
    assert pixel_signs(noisy()) == ()
    assert pixel_signs(Image.new("RGB", (96, 96), "white")) == ("image_blank", "image_blurred")
    dark = noisy().point(lambda level: level // 8)
    assert "image_dark" in pixel_signs(dark)
    assert "image_blurred" in pixel_signs(noisy().filter(ImageFilter.GaussianBlur(8)))


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (3, 3)])
def test_the_smallest_pictures(size: tuple[int, int]) -> None:
    assert "image_blank" in pixel_signs(Image.new("RGB", size, "grey"))


def test_blur_lowers_sharpness() -> None:
    grey = noisy().convert("L")
    found = [sharpness(grey.filter(ImageFilter.GaussianBlur(r))) for r in (0, 1, 2, 4, 8)]
    assert found == sorted(found, reverse=True)
    assert found[0] > 0.9
    assert found[-1] < 0.1
