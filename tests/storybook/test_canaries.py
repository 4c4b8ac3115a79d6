"""Canaries are fixed, and right and wrong are what they say."""

from collections import Counter

from pairsift.storybook.canaries import EASY_CANARIES, draw_canary, hard_canaries


def test_easy() -> None:
    assert len(EASY_CANARIES) >= 8
    assert len({canary.name for canary in EASY_CANARIES}) == len(EASY_CANARIES)
    for canary in EASY_CANARIES:
        group = canary.scene.groups[0]
        assert group.kind in canary.right
        assert group.kind not in canary.wrong
        assert draw_canary(canary).size == (256, 256)


def test_hard() -> None:
    canaries = hard_canaries()
    attributes = Counter(canary.name.split()[0] for canary in canaries)
    assert attributes == {"colour": 16, "count": 16, "relation": 16, "kind": 16}
    assert all(canary.right != canary.wrong for canary in canaries)
    assert len({canary.scene for canary in canaries}) == 64
