"""Vehicles, buildings and household things have what one knows them by."""

import pytest

from pairsift.storybook import things_made as made


def paints(parts: made.Parts) -> list[str]:
    return [part.paint for part in parts]


@pytest.mark.parametrize(
    ("parts", "mark"),
    [
        (made.car(0), "tyre"),
        (made.boat(0), "light"),
        (made.rocket(0), "flame"),
        (made.house(0), "window"),
        (made.castle(0), "window"),
        (made.cup(0), "coffee"),
        (made.lamp(0), "glow"),
        (made.umbrella(0), "wood"),
    ],
)
def test_marks(parts: made.Parts, mark: str) -> None:
    assert mark in paints(parts)


def test_a_windmill_has_four_sails() -> None:
    for variant in range(4):
        assert paints(made.windmill(variant)).count("light") == 4


def test_a_castle_has_two_roofs_or_none() -> None:
    assert sum(len(part.points) == 3 for part in made.castle(1)) == 2
    assert sum(len(part.points) == 3 for part in made.castle(0)) == 0
