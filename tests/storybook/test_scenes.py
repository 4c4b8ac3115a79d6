"""Scenes keep to the world's rules and reach all of it."""

from hypothesis import given
from hypothesis import strategies as st

from pairsift.storybook.scenes import Group, Scene, category_of, make_scene, relation_between
from pairsift.storybook.vocabulary import CATEGORY_OF, COLOURS, DIRECTIONS, KINDS, PLACES, SIZES


@given(st.integers(), st.integers(0, 2**63))
def test_rules(seed: int, index: int) -> None:
    scene = make_scene(seed, index)
    assert scene.place in PLACES
    assert (scene.relation in DIRECTIONS) is (len(scene.groups) == 2)
    most = 6 if len(scene.groups) == 1 else 3
    for group in scene.groups:
        assert group.kind in KINDS
        assert group.colour in COLOURS
        assert group.size in SIZES
        assert 1 <= group.count <= most
    assert len({group.kind for group in scene.groups}) == len(scene.groups)


def test_all_of_the_world_is_reached() -> None:
    scenes = [make_scene(1, index) for index in range(3000)]
    groups = [group for scene in scenes for group in scene.groups]
    assert {(group.kind, group.colour) for group in groups} == {
        (kind, colour) for kind in KINDS for colour in COLOURS
    }
    assert {group.count for group in groups} == {1, 2, 3, 4, 5, 6}
    assert 1350 < sum(len(scene.groups) == 1 for scene in scenes) < 1650


def test_relation_between() -> None:
    pair = (Group("cat", "red", 1, "big"), Group("cup", "red", 1, "big"))
    scene = Scene("day", pair, "left of", 0)
    assert relation_between(scene, 0, 1) == "left of"
    assert relation_between(scene, 1, 0) == "right of"
    assert relation_between(scene, 1, 1) is None
    assert category_of(scene) == CATEGORY_OF["cat"] == "animals"
