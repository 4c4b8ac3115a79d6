import numpy as np

from pairsift.storybook.scenes import Group, Scene, make_scene
from training.truth import (
    FACTS_OF_A_KIND,
    NUM_FACTS,
    decode_scene,
    encode_scenes,
    facts,
    mirror,
    perturb,
)


def some_scenes(count: int = 200) -> list[Scene]:
    return [make_scene(8, index) for index in range(count)]


def test_a_row_turns_back_into_its_scene() -> None:
    scenes = some_scenes()
    rows = encode_scenes(scenes)
    back = [decode_scene(row, scene.layout) for row, scene in zip(rows, scenes, strict=True)]
    assert back == scenes


def test_flipping_exchanges_left_and_right_only() -> None:
    pair = (Group("cat", "red", 1, "big"), Group("cup", "blue", 2, "small"))
    rows = encode_scenes([Scene("day", pair, name, 0) for name in ("left of", "above")])
    flipped = mirror(rows, np.array([True, True]))
    assert [decode_scene(row).relation for row in flipped] == ["right of", "above"]
    np.testing.assert_array_equal(mirror(rows, np.array([False, False])), rows)


def test_a_neighbour_is_a_scene_that_differs() -> None:
    rows = encode_scenes(some_scenes())
    near = perturb(rows, np.random.default_rng(3))
    assert (near != rows).any(1).all()
    for row in near:
        scene = decode_scene(row)
        assert len({group.kind for group in scene.groups}) == len(scene.groups)
        assert (scene.relation is None) == (len(scene.groups) == 1)


def test_facts_count_what_is_there() -> None:
    pair = (Group("cat", "red", 1, "big"), Group("cup", "blue", 2, "small"))
    rows = encode_scenes([Scene("day", pair, "above", 0), Scene("day", pair[:1], None, 0)])
    got = facts(rows)
    assert got.shape == (2, NUM_FACTS)
    # There, colour, count, size and side of each group, and the place; a lone group has no side.
    assert got.sum(1).tolist() == [11, 5]
    assert got[0, :FACTS_OF_A_KIND].sum() == 5
