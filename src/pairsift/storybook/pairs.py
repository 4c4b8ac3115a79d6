"""Pairs of picture and caption, each made alone from a seed and an index."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

from pairsift.storybook.captions import ATTRIBUTES, Caption, make_caption, wrong_caption
from pairsift.storybook.drawing import draw_scene
from pairsift.storybook.scenes import Scene, category_of, make_scene

_HASH_SEED = 2026
_HASH_PAIRS = 200


@dataclass(frozen=True, slots=True)
class StorybookPair:
    """One picture with its caption and its truth.

    Attributes:
        index: Which pair of the set.
        scene: What the picture shows.
        caption: A true caption.
        image: The RGB picture.
    """

    index: int
    scene: Scene
    caption: Caption
    image: Image.Image

    @property
    def category(self) -> str:
        """The category of the first group of the scene."""
        return category_of(self.scene)


def make_pair(seed: int, index: int, *, side: int = 128) -> StorybookPair:
    """Make one pair.

    Args:
        seed: Which set.
        index: Which pair of it; no other pair has to be made before.
        side: Width and height of the picture in pixels.

    Returns:
        The pair.

    Example:
        >>> pair = make_pair(5, 0)
        >>> pair.image.size, pair.category, pair.caption.text
        ((128, 128), 'household', 'table lamp, yellow, night sky, vector art, high quality')
    """
    scene = make_scene(seed, index)
    return StorybookPair(
        index, scene, make_caption(scene, seed, index), draw_scene(scene, side=side)
    )


def pairs(seed: int, start: int, stop: int, *, side: int = 128) -> Iterator[StorybookPair]:
    """Make the pairs of a range, one at a time.

    Args:
        seed: Which set.
        start: First index.
        stop: One more than the last index.
        side: Width and height of the pictures in pixels.

    Yields:
        The pairs in order; ranges made in several processes join to the same set.
    """
    for index in range(start, stop):
        yield make_pair(seed, index, side=side)


def generator_hash() -> str:
    """Fingerprint of all that the generator makes: pictures, captions and wrong captions.

    A model's card names the hash of the world it was trained on.

    Returns:
        A sha256 in hexadecimal, over 200 fixed pairs.
    """
    digest = hashlib.sha256()
    for pair in pairs(_HASH_SEED, 0, _HASH_PAIRS):
        digest.update(pair.image.tobytes())
        digest.update(f"{pair.category}: {pair.caption.text}\n".encode())
        for attribute in ATTRIBUTES:
            wrong = wrong_caption(pair.caption, pair.scene, attribute, _HASH_SEED, pair.index)
            digest.update(f"{attribute}: {wrong and wrong.text}\n".encode())
    return digest.hexdigest()
