"""Every thing can be built, stays in its square, and differs from every other."""

import pytest

from pairsift.storybook.paints import paints_of
from pairsift.storybook.things_simple import NUM_VARIANTS, build_thing
from pairsift.storybook.vocabulary import COLOURS, KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_things_stay_in_their_square(kind: str) -> None:
    for variant in range(NUM_VARIANTS):
        points = [point for part in build_thing(kind, variant) for point in part.points]
        extent = max(max(abs(x), abs(y)) for x, y in points)
        assert 400 <= extent <= 540


@pytest.mark.parametrize("kind", KINDS)
def test_things_show_their_colour_and_know_their_paints(kind: str) -> None:
    for variant in range(NUM_VARIANTS):
        parts = build_thing(kind, variant)
        assert any(part.paint == "main" and part.is_body for part in parts)
        for colour in COLOURS:
            assert {part.paint for part in parts} <= set(paints_of(colour, 3))


def test_variants_differ() -> None:
    built = {(kind, build_thing(kind, n)) for kind in KINDS for n in range(NUM_VARIANTS)}
    # Plain shapes apart, every variant is another drawing.
    assert len({parts for _, parts in built}) >= 24 * NUM_VARIANTS - 2
