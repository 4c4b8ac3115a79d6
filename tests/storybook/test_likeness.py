from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pairsift.storybook.drawing import draw_scene
from pairsift.storybook.likeness import MIN_PICTURES, Likeness, flat_share
from pairsift.storybook.scenes import make_scene
from tests.bad_inputs import encoded

SIDE = 96
NUM_SETS = 8


def drawn(index: int) -> NDArray[np.uint8]:
    image = draw_scene(make_scene(4242, index))
    if index % 2:
        image = Image.open(BytesIO(encoded(image, "JPEG", quality=(75, 85, 90)[index % 3])))
    resized = image.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    pixels: NDArray[np.uint8] = np.array(resized, dtype=np.uint8)
    return pixels


def detailed(seed: int) -> NDArray[np.uint8]:
    """Return detail on every scale, as photographs have."""
    generator = np.random.default_rng(seed)
    pixels = np.full((SIDE, SIDE, 3), 128.0)
    for side, weight in ((4, 60), (12, 30), (32, 15), (96, 8)):
        noise = generator.normal(0, weight, (side, side, 3))
        layers = [
            np.asarray(Image.fromarray(noise[:, :, c].astype(np.float32)).resize((SIDE, SIDE)))
            for c in range(3)
        ]
        pixels += np.stack(layers, axis=2)
    out: NDArray[np.uint8] = np.clip(pixels, 0, 255).astype(np.uint8)
    return out


def test_storybook_sets_raise_no_alarm() -> None:
    for number in range(NUM_SETS):
        likeness = Likeness()
        for index in range(MIN_PICTURES):
            likeness.look(drawn(number * MIN_PICTURES + index))
        assert likeness.warning("storybook") is None


def test_detailed_pictures_raise_one() -> None:
    for size in (1, 8, 40):
        likeness = Likeness()
        for seed in range(size):
            likeness.look(detailed(seed))
        words = likeness.warning("storybook")
        assert words is not None
        assert "storybook" in words


def test_nothing_seen_says_nothing() -> None:
    assert Likeness().warning("storybook") is None
    assert flat_share(np.full((8, 8, 3), 7, dtype=np.uint8)) == 1.0
