import numpy as np
import pytest
import torch

from pairsift.storybook.captions import make_caption
from pairsift.storybook.phrasing import Claims, GroupClaim
from pairsift.storybook.scenes import make_scene
from pairsift.storybook.vocabulary import DIRECTIONS, KINDS
from training.claims import encode_claims
from training.fact_losses import claims_loss, facts_loss, middles_loss, spots_loss
from training.pictures import group_middles
from training.truth import FACTS_OF_A_KIND, NUM_FACTS, encode_scenes, facts

pytestmark = pytest.mark.torch


def test_saying_all_facts_right_costs_nothing() -> None:
    target = torch.from_numpy(facts(encode_scenes([make_scene(1, n) for n in range(40)])))
    loss, told = facts_loss((target - 0.5) * 60, target)
    assert float(loss) < 1e-3
    assert set(told.values()) == {1.0}
    assert facts_loss(torch.zeros_like(target), target)[0] > 5


def test_claims_are_the_facts_that_are_said() -> None:
    scenes = [make_scene(1, index) for index in range(40)]
    full = [make_caption(scene, 1, n, detail="full").claims for n, scene in enumerate(scenes)]
    claims = encode_claims(full)
    told = torch.from_numpy(facts(encode_scenes(scenes)))
    both = np.array([len(claim.groups) == len(scenes[n].groups) for n, claim in enumerate(full)])
    right, wrong = (told[both] - 0.5) * 60, torch.zeros(int(both.sum()), NUM_FACTS)
    plain = np.array([claim.place == scenes[n].place for n, claim in enumerate(full)])[both]
    assert float(claims_loss(right[plain], claims[both][plain], sides_weight=4)) < 1e-3
    assert float(claims_loss(wrong, claims[both], sides_weight=4)) > 5


def test_middles_are_compared_kind_by_kind() -> None:
    scenes = [make_scene(1, index) for index in range(40)]
    rows, middles = encode_scenes(scenes), np.stack([group_middles(scene) for scene in scenes])
    right = torch.zeros(len(scenes), len(KINDS), 2)
    for scene, guess, middle in zip(scenes, right, middles, strict=True):
        for group, point in zip(scene.groups, middle, strict=False):
            guess[KINDS.index(group.kind)] = torch.from_numpy(point)
    assert float(middles_loss(right.flatten(1), rows, middles)) < 1e-6
    assert float(middles_loss(right.flatten(1) + 0.5, rows, middles)) == pytest.approx(0.5)


def test_a_spot_is_where_a_patch_is_under_what_it_shows() -> None:
    kinds = torch.tensor([3, len(KINDS), 0])
    numbers = torch.tensor([0, 4, 35])  # the first, one that shows nothing, and the last
    right = torch.zeros(3, 2 * len(KINDS))
    right[0, 6:8] = -5 / 6
    right[1] = 9.0
    right[2, 0:2] = 5 / 6
    assert float(spots_loss(right, kinds, numbers)) == pytest.approx(0, abs=1e-9)
    swapped = right[:, torch.arange(2 * len(KINDS)).view(-1, 2).flip(1).flatten()]
    assert float(spots_loss(swapped.neg(), kinds, numbers)) > 1
    assert float(spots_loss(right * 0, kinds, numbers)) == pytest.approx(25 / 18, abs=1e-6)


def test_a_relation_is_two_sides() -> None:
    cat, cup = GroupClaim("cat", None, None, None), GroupClaim("cup", None, None, None)
    said = encode_claims([Claims(None, (cat, cup), "left of"), Claims(None, (cat, cup), "next to")])
    fact = torch.zeros(2, NUM_FACTS)
    kinds = fact.view(-1)[: 2 * NUM_FACTS].view(2, NUM_FACTS)[:, : len(KINDS) * FACTS_OF_A_KIND]
    sides = kinds.unflatten(1, (len(KINDS), FACTS_OF_A_KIND))[:, :, -len(DIRECTIONS) :]
    left, right = DIRECTIONS.index("left of"), DIRECTIONS.index("right of")
    before = float(claims_loss(fact, said, sides_weight=4))
    sides[0, KINDS.index("cat"), left] = sides[0, KINDS.index("cup"), right] = 30
    assert float(claims_loss(fact, said, sides_weight=4)) == pytest.approx(
        before - 8 * np.log(4), abs=1e-4
    )
    sides[0] = sides[0].roll(1, 1)
    assert float(claims_loss(fact, said, sides_weight=4)) > before + 20
