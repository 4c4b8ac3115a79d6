"""Backgrounds: what a place looks like behind the things.

Nothing in a background is one of the world's kinds, or as big as the smallest thing.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from PIL import Image, ImageDraw

from pairsift.storybook.outlines import arc
from pairsift.storybook.rng import Draws
from pairsift.storybook.vocabulary import Rgb

_NUM_TONES: Final = 5
# Colours at the top and at the bottom of the sky.
_SKIES: Final[dict[str, tuple[Rgb, Rgb]]] = {
    "day": ((112, 190, 246), (214, 238, 252)),
    "night": ((16, 20, 62), (58, 60, 122)),
    "meadow": ((176, 222, 248), (226, 244, 250)),
    "desert": ((250, 226, 178), (255, 242, 214)),
    "sea": ((190, 226, 246), (226, 242, 250)),
    "snow": ((186, 200, 222), (222, 230, 242)),
    "paper": ((252, 248, 236), (248, 243, 229)),
}


@lru_cache(maxsize=128)
def _sky(place: str, tone: int, canvas: int) -> Image.Image:
    """The gradient that a scene is painted on; shared, so copy it."""
    top, bottom = _SKIES[place]
    column = Image.new("RGB", (1, canvas))
    shift = (tone - _NUM_TONES // 2) * 3
    for y in range(canvas):
        red, green, blue = (
            max(0, min(255, (a * (canvas - 1 - y) + b * y) // (canvas - 1) + shift))
            for a, b in zip(top, bottom, strict=True)
        )
        column.putpixel((0, y), (red, green, blue))
    return column.resize((canvas, canvas), Image.Resampling.NEAREST)


class _Brush:
    """Paints in 1024ths of the side."""

    def __init__(self, image: Image.Image) -> None:
        self._draw = ImageDraw.Draw(image)
        self._canvas = image.width

    def polygon(self, points: list[tuple[int, int]], colour: Rgb) -> None:
        canvas = self._canvas
        self._draw.polygon([(x * canvas >> 10, y * canvas >> 10) for x, y in points], fill=colour)

    def dot(self, x: int, y: int, radius: int, colour: Rgb) -> None:
        canvas = self._canvas
        self._draw.ellipse(
            (
                (x - radius) * canvas >> 10,
                (y - radius) * canvas >> 10,
                (x + radius) * canvas >> 10,
                (y + radius) * canvas >> 10,
            ),
            fill=colour,
        )

    def bar(self, left: int, top: int, right: int, bottom: int, colour: Rgb) -> None:
        canvas = self._canvas
        self._draw.rectangle(
            (left * canvas >> 10, top * canvas >> 10, right * canvas >> 10, bottom * canvas >> 10),
            fill=colour,
        )

    def hill(self, heights: tuple[int, int, int, int], colour: Rgb) -> None:
        """Ground below a soft line through four heights, from left to right."""
        a, b, c, d = heights
        line = []
        for step in range(9):
            # Bernstein weights of a cubic over eighths, which sum to 512.
            s, t = 8 - step, step
            y = a * s * s * s + 3 * b * s * s * t + 3 * c * s * t * t + d * t * t * t
            line.append((step * 128, y // 512))
        self.polygon([*line, (1040, 1040), (-16, 1040)], colour)


def _heights(draws: Draws, middle: int, swing: int) -> tuple[int, int, int, int]:
    low, high = middle - swing, middle + swing
    return (
        draws.between(low, high),
        draws.between(low, high),
        draws.between(low, high),
        draws.between(low, high),
    )


def _paint_day(brush: _Brush, draws: Draws) -> None:
    x = 0 if draws.chance(50) else 1024
    for radius, colour in ((330, (255, 246, 200)), (235, (255, 238, 150)), (150, (255, 226, 96))):
        brush.dot(x, 0, radius, colour)
    for _ in range(3):
        y = draws.between(340, 960)
        left = draws.between(-200, 700)
        brush.bar(left, y, left + draws.between(200, 420), y + 14, (236, 247, 254))


def _paint_night(brush: _Brush, draws: Draws) -> None:
    for _ in range(14):
        brush.dot(draws.below(1024), draws.below(900), draws.between(3, 6), (196, 200, 236))
    brush.hill(_heights(draws, 900, 60), (24, 26, 66))


def _paint_meadow(brush: _Brush, draws: Draws) -> None:
    brush.hill(_heights(draws, 430, 90), (178, 220, 138))
    brush.hill(_heights(draws, 640, 90), (150, 206, 112))
    for _ in range(12):
        x, y = draws.below(1024), draws.between(640, 1000)
        brush.polygon([(x - 16, y), (x - 22, y - 34), (x - 4, y - 8), (x + 4, y - 44),
                       (x + 8, y - 8), (x + 26, y - 30), (x + 16, y)], (112, 176, 82))  # fmt: skip


def _paint_desert(brush: _Brush, draws: Draws) -> None:
    for middle, colour in ((470, (240, 206, 140)), (650, (232, 192, 120)), (850, (224, 180, 106))):
        brush.hill(_heights(draws, middle, 80), colour)
    for _ in range(7):
        x, y = draws.below(960), draws.between(600, 1010)
        width = draws.between(60, 160)
        brush.bar(x, y, x + width, y + 7, (206, 158, 88))
        brush.bar(x + 24, y + 20, x + width // 2, y + 27, (206, 158, 88))


def _paint_sea(brush: _Brush, draws: Draws) -> None:
    rows = ((330, (116, 188, 224)), (550, (92, 170, 214)), (770, (72, 152, 202)))
    for middle, colour in rows:
        start = draws.below(256)
        top = middle + draws.between(-30, 30)
        crest = [(-256, 1040), (-256, top)]
        for wave in range(6):
            left = wave * 256 - start
            crest += arc((left + 128, top), (128, 30), start=180, stop=0, step=36)
        brush.polygon([*crest, (1300, 1040)], colour)
    for _ in range(6):
        x, y = draws.below(960), draws.between(450, 1000)
        brush.bar(x, y, x + draws.between(40, 110), y + 9, (176, 220, 240))


def _paint_snow(brush: _Brush, draws: Draws) -> None:
    brush.hill(_heights(draws, 480, 80), (226, 233, 244))
    brush.hill(_heights(draws, 690, 80), (240, 244, 250))
    for _ in range(26):
        brush.dot(draws.below(1024), draws.below(1024), draws.between(7, 14), (255, 255, 255))


def _paint_paper(brush: _Brush, draws: Draws) -> None:
    gap = draws.between(84, 110)
    for y in range(gap, 1024, gap):
        brush.bar(0, y, 1024, y + 5, (206, 220, 234))
    x = draws.between(60, 130)
    brush.bar(x, 0, x + 6, 1024, (240, 190, 190))


_PAINTERS: Final = {
    "day": _paint_day,
    "night": _paint_night,
    "meadow": _paint_meadow,
    "desert": _paint_desert,
    "sea": _paint_sea,
    "snow": _paint_snow,
    "paper": _paint_paper,
}


def paint_place(place: str, layout: int, canvas: int) -> Image.Image:
    """Paint an empty place.

    Args:
        place: One of ``vocabulary.PLACES``.
        layout: The scene's; it settles hills, waves and other details.
        canvas: Side of the square in pixels.

    Returns:
        A new RGB picture.
    """
    draws = Draws(layout, 0, "place")
    image = _sky(place, draws.below(_NUM_TONES), canvas).copy()
    _PAINTERS[place](_Brush(image), draws)
    return image
