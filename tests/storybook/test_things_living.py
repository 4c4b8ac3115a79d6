"""Animals, plants and food have what one knows them by."""

from pairsift.storybook import things_living as living


def paints(parts: living.Parts) -> set[str]:
    return {part.paint for part in parts}


def test_marks() -> None:
    assert "line" in paints(living.cat(0))  # whiskers
    assert "beak" in paints(living.duck(0))
    assert "wood" in paints(living.tree(0))
    assert {"leaf", "pollen"} <= paints(living.flower(0))
    assert "cream" in paints(living.mushroom(0))
    assert {"leaf", "wood"} <= paints(living.apple(0))
    assert "wafer" in paints(living.ice_cream(0))
    assert "flame" in paints(living.cake(0))


def test_flowers_have_five_to_eight_petals() -> None:
    petals = [sum(p.paint == "main" for p in living.flower(variant)) for variant in range(4)]
    assert petals == [5, 6, 7, 8]


def test_the_fish_has_one_eye_and_the_cat_two() -> None:
    assert sum(part.paint == "ink" for part in living.cat(0)) == 2
    assert sum(part.paint == "bright" for part in living.fish(0)) == 1
