"""Plane geometry for the drawings, in whole numbers.

A thing is drawn in a square of 1000 units whose middle is (0, 0), with y pointing down. Sines
come from a table: a drawing must not depend on the mathematics library of the machine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

Point = tuple[int, int]
Polygon = tuple[Point, ...]

# fmt: off
_QUARTER = (  # 10000 * sin(0°), sin(1°), … sin(90°), rounded
    0, 175, 349, 523, 698, 872, 1045, 1219, 1392, 1564, 1736, 1908, 2079, 2250, 2419, 2588, 2756,
    2924, 3090, 3256, 3420, 3584, 3746, 3907, 4067, 4226, 4384, 4540, 4695, 4848, 5000, 5150, 5299,
    5446, 5592, 5736, 5878, 6018, 6157, 6293, 6428, 6561, 6691, 6820, 6947, 7071, 7193, 7314, 7431,
    7547, 7660, 7771, 7880, 7986, 8090, 8192, 8290, 8387, 8480, 8572, 8660, 8746, 8829, 8910, 8988,
    9063, 9135, 9205, 9272, 9336, 9397, 9455, 9511, 9563, 9613, 9659, 9703, 9744, 9781, 9816, 9848,
    9877, 9903, 9925, 9945, 9962, 9976, 9986, 9994, 9998, 10000,
)
# fmt: on
UNIT = 10000  # what the tables mean by 1


@dataclass(frozen=True, slots=True)
class Part:
    """One filled polygon of a thing.

    Attributes:
        points: Its corners in the thing's square.
        paint: Which paint fills it; a name in ``painting.paints``.
        is_body: Whether it belongs to the silhouette, which gets an outline and a rim.
        is_lined: Whether its own outline shows on top of the parts behind it.
    """

    points: Polygon
    paint: str
    is_body: bool = False
    is_lined: bool = False


def sine(degrees: int) -> int:
    """10000 times the sine.

    Args:
        degrees: Any whole number of degrees.

    Returns:
        An integer in [-10000, 10000].

    Example:
        >>> sine(30), sine(-90), sine(405)
        (5000, -10000, 7071)
    """
    degrees %= 360
    if degrees > 180:
        return -sine(degrees - 180)
    return _QUARTER[degrees if degrees <= 90 else 180 - degrees]


def cosine(degrees: int) -> int:
    """10000 times the cosine.

    Args:
        degrees: Any whole number of degrees.

    Returns:
        An integer in [-10000, 10000].
    """
    return sine(degrees + 90)


def arc(centre: Point, radii: Point, *, start: int, stop: int, step: int = 15) -> Polygon:
    """Points on an ellipse; 0 degrees is to the right and 90 degrees is down.

    Args:
        centre: Middle of the ellipse.
        radii: Half its width and half its height.
        start: First angle in degrees.
        stop: Last angle in degrees, included; below ``start`` it runs backwards.
        step: Degrees between points.

    Returns:
        The points.
    """
    stride = step if stop >= start else -step
    angles = [*range(start, stop, stride), stop]
    return tuple(
        (
            centre[0] + radii[0] * cosine(angle) // UNIT,
            centre[1] + radii[1] * sine(angle) // UNIT,
        )
        for angle in angles
    )


def ellipse(centre: Point, radii: Point, *, tilt: int = 0, step: int = 15) -> Polygon:
    """A whole ellipse.

    Args:
        centre: Its middle.
        radii: Half its width and half its height, before it is tilted.
        tilt: Degrees clockwise.
        step: Degrees between points.

    Returns:
        The corners.
    """
    return turned(arc(centre, radii, start=0, stop=360 - step, step=step), tilt, centre)


def box(left: int, top: int, right: int, bottom: int) -> Polygon:
    """A rectangle.

    Args:
        left: Least x.
        top: Least y.
        right: Greatest x.
        bottom: Greatest y.

    Returns:
        Its four corners.
    """
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def stroke(start: Point, stop: Point, width: int) -> Polygon:
    """A straight bar.

    Args:
        start: Middle of one end.
        stop: Middle of the other end.
        width: Its width.

    Returns:
        Its four corners.
    """
    across, down = stop[0] - start[0], stop[1] - start[1]
    length = max(1, math.isqrt(across * across + down * down))
    aside = (-down * width // (2 * length), across * width // (2 * length))
    return (
        (start[0] + aside[0], start[1] + aside[1]),
        (stop[0] + aside[0], stop[1] + aside[1]),
        (stop[0] - aside[0], stop[1] - aside[1]),
        (start[0] - aside[0], start[1] - aside[1]),
    )


def ring(centre: Point, radius: int, width: int, *, start: int = 0, stop: int = 360) -> Polygon:
    """A bent bar: part of a ring.

    Args:
        centre: Middle of the ring.
        radius: From the middle to the middle of the bar.
        width: Width of the bar.
        start: First angle in degrees.
        stop: Last angle in degrees.

    Returns:
        The corners.
    """
    outer, inner = radius + width // 2, radius - width // 2
    return arc(centre, (outer, outer), start=start, stop=stop) + arc(
        centre, (inner, inner), start=stop, stop=start
    )


def turned(points: Polygon, degrees: int, centre: Point = (0, 0)) -> Polygon:
    """Turn points about a centre.

    Args:
        points: What to turn.
        degrees: Clockwise.
        centre: What stays in place.

    Returns:
        The turned points.
    """
    if degrees == 0:
        return points
    cos, sin = cosine(degrees), sine(degrees)
    x0, y0 = centre
    return tuple(
        (
            x0 + ((x - x0) * cos - (y - y0) * sin) // UNIT,
            y0 + ((x - x0) * sin + (y - y0) * cos) // UNIT,
        )
        for x, y in points
    )


def grown(points: Polygon, margin: int) -> Polygon:
    """Push every side of a polygon outwards; sharp corners are cut at twice the margin.

    Args:
        points: The corners, in either direction.
        margin: How far.

    Returns:
        As many corners.
    """
    around = list(zip(points, points[1:] + points[:1], strict=True))
    turn = 1 if sum(a[0] * b[1] - b[0] * a[1] for a, b in around) > 0 else -1
    normals: list[tuple[float, float]] = []
    for (x0, y0), (x1, y1) in around:
        across, down = x1 - x0, y1 - y0
        # sqrt and division are exact to the last bit by IEEE 754, on every machine.
        length = math.sqrt(across * across + down * down) or 1.0
        normals.append((turn * down / length, -turn * across / length))
    corners = []
    for here, (x, y) in enumerate(points):
        (ax, ay), (bx, by) = normals[here - 1], normals[here]
        reach = margin / max(0.25, (1.0 + ax * bx + ay * by))
        corners.append((round(x + (ax + bx) * reach), round(y + (ay + by) * reach)))
    return tuple(corners)
