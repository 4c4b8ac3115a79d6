"""How the things of the sky and the plain shapes are built, and the list of all builders."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final

from pairsift.storybook import things_living as living
from pairsift.storybook import things_made as made
from pairsift.storybook.outlines import Part, arc, box, cosine, ellipse, ring, sine

Parts = list[Part]
NUM_VARIANTS: Final = 4


def _face(x: int, y: int, scale: int) -> Parts:
    """Two eyes, two cheeks and a smile."""
    return [
        Part(ellipse((x - scale, y), (scale * 3 // 10, scale * 4 // 10), step=30), "line"),
        Part(ellipse((x + scale, y), (scale * 3 // 10, scale * 4 // 10), step=30), "line"),
        Part(ring((x, y + scale // 4), scale * 6 // 10, scale // 4, start=20, stop=160), "line"),
        Part(ellipse((x - scale * 3 // 2, y + scale // 2), (scale // 3, scale // 4)), "blush"),
        Part(ellipse((x + scale * 3 // 2, y + scale // 2), (scale // 3, scale // 4)), "blush"),
    ]


def star(variant: int) -> Parts:
    """A star with five points, half of them with a face.

    Args:
        variant: 0 to 3: slender or plump, with or without a face.
    """
    inner = 250 if variant % 2 else 215
    points = tuple(
        (
            (495, inner)[turn % 2] * cosine(turn * 36 - 90) // 10000,
            (495, inner)[turn % 2] * sine(turn * 36 - 90) // 10000 + 40,
        )
        for turn in range(10)
    )
    tips = tuple((x * 55 // 100, (y - 40) * 55 // 100 + 40) for x, y in points)
    parts = [Part(points, "main", is_body=True), Part(tips, "light")]
    return parts + (_face(0, 20, 85) if variant >= 2 else [])


def moon(variant: int) -> Parts:
    """A crescent moon, half of them with a sleepy face.

    Args:
        variant: 0 to 3: slender or plump, with craters or a face.
    """
    bite = 110 if variant % 2 else 160
    crescent = (
        *arc((60, 0), (490, 490), start=75, stop=285),
        *arc((60 + bite, 0), (330 - bite // 4, 473), start=270, stop=90),
    )
    parts = [
        Part(crescent, "main", is_body=True),
        Part(
            (
                *arc((60, 0), (470, 470), start=110, stop=200),
                *arc((100, 0), (440, 430), start=200, stop=110),
            ),
            "dark",
        ),
    ]
    if variant >= 2:
        return [
            *parts,
            Part(ellipse((-230, -80), (38, 52), step=30), "line"),
            Part(ring((-190, 60), 75, 32, start=20, stop=150), "line"),
            Part(ellipse((-310, 60), (50, 38), step=30), "blush"),
        ]
    return [
        *parts,
        Part(ellipse((-260, -130), (60, 60), step=30), "light"),
        Part(ellipse((-300, 90), (45, 45), step=30), "light"),
        Part(ellipse((-130, 280), (55, 55), step=30), "light"),
    ]


def cloud(variant: int) -> Parts:
    """A puffy cloud, half of them with a face.

    Args:
        variant: 0 to 3: which side is higher, with or without a face.
    """
    side = 1 if variant % 2 else -1
    puffs = [
        ((side * 90, -110), (245, 235)),
        ((side * -190, -10), (200, 190)),
        ((side * 310, 60), (185, 165)),
        ((side * -320, 110), (175, 140)),
        ((0, 120), (320, 145)),
    ]
    parts = [Part(ellipse(*puff), "main", is_body=True) for puff in puffs]
    parts += [
        Part(arc((side * 240, 90), (230, 150), start=15, stop=165), "dark"),
        Part(arc((side * -220, 110), (230, 130), start=15, stop=165), "dark"),
        Part(ellipse((0, 80), (330, 120)), "main"),
        Part(ellipse((side * 60, -220), (110, 70), tilt=-20), "light"),
        Part(ellipse((side * -230, -80), (80, 55), tilt=-20), "light"),
    ]
    return parts + (_face(0, 50, 95) if variant >= 2 else [])


def circle(variant: int) -> Parts:
    """A circle, plain or with an inner ring or a shine.

    Args:
        variant: 0 to 3: what is inside.
    """
    parts = [Part(ellipse((0, 0), (470, 470), step=10), "main", is_body=True)]
    if variant == 1:
        parts += [
            Part(ellipse((0, 0), (360, 360)), "dark"),
            Part(ellipse((0, 0), (300, 300)), "main"),
        ]
    elif variant == 2:
        parts.append(Part(ellipse((-170, -190), (120, 80), tilt=-40), "light"))
    elif variant == 3:
        parts.append(Part(arc((0, 0), (430, 430), start=0, stop=120), "dark"))
        parts.append(Part(ellipse((-30, -40), (380, 370)), "main"))
    return parts


def square(variant: int) -> Parts:
    """A square, plain or with an inner square or a shaded side.

    Args:
        variant: 0 to 3: what is inside.
    """
    parts = [Part(box(-415, -415, 415, 415), "main", is_body=True)]
    if variant == 1:
        parts += [Part(box(-310, -310, 310, 310), "dark"), Part(box(-255, -255, 255, 255), "main")]
    elif variant == 2:
        parts.append(Part(box(-310, -310, -190, 60), "light"))
    elif variant == 3:
        parts += [Part(box(-415, 300, 415, 415), "dark"), Part(box(300, -415, 415, 415), "dark")]
    return parts


def triangle(variant: int) -> Parts:
    """A triangle, plain or with an inner triangle or a shaded side.

    Args:
        variant: 0 to 3: what is inside.
    """
    corners = ((0, -460), (480, 380), (-480, 380))
    parts = [Part(corners, "main", is_body=True)]
    if variant == 1:
        for scale, paint in ((66, "dark"), (52, "main")):
            inner = tuple((x * scale // 100, (y - 100) * scale // 100 + 100) for x, y in corners)
            parts.append(Part(inner, paint))
    elif variant == 2:
        parts.append(Part(((-50, -220), (20, -140), (-210, 270), (-300, 270)), "light"))
    elif variant == 3:
        parts.append(Part(((0, -460), (480, 380), (290, 380)), "dark"))
    return parts


_BUILDERS: Final[dict[str, Callable[[int], Parts]]] = {
    "cat": living.cat,
    "fish": living.fish,
    "duck": living.duck,
    "car": made.car,
    "boat": made.boat,
    "rocket": made.rocket,
    "house": made.house,
    "castle": made.castle,
    "windmill": made.windmill,
    "tree": living.tree,
    "flower": living.flower,
    "mushroom": living.mushroom,
    "apple": living.apple,
    "ice cream": living.ice_cream,
    "cake": living.cake,
    "cup": made.cup,
    "lamp": made.lamp,
    "umbrella": made.umbrella,
    "star": star,
    "moon": moon,
    "cloud": cloud,
    "circle": circle,
    "square": square,
    "triangle": triangle,
}


@cache
def build_thing(kind: str, variant: int) -> tuple[Part, ...]:
    """Build a thing in its square of 1000 units.

    Args:
        kind: One of ``vocabulary.KINDS``.
        variant: 0 to 3.

    Returns:
        Its parts, those behind first.
    """
    return tuple(_BUILDERS[kind](variant))
