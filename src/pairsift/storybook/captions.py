"""Captions: what a person might write under a scene, what that claims, and whether it is true.

A caption is claims put into words. The words follow from the claims, the style and a number, the
``wording``, so that one claim can be changed while everything else reads the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from pairsift.storybook.phrasing import MANY, Claims, GroupClaim, put_into_words
from pairsift.storybook.rng import Draws
from pairsift.storybook.scenes import Group, Scene, relation_between
from pairsift.storybook.vocabulary import (
    CATEGORIES,
    CATEGORY_OF,
    COLOURS,
    DIRECTIONS,
    KINDS,
    MAX_COUNT,
    MAX_COUNT_OF_TWO,
    OPPOSITE,
    PLACES,
    SIZES,
    TRUE_PLACES,
    TRUE_RELATIONS,
)

__all__ = [
    "ATTRIBUTES",
    "DETAILS",
    "MANY",
    "Caption",
    "Claims",
    "GroupClaim",
    "is_true",
    "make_caption",
    "wrong_caption",
]

ATTRIBUTES: Final = ("kind", "colour", "count", "place", "relation", "size")
DETAILS: Final = ("vague", "usual", "full")

_STYLES: Final = ("alt", "alt picture", "there", "shows", "place first", "prompt", "tags")
_STYLE_WEIGHTS: Final = (6, 2, 4, 2, 2, 4, 2)
# Percent of captions that say a fact, by how detailed they are.
_SAYS: Final[dict[str, dict[str, int]]] = {
    "vague": {"kind": 45, "colour": 15, "count": 20, "size": 5, "place": 15, "relation": 10},
    "usual": {"kind": 97, "colour": 88, "count": 78, "size": 25, "place": 45, "relation": 60},
    "full": {"kind": 100, "colour": 100, "count": 100, "size": 60, "place": 90, "relation": 95},
}
_SAYS_BOTH_GROUPS: Final = {"vague": 35, "usual": 88, "full": 100}
_NEAR_COUNT_PERCENT: Final = 60  # wrong counts that are off by one
_OPPOSITE_PERCENT: Final = 75  # wrong relations that are the opposite


@dataclass(frozen=True, slots=True)
class Caption:
    """A caption and what it claims.

    Attributes:
        text: The words.
        claims: What the words say of the picture.
        style: How they are said; one of the styles of ``phrasing.put_into_words``.
        wording: Settles the choice of synonyms.
    """

    text: str
    claims: Claims
    style: str
    wording: int


def _claim_group(group: Group, says: dict[str, int], draws: Draws, *, is_tag: bool) -> GroupClaim:
    kind = group.kind if draws.chance(says["kind"]) else CATEGORY_OF[group.kind]
    colour = group.colour if draws.chance(says["colour"]) else None
    size = group.size if draws.chance(says["size"]) else None
    names_count = draws.chance(says["count"])
    count: int | None = group.count
    if is_tag and not names_count:
        count = None
    elif group.count > 1 and not names_count:
        count = MANY
    return GroupClaim(kind, colour, count, size)


def make_caption(
    scene: Scene, seed: int, index: int, *, variant: int = 0, detail: str = "usual"
) -> Caption:
    """Write a true caption for a scene.

    Args:
        scene: What the picture shows.
        seed: The seed of the set.
        index: Which pair of the set.
        variant: Which of the many captions that would do; each can be made alone.
        detail: ``vague``, ``usual`` or ``full``: how much the caption says.

    Returns:
        The caption.

    Example:
        >>> from pairsift.storybook.scenes import make_scene
        >>> make_caption(make_scene(1, 4), 1, 4).text == make_caption(make_scene(1, 4), 1, 4).text
        True
    """
    draws = Draws(seed, index, f"caption {variant} {detail}")
    says = _SAYS[detail]
    style = draws.weighted(_STYLES, _STYLE_WEIGHTS)
    order = draws.shuffled(range(len(scene.groups)))
    if not draws.chance(_SAYS_BOTH_GROUPS[detail]):
        order = order[:1]
    groups = tuple(
        _claim_group(scene.groups[which], says, draws, is_tag=style == "tags") for which in order
    )
    relation = None
    if len(order) == 2 and style != "tags" and draws.chance(says["relation"]):
        direction = relation_between(scene, *order)
        if direction is not None:
            relation = draws.choose((direction, direction, *TRUE_RELATIONS[direction]))
            if relation == direction and draws.chance(15):
                style += ", sides"
    place = scene.place if style == "place first" or draws.chance(says["place"]) else None
    claims = Claims(place, groups, relation)
    wording = draws.bits()
    return Caption(put_into_words(claims, style, wording), claims, style, wording)


def _is_true_of(claim: GroupClaim, group: Group) -> bool:
    return (
        claim.kind in (group.kind, CATEGORY_OF[group.kind])
        and claim.colour in (None, group.colour)
        and claim.size in (None, group.size)
        and (group.count > 1 if claim.count == MANY else claim.count in (None, group.count))
    )


def is_true(claims: Claims, scene: Scene) -> bool:
    """Say whether claims hold for a scene.

    A claim about a group holds when some group of the scene fits all of it; two claims need two
    groups. "Next to" holds for left and right; "by day" holds under every light sky.

    Args:
        claims: What a caption says.
        scene: What a picture shows.

    Returns:
        True when every claim holds.

    Example:
        >>> scene = Scene("sea", (Group("boat", "red", 2, "big"),), None, 0)
        >>> is_true(Claims("sea", (GroupClaim("boat", "red", MANY, None),), None), scene)
        True
        >>> is_true(Claims("sea", (GroupClaim("boat", "blue", 2, None),), None), scene)
        False
    """
    if claims.place is not None and claims.place not in TRUE_PLACES[scene.place]:
        return False
    return _some_match(claims, scene)


def _some_match(claims: Claims, scene: Scene) -> bool:
    wholes = range(len(scene.groups))
    if len(claims.groups) == 1:
        return any(_is_true_of(claims.groups[0], group) for group in scene.groups)
    for first in wholes:
        for second in wholes:
            direction = relation_between(scene, first, second)
            if (
                direction is not None
                and _is_true_of(claims.groups[0], scene.groups[first])
                and _is_true_of(claims.groups[1], scene.groups[second])
                and (claims.relation is None or claims.relation in TRUE_RELATIONS[direction])
            ):
                return True
    return False


def _other_kinds(claim: GroupClaim) -> tuple[str, ...]:
    options = tuple(CATEGORIES) if claim.kind in CATEGORIES else KINDS
    return tuple(kind for kind in options if kind != claim.kind)


def _other_counts(claim: GroupClaim, most: int, draws: Draws) -> tuple[int, ...]:
    if claim.count is None:
        return ()
    if claim.count == MANY:
        return (1,)
    counts = [count for count in range(1, most + 1) if count != claim.count]
    near = tuple(count for count in counts if abs(count - claim.count) == 1)
    return near if draws.chance(_NEAR_COUNT_PERCENT) else tuple(counts)


def _changed_group(claims: Claims, which: int, attribute: str, draws: Draws) -> list[Claims]:
    """Every way to change one attribute of one group, in a random order."""
    claim = claims.groups[which]
    changed: list[GroupClaim] = []
    if attribute == "kind":
        changed = [replace(claim, kind=kind) for kind in _other_kinds(claim)]
    elif attribute == "colour" and claim.colour is not None:
        changed = [replace(claim, colour=name) for name in COLOURS if name != claim.colour]
    elif attribute == "count":
        most = MAX_COUNT if len(claims.groups) == 1 else MAX_COUNT_OF_TWO
        changed = [replace(claim, count=count) for count in _other_counts(claim, most, draws)]
    elif attribute == "size" and claim.size is not None:
        changed = [replace(claim, size=size) for size in SIZES if size != claim.size]
    return [
        replace(claims, groups=tuple(new if n == which else g for n, g in enumerate(claims.groups)))
        for new in draws.shuffled(changed)
    ]


def _changed_whole(claims: Claims, attribute: str, draws: Draws) -> list[Claims]:
    """Every way to change the place or the relation, in a random order."""
    if attribute == "place" and claims.place is not None:
        places = [place for place in PLACES if place != claims.place]
        return [replace(claims, place=place) for place in draws.shuffled(places)]
    if attribute == "relation" and claims.relation is not None:
        opposite = OPPOSITE[claims.relation]
        others = draws.shuffled([name for name in DIRECTIONS if name != claims.relation])
        if opposite in others and draws.chance(_OPPOSITE_PERCENT):
            others = [opposite, *(name for name in others if name != opposite)]
        return [replace(claims, relation=name) for name in others]
    return []


def wrong_caption(
    caption: Caption, scene: Scene, attribute: str, seed: int, index: int
) -> Caption | None:
    """Make a caption false by changing exactly one fact of it, in the same words.

    Args:
        caption: A caption that is true of the scene.
        scene: What the picture shows.
        attribute: Which fact: one of ``ATTRIBUTES``.
        seed: The seed of the set.
        index: Which pair of the set.

    Returns:
        The false caption, or None when the caption does not name such a fact or no change of it
        would be false.

    Example:
        >>> scene = Scene("sea", (Group("boat", "red", 2, "big"),), None, 0)
        >>> right = make_caption(scene, 1, 0, detail="full")
        >>> wrong = wrong_caption(right, scene, "count", 1, 0)
        >>> is_true(right.claims, scene), wrong and is_true(wrong.claims, scene)
        (True, False)
    """
    draws = Draws(seed, index, f"wrong {attribute}")
    options: list[Claims] = []
    if attribute in ("place", "relation"):
        options = _changed_whole(caption.claims, attribute, draws)
    else:
        for which in draws.shuffled(range(len(caption.claims.groups))):
            options += _changed_group(caption.claims, which, attribute, draws)
    for claims in options:
        if not is_true(claims, scene):
            text = put_into_words(claims, caption.style, caption.wording)
            return Caption(text, claims, caption.style, caption.wording)
    return None
