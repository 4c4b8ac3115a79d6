"""Paints keep their colour and can be told from each other."""

import pytest

from pairsift.storybook.paints import NUM_TONES, paints_of
from pairsift.storybook.vocabulary import COLOURS


@pytest.mark.parametrize("colour", list(COLOURS))
def test_tones_stay_near(colour: str) -> None:
    assert paints_of(colour, NUM_TONES // 2)["main"] == COLOURS[colour]
    for tone in range(NUM_TONES):
        main = paints_of(colour, tone)["main"]
        assert max(abs(a - b) for a, b in zip(main, COLOURS[colour], strict=True)) <= 24


@pytest.mark.parametrize("colour", list(COLOURS))
def test_shades_differ_from_the_colour(colour: str) -> None:
    paints = paints_of(colour, 3)
    for shade in ("light", "dark", "shade", "outline"):
        assert max(abs(a - b) for a, b in zip(paints[shade], paints["main"], strict=True)) >= 18
