from typing import Any

import pytest
import torch

from training.shapes import GRID, IMAGE_SIZE, SHAPES
from training.towers import (
    build_config,
    build_model,
    embed_images,
    image_features,
    some_patches,
    text_features,
)

pytestmark = pytest.mark.torch
SPECIAL = {"start": 97, "end": 99, "pad": 99}


def small_model(name: str) -> Any:
    torch.manual_seed(1)
    shape = SHAPES[name]
    return build_model(shape, build_config(shape, vocabulary_size=100, special_ids=SPECIAL)).eval()


@pytest.mark.parametrize("name", SHAPES)
def test_all_patches_are_the_whole_picture(name: str) -> None:
    model, shape = small_model(name), SHAPES[name]
    pixels = torch.randint(0, 256, (3, IMAGE_SIZE, IMAGE_SIZE, 3), dtype=torch.uint8)
    keep = torch.stack([torch.randperm(GRID * GRID) for _ in range(3)])
    with torch.inference_mode():
        _, pooled, states = image_features(model, shape, pixels)
        some_pooled, some_states = some_patches(model, shape, pixels, keep)
    torch.testing.assert_close(some_pooled, pooled, atol=2e-5, rtol=1e-4)
    wanted = states[torch.arange(3)[:, None], keep]
    torch.testing.assert_close(some_states, wanted, atol=2e-5, rtol=1e-4)


def test_cutting_captions_by_length_changes_nothing() -> None:
    model, shape = small_model("storybook"), SHAPES["storybook"]
    tokens = torch.full((7, 20), 99)
    for row, length in enumerate((3, 9, 4, 12, 3, 18, 5)):
        tokens[row, 0] = 97
        tokens[row, 1:length] = torch.randint(0, 97, (length - 1,))
    with torch.inference_mode():
        whole = model.get_text_features(input_ids=tokens).pooler_output
        cut = text_features(model, shape, tokens, 4)[0]
    torch.testing.assert_close(cut, whole, atol=2e-5, rtol=1e-4)


def test_features_are_those_of_transformers() -> None:
    for name, shape in SHAPES.items():
        model = small_model(name)
        pixels = torch.randint(0, 256, (2, IMAGE_SIZE, IMAGE_SIZE, 3), dtype=torch.uint8)
        scaled = pixels.permute(0, 3, 1, 2) / 255
        mean, std = (torch.tensor(part).view(3, 1, 1) for part in (shape.mean, shape.std))
        with torch.inference_mode():
            wanted = model.get_image_features(pixel_values=(scaled - mean) / std).pooler_output
        wanted = torch.nn.functional.normalize(wanted, dim=-1).numpy()
        assert embed_images(model, shape, pixels.numpy()) == pytest.approx(wanted, abs=1e-5)
