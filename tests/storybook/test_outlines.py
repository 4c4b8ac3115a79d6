"""Geometry in whole numbers."""

import math

from pairsift.storybook.outlines import (
    arc,
    box,
    cosine,
    ellipse,
    grown,
    ring,
    sine,
    stroke,
    turned,
)


def test_sines() -> None:
    for degrees in range(-400, 400):
        assert abs(sine(degrees) - 10_000 * math.sin(math.radians(degrees))) <= 0.51
        assert abs(cosine(degrees) - 10_000 * math.cos(math.radians(degrees))) <= 0.51


def test_grown_square() -> None:
    assert set(grown(box(-10, -10, 10, 10), 5)) == set(box(-15, -15, 15, 15))
    assert set(grown(box(-10, -10, 10, 10)[::-1], 5)) == set(box(-15, -15, 15, 15))


def test_grown_spike_is_cut() -> None:
    spike = ((0, 0), (1000, 10), (1000, -10))
    assert max(abs(x) for x, _ in grown(spike, 10)) <= 1040


def test_turned() -> None:
    assert turned(((10, 0),), 90) == ((0, 10),)
    assert turned(((10, 5),), 0) == ((10, 5),)


def test_arc_runs_both_ways() -> None:
    there = arc((0, 0), (100, 100), start=0, stop=90)
    assert there[0] == (100, 0)
    assert there[-1] == (0, 100)
    assert arc((0, 0), (100, 100), start=90, stop=0) == there[::-1]


def test_shapes() -> None:
    assert len(ellipse((0, 0), (10, 5))) == 24
    assert stroke((0, 0), (0, 100), 20) == ((-10, 0), (-10, 100), (10, 100), (10, 0))
    assert len(ring((0, 0), 50, 10, start=0, stop=90)) == 14
