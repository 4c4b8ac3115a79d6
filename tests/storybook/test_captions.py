"""Right captions are true, wrong ones false by exactly one fact."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairsift.storybook.captions import (
    ATTRIBUTES,
    DETAILS,
    MANY,
    Claims,
    GroupClaim,
    is_true,
    make_caption,
    wrong_caption,
)
from pairsift.storybook.scenes import Group, Scene, make_scene

SCENE = Scene(
    "meadow", (Group("cat", "red", 3, "big"), Group("cup", "blue", 1, "small")), "above", 0
)


def facts(claims: Claims) -> dict[str, object]:
    flat: dict[str, object] = {"place": claims.place, "relation": claims.relation}
    for n, group in enumerate(claims.groups):
        flat |= {
            f"{n} {name}": getattr(group, name) for name in ("kind", "colour", "count", "size")
        }
    return flat


@given(st.integers(0, 2**32), st.integers(0, 10**9), st.sampled_from(DETAILS), st.integers(0, 3))
def test_captions_are_true(seed: int, index: int, detail: str, variant: int) -> None:
    scene = make_scene(seed, index)
    caption = make_caption(scene, seed, index, detail=detail, variant=variant)
    assert is_true(caption.claims, scene)
    assert caption.text == caption.text.strip()
    assert "  " not in caption.text


@given(
    st.integers(0, 2**32),
    st.integers(0, 10**9),
    st.sampled_from(ATTRIBUTES),
    st.sampled_from(DETAILS),
)
def test_wrong_captions_are_false_by_one_fact(
    seed: int, index: int, attribute: str, detail: str
) -> None:
    scene = make_scene(seed, index)
    caption = make_caption(scene, seed, index, detail=detail)
    wrong = wrong_caption(caption, scene, attribute, seed, index)
    before = facts(caption.claims)
    if wrong is None:
        named = [value for name, value in before.items() if name.split()[-1] == attribute]
        assert attribute == "kind" or not any(value is not None for value in named)
        return
    assert not is_true(wrong.claims, scene)
    after = facts(wrong.claims)
    changed = [name for name in before if before[name] != after[name]]
    assert len(changed) == 1
    assert changed[0].split()[-1] == attribute
    assert wrong.text != caption.text
    assert (wrong.style, wrong.wording) == (caption.style, caption.wording)


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        (Claims(None, (GroupClaim("cat", None, 3, None),), None), True),
        (Claims(None, (GroupClaim("cat", None, MANY, None),), None), True),
        (Claims(None, (GroupClaim("cup", None, MANY, None),), None), False),
        (Claims(None, (GroupClaim("cat", None, 1, None),), None), False),
        (Claims(None, (GroupClaim("animals", "red", None, "big"),), None), True),
        (Claims(None, (GroupClaim("animals", "blue", None, None),), None), False),
        (Claims("day", (GroupClaim("cat", None, None, None),), None), True),
        (Claims("paper", (GroupClaim("cat", None, None, None),), None), False),
    ],
)
def test_one_claim(claims: Claims, expected: bool) -> None:
    assert is_true(claims, SCENE) is expected


@pytest.mark.parametrize("direction", ["above", "below", "left of", "right of"])
@pytest.mark.parametrize("claimed", ["above", "below", "left of", "right of", "next to"])
def test_relations(direction: str, claimed: str) -> None:
    scene = Scene("day", SCENE.groups, direction, 0)
    cat, cup = (GroupClaim(kind, None, None, None) for kind in ("cat", "cup"))
    sideways = claimed == "next to" and direction in ("left of", "right of")
    assert is_true(Claims(None, (cat, cup), claimed), scene) is (claimed == direction or sideways)
    opposite = {"above": "below", "below": "above", "left of": "right of", "right of": "left of"}
    turned = claimed == opposite[direction] or sideways
    assert is_true(Claims(None, (cup, cat), claimed), scene) is turned


def test_two_claims_need_two_groups() -> None:
    cat = GroupClaim("cat", None, None, None)
    assert not is_true(Claims(None, (cat, cat), None), SCENE)


def test_captions_leave_things_unsaid_but_not_too_much() -> None:
    said: Counter[str] = Counter()
    for index in range(1000):
        scene = make_scene(8, index)
        caption = make_caption(scene, 8, index)
        for attribute in ATTRIBUTES:
            if wrong_caption(caption, scene, attribute, 8, index) is not None:
                said[attribute] += 1
    assert said["kind"] == 1000
    assert said["colour"] > 850
    assert said["count"] > 950
    assert 400 < said["place"] < 600
    assert 150 < said["relation"] < 350
    assert 250 < said["size"] < 450


def test_vague_captions_say_less() -> None:
    def num_facts(detail: str) -> int:
        captions = (make_caption(make_scene(4, n), 4, n, detail=detail) for n in range(200))
        return sum(v is not None for c in captions for v in facts(c.claims).values())

    assert num_facts("vague") < num_facts("usual") < num_facts("full")
