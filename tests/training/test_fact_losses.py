import numpy as np
import pytest
import torch

from pairsift.storybook.captions import make_caption
from pairsift.storybook.scenes import make_scene
from training.claims import encode_claims
from training.fact_losses import claims_loss, facts_loss
from training.truth import NUM_FACTS, encode_scenes, facts

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
    assert float(claims_loss(right[plain], claims[both][plain])) < 1e-3
    assert float(claims_loss(wrong, claims[both])) > 5
