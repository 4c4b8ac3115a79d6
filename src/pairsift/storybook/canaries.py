"""Canaries: pictures with a right and a wrong caption, to see whether a model sees and reads.

The easy ones are what any sound CLIP or SigLIP tells apart, storybook drawing or not. The hard
ones differ in one fact and are for the built-in models.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from PIL import Image

from pairsift.storybook.captions import make_caption, wrong_caption
from pairsift.storybook.drawing import draw_scene
from pairsift.storybook.scenes import Group, Scene, make_scene

CANARY_SIDE: Final = 256
_HARD_SEED: Final = 616_263
_HARD_ATTRIBUTES: Final = ("colour", "count", "relation", "kind")
_NUM_HARD: Final = 64


@dataclass(frozen=True, slots=True)
class Canary:
    """One contrast: a sound model puts the right caption nearer to the picture.

    Attributes:
        name: What it tests.
        scene: What the picture shows; ``draw_canary`` draws it.
        right: A caption that is true of it.
        wrong: A caption that is false of it.
    """

    name: str
    scene: Scene
    right: str
    wrong: str


def _one(place: str, kind: str, colour: str, layout: int, *, count: int = 1) -> Scene:
    return Scene(place, (Group(kind, colour, count, "big"),), None, layout)


EASY_CANARIES: Final = (
    Canary("red circle", _one("paper", "circle", "red", 1), "a red circle", "a blue square"),
    Canary("blue square", _one("paper", "square", "blue", 2), "a blue square", "a red circle"),
    Canary(
        "house", _one("meadow", "house", "red", 9), "a house in a meadow", "a fish in the water"
    ),
    Canary("boat", _one("sea", "boat", "white", 4), "a boat on the sea", "a cat in the desert"),
    Canary(
        "night",
        _one("night", "star", "yellow", 5, count=5),
        "yellow stars in the night sky",
        "a green tree on a sunny day",
    ),
    Canary(
        "day",
        _one("day", "tree", "green", 6),
        "a green tree on a sunny day",
        "yellow stars in the night sky",
    ),
    Canary("cat", _one("meadow", "cat", "orange", 7), "a drawing of a cat", "a drawing of a car"),
    Canary("car", _one("desert", "car", "red", 8), "a drawing of a red car", "a drawing of a cat"),
    Canary("apple", _one("paper", "apple", "red", 10), "a red apple", "a castle"),
    Canary(
        "castle", _one("snow", "castle", "grey", 11), "a grey castle in the snow", "a red apple"
    ),
    Canary("umbrella", _one("day", "umbrella", "purple", 12), "a purple umbrella", "a yellow duck"),
    Canary("duck", _one("sea", "duck", "yellow", 13), "a yellow duck", "a purple umbrella"),
)


@lru_cache(maxsize=1)
def hard_canaries() -> tuple[Canary, ...]:
    """List 64 canaries that differ in one fact: colour, count, relation or kind in turn.

    Returns:
        The canaries; the same on every machine.
    """
    found: list[Canary] = []
    index = 0
    while len(found) < _NUM_HARD:
        attribute = _HARD_ATTRIBUTES[len(found) % len(_HARD_ATTRIBUTES)]
        scene = make_scene(_HARD_SEED, index)
        right = make_caption(scene, _HARD_SEED, index)
        wrong = wrong_caption(right, scene, attribute, _HARD_SEED, index)
        if wrong is not None:
            found.append(Canary(f"{attribute} {index}", scene, right.text, wrong.text))
        index += 1
    return tuple(found)


def draw_canary(canary: Canary) -> Image.Image:
    """Draw a canary's picture.

    Args:
        canary: One of ``EASY_CANARIES`` or ``hard_canaries()``.

    Returns:
        An RGB picture of 256 by 256 pixels.
    """
    return draw_scene(canary.scene, side=CANARY_SIDE)
