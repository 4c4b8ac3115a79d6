"""Things can be counted, and relations seen."""

from hypothesis import given
from hypothesis import strategies as st

from pairsift.storybook.placement import SIDE, Spot, place_things
from pairsift.storybook.scenes import make_scene


def box(spots: tuple[Spot, ...]) -> tuple[int, int, int, int]:
    return (
        min(s.x - s.width // 2 for s in spots),
        min(s.y - s.width // 2 for s in spots),
        max(s.x + s.width // 2 for s in spots),
        max(s.y + s.width // 2 for s in spots),
    )


@given(st.integers(0, 2**32), st.integers(0, 2**32))
def test_promises(seed: int, index: int) -> None:
    scene = make_scene(seed, index)
    placed = place_things(scene)
    assert [len(spots) for spots in placed] == [group.count for group in scene.groups]
    every = [spot for spots in placed for spot in spots]
    left, top, right, bottom = box(tuple(every))
    assert min(left, top) >= 0
    assert max(right, bottom) <= SIDE
    for n, one in enumerate(every):
        for other in every[:n]:
            gap = max(abs(one.x - other.x), abs(one.y - other.y))
            assert gap - (one.width + other.width) // 2 >= 20
    for group, spots in zip(scene.groups, placed, strict=True):
        for spot in spots:
            assert spot.width * 9 >= SIDE
            assert spot.width <= 212 if group.size == "small" else spot.width >= 256


@given(st.integers(0, 2**32), st.integers(0, 2**32))
def test_relation_is_plain(seed: int, index: int) -> None:
    scene = make_scene(seed, index)
    if scene.relation is None:
        return
    one, other = (box(spots) for spots in place_things(scene))
    axis = 1 if scene.relation in ("above", "below") else 0
    first, second = (one, other) if scene.relation in ("above", "left of") else (other, one)
    assert second[axis] - first[axis + 2] >= 48
    # Twice the distance between the middles, along and across.
    along = second[axis] + second[axis + 2] - first[axis] - first[axis + 2]
    across = abs(one[1 - axis] + one[3 - axis] - other[1 - axis] - other[3 - axis])
    assert along > 2 * across
