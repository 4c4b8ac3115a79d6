"""What is drawn shows what the scene says, as far as pixels can tell."""

import numpy as np
import pytest
from numpy.typing import NDArray

from pairsift.storybook.drawing import draw_scene
from pairsift.storybook.placement import place_things
from pairsift.storybook.places import paint_place
from pairsift.storybook.scenes import Group, Scene
from pairsift.storybook.vocabulary import COLOURS, KINDS, PLACES


def difference(scene: Scene) -> NDArray[np.bool_]:
    """Where the things are: pixels that differ from the empty place."""
    empty = np.asarray(paint_place(scene.place, scene.layout, 384).reduce(3), dtype=np.int16)
    full = np.asarray(draw_scene(scene), dtype=np.int16)
    return np.asarray(np.abs(full - empty).sum(axis=2) > 24)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", ["small", "big"])
def test_things_fill_their_spots(kind: str, size: str) -> None:
    for layout in range(8):
        scene = Scene("night", (Group(kind, "yellow", 1, size),), None, layout)
        spot = place_things(scene)[0][0]
        rows, columns = np.nonzero(difference(scene))
        width = max(np.ptp(rows), np.ptp(columns)) + 1
        assert 0.85 * spot.width / 8 < width < 1.2 * spot.width / 8 + 2
        assert abs(rows.mean() - spot.y / 8) < 0.2 * width
        assert width * 9 >= 128


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("colour", list(COLOURS))
def test_every_colour_shows_in_every_place(place: str, colour: str) -> None:
    scene = Scene(place, (Group("circle", colour, 1, "big"),), None, 4)
    spot = place_things(scene)[0][0]
    middle = np.asarray(draw_scene(scene), dtype=np.int16)[spot.y // 8, spot.x // 8]
    nearest = min(COLOURS, key=lambda name: int(np.abs(middle - np.asarray(COLOURS[name])).sum()))
    assert nearest == colour
    # Outline and rim keep it apart from the place, whatever the two colours are.
    assert difference(scene).mean() > 0.02


def test_the_cache_changes_no_pixel() -> None:
    scene = Scene("sea", (Group("boat", "red", 2, "big"),), None, 99)
    first = draw_scene(scene)
    draw_scene(scene).paste((0, 0, 0), (0, 0, 128, 128))
    assert draw_scene(scene).tobytes() == first.tobytes()


def test_size_shows() -> None:
    small, big = (
        int(difference(Scene("day", (Group("house", "red", 6, size),), None, 5)).sum())
        for size in ("small", "big")
    )
    assert big > 1.5 * small
