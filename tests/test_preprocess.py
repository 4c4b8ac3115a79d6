"""Pixels as transformers' Pillow processors make them, and recipes from config files."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pairsift.errors import ModelRecipeError
from pairsift.preprocess import CLIP_MEAN, CLIP_STD, HALF, derive_image_recipe, preprocess_image
from pairsift.recipes import ImageRecipe, TowerConfig

CLIP = ImageRecipe(32, "shortest", "bicubic", CLIP_MEAN, CLIP_STD)
SIGLIP = ImageRecipe(32, "squash", "bilinear", HALF, HALF)


def noise(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(width * 1000 + height).integers(0, 256, (height, width, 3))
    return Image.fromarray(pixels.astype(np.uint8))


def hand_made(image: Image.Image, edge: int, side: int) -> np.ndarray:
    """The reference's steps, one by one: resize everything, then slice."""
    width, height = image.size
    if width <= height:
        size = (edge, int(edge * height / width))
    else:
        size = (int(edge * width / height), edge)
    whole = np.asarray(image.resize(size, Image.Resampling.BICUBIC))
    top, left = (whole.shape[0] - side) // 2, (whole.shape[1] - side) // 2
    return whole[top : top + side, left : left + side]


@pytest.mark.parametrize("size", [(40, 40), (67, 41), (41, 67), (33, 95), (1, 1), (7, 300)])
def test_shortest_edge_and_centre_crop(size: tuple[int, int]) -> None:
    image = noise(*size)
    assert np.array_equal(preprocess_image(image, CLIP), hand_made(image, 32, 32))


def test_shortest_edge_above_the_crop() -> None:
    recipe = ImageRecipe(32, "shortest", "bicubic", CLIP_MEAN, CLIP_STD, shortest_edge=37)
    image = noise(90, 51)
    assert np.array_equal(preprocess_image(image, recipe), hand_made(image, 37, 32))


def test_squash_ignores_proportions() -> None:
    image = noise(90, 51)
    expected = np.asarray(image.resize((32, 32), Image.Resampling.BILINEAR))
    assert np.array_equal(preprocess_image(image, SIGLIP), expected)


@pytest.mark.parametrize("size", [(3, 3000), (3000, 3)])
def test_a_sliver_stays_small_and_close(size: tuple[int, int]) -> None:
    image = noise(*size)
    difference = preprocess_image(image, CLIP).astype(int) - hand_made(image, 32, 32)
    assert np.abs(difference).max() <= 1


def test_the_input_picture_is_not_touched() -> None:
    image = noise(32, 32)
    before = np.array(image)
    preprocess_image(image, CLIP)[:] = 0
    assert np.array_equal(np.array(image), before)


def derive(folder: Path, raw: dict[str, Any], *, side: int = 224) -> ImageRecipe:
    (folder / "preprocessor_config.json").write_text(json.dumps(raw))
    return derive_image_recipe(folder, TowerConfig("clip", {"image_size": side}, {}, 512))


def test_an_old_clip_config(tmp_path: Path) -> None:
    raw = {
        "crop_size": 224,
        "do_center_crop": True,
        "do_normalize": True,
        "do_resize": True,
        "feature_extractor_type": "CLIPFeatureExtractor",
        "image_mean": list(CLIP_MEAN),
        "image_std": list(CLIP_STD),
        "resample": 3,
        "size": 224,
    }
    assert derive(tmp_path, raw) == ImageRecipe(224, "shortest", "bicubic", CLIP_MEAN, CLIP_STD)


def test_a_siglip2_config(tmp_path: Path) -> None:
    raw = {
        "image_processor_type": "SiglipImageProcessorFast",
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
        "resample": 2,
        "rescale_factor": 0.00392156862745098,
        "size": {"height": 256, "width": 256},
    }
    recipe = derive(tmp_path, raw, side=256)
    assert recipe == ImageRecipe(256, "squash", "bilinear", HALF, HALF)


def test_defaults_come_from_the_named_class(tmp_path: Path) -> None:
    recipe = derive(tmp_path, {"image_processor_type": "CLIPImageProcessor"})
    assert recipe == ImageRecipe(224, "shortest", "bicubic", CLIP_MEAN, CLIP_STD)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"image_processor_type": "OtherProcessor"}, "do_resize"),
        ({"do_resize": False}, "do_resize"),
        ({"do_rescale": False}, "do_rescale"),
        ({"rescale_factor": 1.0}, "rescale_factor"),
        ({"resample": 1}, "resample"),
        ({"size": {"shortest_edge": 200}}, "size"),
        ({"size": {"longest_edge": 224}}, "size"),
        ({"crop_size": 256}, "crop_size"),
        ({"do_center_crop": False}, "do_center_crop"),
        ({"image_mean": [0.5]}, "image_mean"),
        ({"do_pad": True}, "do_pad"),
    ],
)
def test_what_is_not_certain_is_named(tmp_path: Path, change: dict[str, Any], field: str) -> None:
    raw = {"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 224}} | change
    with pytest.raises(ModelRecipeError, match=f"`{field}`"):
        derive(tmp_path, raw)


def test_processor_config_is_read_too(tmp_path: Path) -> None:
    raw = {"image_processor": {"image_processor_type": "CLIPImageProcessor"}}
    (tmp_path / "processor_config.json").write_text(json.dumps(raw))
    recipe = derive_image_recipe(tmp_path, TowerConfig("clip", {"image_size": 224}, {}, 512))
    assert recipe.resize_mode == "shortest"


def test_no_config_at_all(tmp_path: Path) -> None:
    with pytest.raises(ModelRecipeError, match="image_processor_type"):
        derive_image_recipe(tmp_path, TowerConfig("clip", {"image_size": 224}, {}, 512))
