"""From a scene to a picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pairsift.storybook.outlines import cosine, grown, sine
from pairsift.storybook.paints import NUM_TONES, paints_of
from pairsift.storybook.placement import SIDE, Spot, place_things
from pairsift.storybook.places import paint_place
from pairsift.storybook.rng import Draws
from pairsift.storybook.scenes import Group, Scene
from pairsift.storybook.things_simple import NUM_VARIANTS, build_thing
from pairsift.storybook.vocabulary import CATEGORY_OF

OVERSAMPLING: Final = 3  # pictures are painted this much larger, then averaged down
_MOST_TILT: Final = {"buildings": 3, "shapes": 4}  # degrees
_USUAL_TILT: Final = 6
# Widths of outline and rim in 1000ths of the thing, by its width: lines look alike in pixels.
_LINES: Final = ((240, 40, 80), (340, 30, 58), (10_000, 22, 42))


@dataclass(frozen=True, slots=True)
class _Stencil:
    """All polygons of a thing in one array: rims, then outlines, then parts."""

    points: NDArray[np.int64]  # (2, P)
    paints: tuple[str, ...]
    ends: tuple[int, ...]  # where each polygon ends, in numbers of a flat list x0, y0, x1, …
    extent: int  # the whole width of the thing with its rim


@cache
def _stencil(kind: str, variant: int, outline: int, rim: int) -> _Stencil:
    parts = build_thing(kind, variant)
    bodies = [part for part in parts if part.is_body]
    polygons = [(grown(part.points, rim), "rim") for part in bodies]
    polygons += [(grown(part.points, outline), "outline") for part in bodies]
    for part in parts:
        if part.is_lined:
            polygons.append((grown(part.points, outline * 3 // 4), "outline"))
        polygons.append((part.points, part.paint))
    ends, total = [], 0
    for points, _ in polygons:
        total += 2 * len(points)
        ends.append(total)
    array = np.array([point for points, _ in polygons for point in points], dtype=np.int64)
    return _Stencil(
        points=np.ascontiguousarray(array.T),
        paints=tuple(paint for _, paint in polygons),
        ends=tuple(ends),
        extent=1000 + 2 * rim,
    )


def _draw_thing(
    draw: ImageDraw.ImageDraw, stencil: _Stencil, spot: Spot, *, tilt: int, flip: int, squeeze: int,
    paints: dict[str, tuple[int, int, int]], canvas: int,
) -> None:  # fmt: skip
    # Thing units to canvas pixels in fixed point with 20 bits after the point.
    scale = (spot.width * canvas << 20) // (SIDE * stencil.extent)
    across, down = scale * flip * squeeze // 100, scale
    cos, sin = cosine(tilt), sine(tilt)
    x, y = stencil.points
    half = 1 << 19
    flat = np.empty((x.size, 2), dtype=np.int64)
    xs, ys = x * across, y * down
    flat[:, 0] = ((xs * cos - ys * sin) // 10_000 + (spot.x * canvas << 10) + half) >> 20
    flat[:, 1] = ((xs * sin + ys * cos) // 10_000 + (spot.y * canvas << 10) + half) >> 20
    numbers = flat.ravel().tolist()
    start = 0
    for paint, end in zip(stencil.paints, stencil.ends, strict=True):
        draw.polygon(numbers[start:end], fill=paints[paint])
        start = end


def _draw_group(
    draw: ImageDraw.ImageDraw, group: Group, spots: tuple[Spot, ...], *, draws: Draws, canvas: int
) -> None:
    variant = draws.below(NUM_VARIANTS)
    tone = draws.between(1, NUM_TONES - 2)
    most_tilt = _MOST_TILT.get(CATEGORY_OF[group.kind], _USUAL_TILT)
    flip = draws.choose((-1, 1))
    for spot in spots:
        outline, rim = next((o, r) for width, o, r in _LINES if spot.width < width)
        _draw_thing(
            draw,
            _stencil(group.kind, variant, outline, rim),
            spot,
            tilt=draws.between(-most_tilt, most_tilt),
            flip=-flip if draws.chance(25) else flip,
            squeeze=draws.between(92, 100),
            paints=paints_of(group.colour, tone + draws.between(-1, 1)),
            canvas=canvas,
        )


def draw_scene(scene: Scene, *, side: int = 128) -> Image.Image:
    """Draw a scene.

    Args:
        scene: What to draw; the same scene always gives the same pixels.
        side: Width and height in pixels, at least 32. Nothing is drawn smaller than a ninth
            of it.

    Returns:
        An RGB picture of ``side`` by ``side`` pixels.

    Example:
        >>> from pairsift.storybook.scenes import make_scene
        >>> draw_scene(make_scene(1, 0)).size
        (128, 128)
    """
    canvas = side * OVERSAMPLING
    image = paint_place(scene.place, scene.layout, canvas)
    draw = ImageDraw.Draw(image)
    draws = Draws(scene.layout, 0, "things")
    for group, spots in zip(scene.groups, place_things(scene), strict=True):
        _draw_group(draw, group, spots, draws=draws, canvas=canvas)
    return image.reduce(OVERSAMPLING)
