import numpy as np
import pytest
import torch

from training.shapes import SHAPES
from training.stages import build_helpers
from training.towers import build_config
from training.truth import NUM_FACTS

pytestmark = pytest.mark.torch


def test_helpers_fit_both_shapes() -> None:
    special = {"start": 0, "end": 1, "pad": 0}
    for shape in SHAPES.values():
        config = build_config(shape, vocabulary_size=50, special_ids=special)
        helpers = build_helpers(shape, config)
        width = config.vision_config.hidden_size
        assert helpers["image_facts"](torch.zeros(2, width)).shape == (2, NUM_FACTS)
        told = torch.from_numpy(np.zeros((2, NUM_FACTS), np.float32))
        assert helpers["scene_tower"](told).shape == (2, shape.width)
