"""Which paint a part gets: shades of the thing's colour, and materials that keep their own."""

from __future__ import annotations

from functools import cache
from typing import Final

from pairsift.storybook.vocabulary import COLOURS, Rgb

NUM_TONES: Final = 7  # how many slightly lighter and darker versions of a colour there are

_MATERIALS: Final[dict[str, Rgb]] = {
    "ink": (32, 30, 38),
    "line": (40, 36, 46),
    "bright": (252, 252, 250),
    "blush": (248, 140, 150),
    "glass": (178, 220, 242),
    "window": (255, 228, 128),
    "wood": (142, 96, 56),
    "wood_dark": (98, 62, 36),
    "leaf": (74, 156, 64),
    "pollen": (255, 208, 64),
    "flame": (255, 152, 40),
    "beak": (255, 160, 40),
    "cream": (252, 240, 216),
    "cream_dark": (230, 212, 182),
    "wafer": (228, 174, 104),
    "wafer_dark": (188, 130, 70),
    "tyre": (46, 46, 52),
    "hub": (196, 200, 206),
    "coffee": (92, 58, 36),
    "glow": (255, 242, 176),
    "rim": (253, 253, 250),
}
# A material that would vanish in the thing's own colour, or lend it a false one.
_EXCEPTIONS: Final[dict[str, dict[str, Rgb]]] = {
    "orange": {"beak": (255, 214, 72), "flame": (255, 214, 72)},
    "yellow": {"pollen": (226, 146, 36), "glow": (255, 250, 220), "window": (178, 220, 242)},
    "pink": {"blush": (226, 96, 132)},
    "red": {"blush": (255, 176, 176)},
    "black": {"line": (226, 226, 232), "tyre": (70, 70, 78)},
    "brown": {"wood": (92, 56, 30), "wood_dark": (66, 40, 22), "coffee": (60, 36, 22)},
}
# Shades that the general rule (towards white, towards black) gets wrong.
_SHADES: Final[dict[str, dict[str, Rgb]]] = {
    "white": {
        "light": (226, 231, 241),
        "dark": (206, 211, 222),
        "shade": (186, 191, 204),
        "outline": (104, 106, 122),
    },
    "black": {
        "light": (88, 88, 98),
        "dark": (18, 18, 22),
        "shade": (58, 58, 66),
        "outline": (6, 6, 8),
    },
    "yellow": {"dark": (226, 184, 30), "shade": (202, 158, 24), "outline": (128, 96, 8)},
}


def _mixed(one: Rgb, other: Rgb, percent: int) -> Rgb:
    """``percent`` of the other in the one."""
    red, green, blue = (
        (a * (100 - percent) + b * percent) // 100 for a, b in zip(one, other, strict=True)
    )
    return red, green, blue


@cache
def paints_of(colour: str, tone: int) -> dict[str, Rgb]:
    """Mix the paints for a thing of one colour.

    Args:
        colour: One of ``vocabulary.COLOURS``.
        tone: 0 (a little darker) to 6 (a little lighter); 3 is the colour itself.

    Returns:
        RGB by the name of the paint. Shared: do not change it.
    """
    main = COLOURS[colour]
    step = (tone - NUM_TONES // 2) * 3
    main = _mixed(main, (255, 255, 255) if step > 0 else (0, 0, 0), abs(step))
    paints = {
        "main": main,
        "light": _mixed(main, (255, 255, 255), 48),
        "dark": _mixed(main, (0, 0, 0), 26),
        "shade": _mixed(main, (0, 0, 0), 42),
        "outline": _mixed(main, (0, 0, 0), 62),
    }
    return _MATERIALS | paints | _SHADES.get(colour, {}) | _EXCEPTIONS.get(colour, {})
