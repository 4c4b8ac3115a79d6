"""Blank, dark and blurred pictures are told from drawn ones, whose thresholds this holds."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from pairsift.curation.hashes import make_thumbnail
from pairsift.curation.pixels import measure_pixels, pixel_masks, sharpness
from tests.curation.scenes import draw

NUM = 150


@pytest.fixture(scope="module")
def drawn() -> list[Image.Image]:
    return draw(NUM, seed=23)


def rates(images: list[Image.Image]) -> dict[str, float]:
    measures = [measure_pixels(image, make_thumbnail(image)) for image in images]
    return {name: float(mask.mean()) for name, mask in pixel_masks(np.stack(measures)).items()}


def blurred(image: Image.Image, share: float) -> Image.Image:
    """Return a picture blurred by a Gaussian of this share of its longer side."""
    return image.filter(ImageFilter.GaussianBlur(share * max(image.size)))


def plain(seed: int) -> Image.Image:
    """Return a plain area with noise of up to three levels."""
    generator = np.random.default_rng(seed)
    side = int(generator.choice([64, 128, 256, 600]))
    colour = generator.integers(0, 256, 3)
    noise = generator.normal(0, generator.uniform(0, 3), (side, side, 1))
    return Image.fromarray((colour + noise).clip(0, 255).astype(np.uint8))


def test_drawn_pictures_show_no_sign(drawn: list[Image.Image]) -> None:
    assert rates(drawn) == {"image_blank": 0.0, "image_dark": 0.0, "image_blurred": 0.0}


def test_blurred_ones_are_found(drawn: list[Image.Image]) -> None:
    assert rates([blurred(image, 0.005) for image in drawn])["image_blurred"] == 0.0
    assert rates([blurred(image, 0.02) for image in drawn])["image_blurred"] >= 0.98
    large = [image.resize((1024, 1024), Image.Resampling.BICUBIC) for image in drawn[:20]]
    assert rates([blurred(image, 0.02) for image in large])["image_blurred"] >= 0.95


def test_blank_ones_are_found_and_not_called_blurred() -> None:
    found = rates([plain(seed) for seed in range(NUM)])
    assert found["image_blank"] >= 0.99
    assert found["image_blurred"] <= 0.01


def test_dark_ones_are_found(drawn: list[Image.Image]) -> None:
    assert rates([image.point(lambda level: level // 4) for image in drawn])["image_dark"] == 1.0
    half = rates([image.point(lambda level: level // 2) for image in drawn])
    assert half["image_dark"] <= 0.05


def test_one_small_thing_is_no_blank_picture() -> None:
    image = Image.new("RGB", (256, 256), "white")
    image.paste((200, 30, 30), (120, 120, 140, 140))
    assert rates([image])["image_blank"] == 0.0


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (3, 3)])
def test_the_smallest_pictures(size: tuple[int, int]) -> None:
    assert rates([Image.new("RGB", size, "grey")])["image_blank"] == 1.0


def test_what_was_not_read_shows_nothing() -> None:
    masks = pixel_masks(np.full((1, 3), np.nan, dtype=np.float32))
    assert not any(mask.any() for mask in masks.values())


def test_blur_lowers_sharpness(drawn: list[Image.Image]) -> None:
    grey = drawn[0].convert("L")
    found = [sharpness(grey.filter(ImageFilter.GaussianBlur(r))) for r in (0, 1, 2, 4, 8)]
    assert found == sorted(found, reverse=True)
    assert found[0] > 0.9
    assert found[-1] < 0.1
