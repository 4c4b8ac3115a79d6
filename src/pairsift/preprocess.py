"""RGB picture to input pixels, exactly as transformers' Pillow image processors do it.

No float arithmetic happens here: division by 255, mean and std are folded into the towers.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pairsift.protocols import PixelArray
from pairsift.recipes import ImageRecipe, TowerConfig, read_json, undecided

_FILTERS = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
}

# Numbers of PIL.Image.Resampling as they stand in preprocessor_config.json.
_FILTER_NAMES: dict[Any, Any] = {2: "bilinear", 3: "bicubic"}

# A strip longer than this would become gigabytes when its short side is brought to the model's.
# Beyond it only what stays is resampled.
MAX_EXACT_RATIO = 64

# Source: transformers.image_utils, OPENAI_CLIP_MEAN and OPENAI_CLIP_STD.
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
# Source: transformers.image_utils, IMAGENET_STANDARD_MEAN and IMAGENET_STANDARD_STD.
HALF = (0.5, 0.5, 0.5)

# What each image processor class of transformers fills in for a field that is left out.
_CLIP_DEFAULTS: dict[str, Any] = {
    "do_resize": True,
    "do_center_crop": True,
    "do_rescale": True,
    "do_normalize": True,
    "size": {"shortest_edge": 224},
    "crop_size": {"height": 224, "width": 224},
    "resample": 3,
    "rescale_factor": 1 / 255,
    "image_mean": CLIP_MEAN,
    "image_std": CLIP_STD,
}
_SIGLIP_DEFAULTS: dict[str, Any] = {
    **_CLIP_DEFAULTS,
    "do_center_crop": False,
    "size": {"height": 224, "width": 224},
    "image_mean": HALF,
    "image_std": HALF,
}
_PROCESSORS = {
    "CLIPImageProcessor": _CLIP_DEFAULTS,
    "CLIPFeatureExtractor": _CLIP_DEFAULTS,
    "SiglipImageProcessor": _SIGLIP_DEFAULTS,
}


def preprocess_image(image: Image.Image, recipe: ImageRecipe) -> PixelArray:
    """Resize and crop one picture to the model's input.

    Args:
        image: An RGB picture of any size.
        recipe: The model's image recipe.

    Returns:
        Pixels, shape (S, S, 3), uint8.

    Source:
        transformers 5.23, ``image_transforms.py``: ``get_resize_output_image_size`` (the long
        side is cut to an integer, not rounded) and ``center_crop`` (the offset is rounded down).
    """
    side = recipe.size
    if recipe.resize_mode == "squash":
        resized = image.resize((side, side), _FILTERS[recipe.resample])
        return np.array(resized, dtype=np.uint8)
    edge = recipe.shortest_edge or side
    width, height = image.size
    short, long = min(width, height), max(width, height)
    long_edge = int(edge * long / short)
    new_size = (edge, long_edge) if width <= height else (long_edge, edge)
    left, top = (new_size[0] - side) // 2, (new_size[1] - side) // 2
    resample = _FILTERS[recipe.resample]
    if long_edge > MAX_EXACT_RATIO * edge:
        return _resize_middle(image, new_size, side, resample)
    resized = image.resize(new_size, resample)
    return np.array(resized.crop((left, top, left + side, top + side)), dtype=np.uint8)


def _resize_middle(
    image: Image.Image, new_size: tuple[int, int], side: int, resample: Image.Resampling
) -> PixelArray:
    """Resize as if to ``new_size``, but compute only the middle square.

    The strip is cut first, with a margin wider than the filter, because Pillow treats a box of the
    whole picture differently at its border. Pillow keeps boxes in float32, so that a pixel may
    differ from the whole computation by one level.
    """
    outer, inner = [], []
    for length, new_length in zip(image.size, new_size, strict=True):
        scale = length / new_length
        first = (new_length - side) // 2 * scale
        last = first + side * scale
        # Pillow's bicubic reaches two output pixels far when shrinking, two input pixels else.
        margin = math.ceil(2 * max(scale, 1.0)) + 2
        start, stop = max(0, int(first) - margin), min(length, math.ceil(last) + margin)
        outer.append((start, stop))
        inner.append((first - start, last - start))
    (left, right), (top, bottom) = outer
    box = (inner[0][0], inner[1][0], inner[0][1], inner[1][1])
    strip = image.crop((left, top, right, bottom))
    return np.array(strip.resize((side, side), resample, box=box), dtype=np.uint8)


def derive_image_recipe(folder: Path, config: TowerConfig) -> ImageRecipe:
    """Read a checkpoint's image recipe from its own config files.

    Args:
        folder: The checkpoint.
        config: Its ``config.json``.

    Returns:
        The recipe.

    Raises:
        ModelRecipeError: A field is missing or asks for something else; it is named.
    """
    raw = read_json(folder, "preprocessor_config.json")
    if raw is None:
        raw = (read_json(folder, "processor_config.json") or {}).get("image_processor")
    if raw is None:
        raise undecided(folder, "image_processor_type", "no preprocessor_config.json is there")
    kind = str(raw.get("image_processor_type") or raw.get("feature_extractor_type"))
    defaults = _PROCESSORS.get(kind.removesuffix("Fast").removesuffix("Pil"), {})
    values = {**defaults, **{key: value for key, value in raw.items() if value is not None}}
    # Older configs knew neither field: rescaling by 1/255 was part of normalising.
    values.setdefault("do_rescale", True)
    values.setdefault("rescale_factor", 1 / 255)

    def field(name: str) -> Any:
        if name not in values:
            raise undecided(folder, name, f"preprocessor_config.json leaves it out ({kind})")
        return values[name]

    for name in ("do_resize", "do_rescale"):
        if not field(name):
            raise undecided(folder, name, "a model that takes pictures as they are is not built")
    if abs(field("rescale_factor") * 255 - 1) > 1e-6:
        raise undecided(folder, "rescale_factor", f"only 1/255, it is {field('rescale_factor')!r}")
    if values.get("do_pad"):
        raise undecided(folder, "do_pad", "padding pictures is not built")
    if field("resample") not in _FILTER_NAMES:
        raise undecided(folder, "resample", f"accepted: 2, 3; it is {field('resample')!r}")
    side = int(config.vision["image_size"])
    mode, edge = _resize(folder, field, side)
    mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    if field("do_normalize"):
        mean, std = _triple(folder, field, "image_mean"), _triple(folder, field, "image_std")
    return ImageRecipe(
        size=side,
        resize_mode=mode,
        resample=_FILTER_NAMES[field("resample")],
        mean=mean,
        std=std,
        shortest_edge=edge if edge != side else None,
    )


def _resize(folder: Path, field: Any, side: int) -> tuple[Any, int]:
    """Return the resize mode and the short side, checked against the tower's input."""
    size = field("size")
    if isinstance(size, int):
        # Only CLIP's processors take a bare number as the shortest edge.
        size = {"shortest_edge": size} if field("do_center_crop") else {}
    crop = None
    if field("do_center_crop"):
        crop = field("crop_size")
        crop = {"height": crop, "width": crop} if isinstance(crop, int) else crop
        if crop != {"height": side, "width": side}:
            raise undecided(folder, "crop_size", f"{crop!r} is not the tower's {side}")
    if set(size) == {"shortest_edge"}:
        if crop is None:
            raise undecided(folder, "do_center_crop", "a resized picture would not be square")
        if size["shortest_edge"] < side:
            raise undecided(folder, "size", f"{size!r} is below the crop of {side}")
        return "shortest", int(size["shortest_edge"])
    if size != {"height": side, "width": side}:
        raise undecided(folder, "size", f"{size!r} does not lead to the tower's {side}")
    return "squash", side


def _triple(folder: Path, field: Any, name: str) -> tuple[float, float, float]:
    """Return a mean or std, one number a channel."""
    value = field(name)
    value = [value] * 3 if isinstance(value, int | float) else value
    if len(value) != 3:
        raise undecided(folder, name, f"three numbers are needed, it is {value!r}")
    return (float(value[0]), float(value[1]), float(value[2]))
