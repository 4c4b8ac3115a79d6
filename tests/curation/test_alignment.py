import numpy as np
import pytest
from PIL import Image, ImageDraw

from pairsift.curation.alignment import SAME, differences
from pairsift.storybook.encoding import near_copy
from pairsift.storybook.faults import NEAR_COPY_METHODS
from tests.curation.scenes import draw, thumbnails_of


def compare(first: list[Image.Image], second: list[Image.Image]) -> np.ndarray:
    num = len(first)
    thumbnails = thumbnails_of([*first, *second])
    return differences(thumbnails, np.arange(num), np.arange(num) + num)


@pytest.mark.parametrize("method", NEAR_COPY_METHODS)
def test_copies_are_the_same(method: str) -> None:
    scenes = draw(60)
    found = compare(scenes, [near_copy(scene, method) for scene in scenes])
    assert (found <= SAME).mean() >= 0.95


def test_different_scenes_are_not() -> None:
    scenes = draw(80)
    assert (compare(scenes[:-1], scenes[1:]) > SAME).all()


def test_a_thing_more_on_a_white_ground_is_seen() -> None:
    # White stays white under any exposure, so it must not be left out of the comparison.
    first = Image.new("RGB", (128, 128), "white")
    ImageDraw.Draw(first).ellipse((20, 20, 60, 60), fill="red")
    second = first.copy()
    ImageDraw.Draw(second).ellipse((80, 80, 100, 100), fill="blue")
    assert compare([first], [second])[0] > SAME


def test_another_colour_is_seen() -> None:
    red, blue = (Image.new("RGB", (128, 128), (230, 230, 200)) for _ in range(2))
    # Of about the same luma.
    ImageDraw.Draw(red).rectangle((40, 40, 90, 90), fill=(200, 60, 60))
    ImageDraw.Draw(blue).rectangle((40, 40, 90, 90), fill=(60, 115, 150))
    assert compare([red], [blue])[0] > SAME


def test_flat_pictures_are_the_same_and_finite() -> None:
    grey = [Image.new("RGB", (32, 32), (value,) * 3) for value in (0, 128, 255)]
    assert compare(grey, grey).tolist() == [0.0, 0.0, 0.0]
    assert np.isfinite(compare(grey, grey[::-1])).all()


def test_both_directions_give_the_same() -> None:
    scenes = draw(10)
    thumbnails = thumbnails_of(scenes)
    there = differences(thumbnails, np.arange(9), np.arange(1, 10))
    back = differences(thumbnails, np.arange(1, 10), np.arange(9))
    assert there == pytest.approx(back)
