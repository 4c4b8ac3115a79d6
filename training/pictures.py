"""From scenes to what the image tower is trained on: pixels, and what each patch shows."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from pairsift.storybook.placement import SIDE, place_things
from pairsift.storybook.rng import Draws
from pairsift.storybook.scenes import Scene
from pairsift.storybook.vocabulary import KINDS
from training.shapes import GRID, IMAGE_SIZE
from training.truth import COLOUR_NAMES


def prepare_picture(image: Image.Image, size: int = IMAGE_SIZE) -> np.ndarray:
    """Resize as at inference: bicubic; the pictures are square, so no recipe crops.

    Args:
        image: An RGB picture.
        size: The side that the model takes.

    Returns:
        uint8, shape (size, size, 3).
    """
    return np.asarray(image.resize((size, size), Image.Resampling.BICUBIC))


def compress(image: Image.Image, draws: Draws) -> Image.Image:
    """Pass most pictures through a JPEG file, as the ones to be scored were.

    Args:
        image: The drawn picture.
        draws: Settles whether and how.

    Returns:
        The picture as it comes back.
    """
    if draws.chance(20):
        return image
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=draws.between(70, 95))
    return Image.open(buffer).convert("RGB")


def patch_labels(scene: Scene) -> np.ndarray:
    """Say which kind and colour each patch of the picture shows.

    Args:
        scene: The scene.

    Returns:
        uint8, shape (P, 2): kind and colour, or one past the last of each where nothing stands.
    """
    labels = np.full((GRID, GRID, 2), (len(KINDS), len(COLOUR_NAMES)), np.uint8)
    middles = (np.arange(GRID) + 0.5) * SIDE / GRID
    for group, spots in zip(scene.groups, place_things(scene), strict=True):
        label = (KINDS.index(group.kind), COLOUR_NAMES.index(group.colour))
        for spot in spots:
            reach = max(spot.width * 0.45, SIDE / GRID / 2)
            columns = np.abs(middles - spot.x) <= reach
            rows = np.abs(middles - spot.y) <= reach
            labels[np.ix_(rows, columns)] = label
    return labels.reshape(-1, 2)


def patches_that_show(scene: Scene) -> np.ndarray:
    """Say which patches show part of a thing.

    Args:
        scene: The scene.

    Returns:
        bool, shape (P,).
    """
    side = SIDE / GRID
    edges = np.arange(GRID) * side
    shows = np.zeros((GRID, GRID), bool)
    for spots in place_things(scene):
        for spot in spots:
            low, high = -0.42 * spot.width, 0.42 * spot.width
            overlaps = [
                np.minimum(edges + side, middle + high) - np.maximum(edges, middle + low)
                for middle in (spot.y, spot.x)
            ]
            rows, columns = (overlap.clip(0) / side for overlap in overlaps)
            shows |= rows[:, None] * columns[None] > 0.2
    return shows.reshape(-1)


def group_middles(scene: Scene) -> np.ndarray:
    """Say where the groups stand: a relation is two of these compared.

    Args:
        scene: The scene.

    Returns:
        float32, shape (2, 2): x and y of each group's middle, from -1 (left, top) to 1; 0 for a
        group that is not there.
    """
    middles = np.zeros((2, 2), np.float32)
    for row, spots in zip(middles, place_things(scene), strict=False):
        row[:] = np.mean([(spot.x, spot.y) for spot in spots], axis=0) / (SIDE / 2) - 1
    return middles
