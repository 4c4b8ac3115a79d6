"""What a model does to a picture and to a caption, and the config files that say so.

A field that the files do not state has the value that transformers gives it, where there is one;
what is left is an error that names the field. Nothing is guessed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pairsift.errors import ModelRecipeError

Family = Literal["clip", "siglip"]


@dataclass(frozen=True)
class ImageRecipe:
    """From an RGB picture to the model's input.

    Args:
        size: Side S of the square input, in pixels.
        resize_mode: ``shortest``: the short side becomes ``shortest_edge`` and the middle is cut
            out; ``squash``: both sides become S, whatever the proportions.
        resample: The Pillow filter.
        mean: Subtracted from the channels, after division by 255.
        std: The channels are divided by it, after that.
        shortest_edge: Short side after resizing, in pixels; S where it is null.
    """

    size: int
    resize_mode: Literal["shortest", "squash"]
    resample: Literal["bicubic", "bilinear"]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    shortest_edge: int | None = None

    def describe(self) -> str:
        """Return the recipe in words, for provenance.

        Example:
            >>> ImageRecipe(224, "squash", "bicubic", (0.5,) * 3, (0.5,) * 3).describe()
            'squash to 224, bicubic, mean 0.5 0.5 0.5, std 0.5 0.5 0.5'
        """
        if self.resize_mode == "squash":
            resize = f"squash to {self.size}"
        else:
            resize = f"shortest edge {self.shortest_edge or self.size}, centre crop {self.size}"
        mean, std = (" ".join(f"{part:g}" for part in parts) for parts in (self.mean, self.std))
        return f"{resize}, {self.resample}, mean {mean}, std {std}"


@dataclass(frozen=True)
class TextRecipe:
    """From a caption to token ids.

    Args:
        context_length: Tokens L that the tower takes at most.
        pad_id: Token that fills up short captions, on the right.
        end_id: Token that ends every caption and is kept when it is cut; null if there is none.
        lowercase: Lower-case before the model's own normaliser, which does not do it.
        trim_exact: Padding changes nothing, so that a batch need only be as long as its longest
            caption; otherwise every caption is padded to the context length.
    """

    context_length: int
    pad_id: int
    end_id: int | None
    lowercase: bool
    trim_exact: bool

    def describe(self) -> str:
        """Return the recipe in words, for provenance.

        Example:
            >>> TextRecipe(64, 0, 1, True, False).describe()
            'context 64, end 1, lower-cased, padded to 64 with 0'
        """
        parts = [f"context {self.context_length}", f"end {self.end_id}"]
        if self.lowercase:
            parts.append("lower-cased")
        parts.append(
            "trimmed" if self.trim_exact else f"padded to {self.context_length} with {self.pad_id}"
        )
        return ", ".join(parts)


# What transformers 5.23 fills in for a field that a config leaves out
# (models/clip/configuration_clip.py and models/siglip/configuration_siglip.py).
_CLIP_DEFAULTS: dict[str, dict[str, Any]] = {
    "vision_config": {
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "num_channels": 3,
        "image_size": 224,
        "patch_size": 32,
        "hidden_act": "quick_gelu",
        "layer_norm_eps": 1e-5,
    },
    "text_config": {
        "vocab_size": 49408,
        "hidden_size": 512,
        "intermediate_size": 2048,
        "num_hidden_layers": 12,
        "num_attention_heads": 8,
        "max_position_embeddings": 77,
        "hidden_act": "quick_gelu",
        "layer_norm_eps": 1e-5,
        "eos_token_id": 49407,
    },
}
_SIGLIP_DEFAULTS: dict[str, dict[str, Any]] = {
    "vision_config": {
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "num_channels": 3,
        "image_size": 224,
        "patch_size": 16,
        "hidden_act": "gelu_pytorch_tanh",
        "layer_norm_eps": 1e-6,
        "vision_use_head": True,
    },
    "text_config": {
        "vocab_size": 32000,
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "max_position_embeddings": 64,
        "hidden_act": "gelu_pytorch_tanh",
        "layer_norm_eps": 1e-6,
        "projection_size": None,
    },
}
_DEFAULTS: dict[Family, dict[str, dict[str, Any]]] = {
    "clip": _CLIP_DEFAULTS,
    "siglip": _SIGLIP_DEFAULTS,
}


@dataclass(frozen=True)
class TowerConfig:
    """A checkpoint's ``config.json`` with transformers' defaults filled in.

    Args:
        family: Which of the two architectures.
        vision: Fields of ``vision_config``.
        text: Fields of ``text_config``.
        width: Dimensions D of the embeddings.
    """

    family: Family
    vision: Mapping[str, Any]
    text: Mapping[str, Any]
    width: int


def read_json(folder: Path, name: str) -> dict[str, Any] | None:
    """Return one JSON object of a checkpoint folder, or null if there is no such file.

    Raises:
        ModelRecipeError: The file is not a JSON object.
    """
    path = folder / name
    if not path.is_file():
        return None
    try:
        value = json.loads(path.read_bytes())
    except ValueError as error:
        raise ModelRecipeError(f"{path}: not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise ModelRecipeError(f"{path}: expected a JSON object")
    return value


def undecided(folder: Path, field: str, why: str) -> ModelRecipeError:
    """Return the error for a field that a checkpoint's files leave open."""
    return ModelRecipeError(f"{folder}: cannot derive `{field}`: {why}")


def read_config(folder: Path) -> TowerConfig:
    """Read ``config.json`` as transformers does.

    Args:
        folder: The checkpoint.

    Returns:
        The towers' configuration.

    Raises:
        ModelRecipeError: The file is missing, of another family, or asks for what is not built.
    """
    raw = read_json(folder, "config.json")
    if raw is None:
        raise ModelRecipeError(f"{folder}: no config.json; a checkpoint folder must hold one")
    family = raw.get("model_type")
    if family not in ("clip", "siglip"):
        hint = "; NaFlex checkpoints are not supported" if family == "siglip2" else ""
        raise undecided(folder, "model_type", f"it is {family!r}, accepted: clip, siglip{hint}")
    towers: dict[str, dict[str, Any]] = {}
    for part, defaults in _DEFAULTS[family].items():
        towers[part] = {**defaults, **(raw.get(part) or {})}
        # CLIPConfig lets the old `*_config_dict`, with its defaults, win over `*_config`.
        if old := raw.get(f"{part}_dict"):
            towers[part] |= {**defaults, **old}
    vision, text = towers["vision_config"], towers["text_config"]
    if family == "clip":
        width = raw.get("projection_dim", 512)
    else:
        width = vision["hidden_size"]
        if (text["projection_size"] or text["hidden_size"]) != width:
            raise undecided(folder, "projection_size", f"text and image widths differ ({width})")
        if not vision["vision_use_head"]:
            raise undecided(folder, "vision_use_head", "a SigLIP tower without a head is not built")
    for field in ("image_size", "patch_size"):
        if not isinstance(vision[field], int):
            raise undecided(folder, field, f"only a square is built, it is {vision[field]!r}")
    if vision["num_channels"] != 3:
        raise undecided(folder, "num_channels", f"only 3 is built, it is {vision['num_channels']}")
    return TowerConfig(family=family, vision=vision, text=text, width=int(width))
