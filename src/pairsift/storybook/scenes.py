"""Scenes: what a picture shows, before anyone draws or describes it."""

from __future__ import annotations

from dataclasses import dataclass

from pairsift.storybook.rng import Draws
from pairsift.storybook.vocabulary import (
    CATEGORY_OF,
    COLOURS,
    DIRECTIONS,
    KINDS,
    MAX_COUNT,
    MAX_COUNT_OF_TWO,
    OPPOSITE,
    PLACES,
    SIZES,
)

_COLOURS = tuple(COLOURS)
# One thing is the commonest picture; the higher counts stay frequent enough to be learnt.
_COUNT_WEIGHTS = (6, 4, 4, 3, 3, 3)
_COUNT_WEIGHTS_OF_TWO = (4, 3, 3)


@dataclass(frozen=True, slots=True)
class Group:
    """Some things that are alike.

    Attributes:
        kind: One of ``vocabulary.KINDS``.
        colour: One of ``vocabulary.COLOURS``.
        count: How many, from 1 to 6.
        size: ``small`` or ``big``.
    """

    kind: str
    colour: str
    count: int
    size: str


@dataclass(frozen=True, slots=True)
class Scene:
    """One picture's truth; the picture follows from it alone.

    Attributes:
        place: One of ``vocabulary.PLACES``.
        groups: One or two groups; two differ in kind and hold at most three things each.
        relation: Where the first group is as seen from the second: ``above``, ``below``,
            ``left of`` or ``right of``; None when there is one group. "Next to" is a caption's
            word that is true of left and right.
        layout: 48 bits that settle all that has no name: positions, tilt, shade, background.
    """

    place: str
    groups: tuple[Group, ...]
    relation: str | None
    layout: int


def make_scene(seed: int, index: int) -> Scene:
    """Make scene ``index`` of the world ``seed``.

    Args:
        seed: Which world.
        index: Which scene of it; each can be made alone.

    Returns:
        The scene.

    Example:
        >>> make_scene(1, 5) == make_scene(1, 5)
        True
    """
    draws = Draws(seed, index, "scene")
    place = draws.choose(PLACES)
    num_groups = 1 + draws.below(2)
    first_kind = draws.below(len(KINDS))
    # A step of 1 to 23 around the ring of kinds can never land on the first kind again.
    second_kind = (first_kind + draws.between(1, len(KINDS) - 1)) % len(KINDS)
    most, weights = (
        (MAX_COUNT, _COUNT_WEIGHTS)
        if num_groups == 1
        else (MAX_COUNT_OF_TWO, _COUNT_WEIGHTS_OF_TWO)
    )
    groups = tuple(
        Group(
            kind=KINDS[kind],
            colour=draws.choose(_COLOURS),
            count=draws.weighted(range(1, most + 1), weights),
            size=draws.choose(SIZES),
        )
        for kind in (first_kind, second_kind)[:num_groups]
    )
    relation = draws.choose(DIRECTIONS) if num_groups == 2 else None
    return Scene(place, groups, relation, draws.bits() >> 16)


def relation_between(scene: Scene, first: int, second: int) -> str | None:
    """Say where one group is as seen from another.

    Args:
        scene: The scene.
        first: Position of the one group in ``scene.groups``.
        second: Position of the other.

    Returns:
        One of ``vocabulary.DIRECTIONS``, or None for a group and itself.
    """
    if scene.relation is None or first == second:
        return None
    return scene.relation if first < second else OPPOSITE[scene.relation]


def category_of(scene: Scene) -> str:
    """Name the category of a scene: that of its first group.

    Args:
        scene: The scene.

    Returns:
        One of ``vocabulary.CATEGORIES``.

    Example:
        >>> category_of(Scene("day", (Group("cat", "red", 1, "big"),), None, 0))
        'animals'
    """
    return CATEGORY_OF[scene.groups[0].kind]
