"""Writes a trained model as an ordinary checkpoint folder: ``python -m training.export``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from training.render import load_tokenizers
from training.shapes import IMAGE_SIZE, SHAPES, Shape
from training.tokenizer import special_ids
from training.towers import build_config, build_model
from training.train import checkpoint_path


def averaged_model(shape: Shape, out: Path, *, seed: int, stage: str = "both") -> Any:
    """Load the running averages of a stage's weights into a model.

    Args:
        shape: Which model.
        out: The folder of the run.
        seed: The run's seed.
        stage: Whose checkpoint.

    Returns:
        The transformers model, ready to infer.
    """
    tokenizer = load_tokenizers(out / "data", seed)[shape.family]
    config = build_config(
        shape, vocabulary_size=tokenizer.get_vocab_size(), special_ids=special_ids(tokenizer)
    )
    model = build_model(shape, config)
    state = torch.load(checkpoint_path(out, shape.name, stage), weights_only=True)["average"]
    prefix = "model."
    model.load_state_dict(
        {name[len(prefix) :]: value for name, value in state.items() if name.startswith(prefix)}
    )
    model.eval()
    return model


def preprocessor_config(shape: Shape) -> dict[str, Any]:
    """Say in transformers' words how a picture becomes the model's input.

    Args:
        shape: Which model.

    Returns:
        The content of ``preprocessor_config.json``.
    """
    side = {"height": IMAGE_SIZE, "width": IMAGE_SIZE}
    config = {
        "do_convert_rgb": True,
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": True,
        "image_mean": list(shape.mean),
        "image_std": list(shape.std),
        "resample": 3,
        "rescale_factor": 1 / 255,
    }
    if shape.family == "siglip":
        return config | {"image_processor_type": "SiglipImageProcessor", "size": side}
    return config | {
        "image_processor_type": "CLIPImageProcessor",
        "do_center_crop": True,
        "crop_size": side,
        "size": {"shortest_edge": IMAGE_SIZE},
    }


def tokenizer_config(shape: Shape) -> dict[str, Any]:
    """Say in transformers' words what the tokenizer's special tokens are.

    Args:
        shape: Which model.

    Returns:
        The content of ``tokenizer_config.json``.
    """
    if shape.family == "clip":
        end = "<|endoftext|>"
        return {
            "tokenizer_class": "CLIPTokenizer",
            "model_max_length": shape.context_length,
            "bos_token": "<|startoftext|>",
            "eos_token": end,
            "pad_token": end,
            "unk_token": end,
            "do_lower_case": True,
        }
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": shape.context_length,
        "padding_side": "right",
        "eos_token": "</s>",
        "pad_token": "<pad>",
        "unk_token": "<unk>",
        "do_lower_case": True,
    }


def export(shape: Shape, out: Path, folder: Path, *, seed: int, stage: str = "both") -> None:
    """Write the checkpoint folder: stock files, weights in fp16.

    Args:
        shape: Which model.
        out: The folder of the run.
        folder: Where to.
        seed: The run's seed.
        stage: Whose checkpoint.
    """
    model = averaged_model(shape, out, seed=seed, stage=stage)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: value.half().contiguous() if value.is_floating_point() else value
        for name, value in model.state_dict().items()
        if not name.endswith("position_ids")
    }
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    model.config.architectures = [type(model).__name__]
    model.config.dtype = torch.float16
    model.config.to_json_file(folder / "config.json")
    load_tokenizers(out / "data", seed)[shape.family].save(str(folder / "tokenizer.json"))
    for name, content in (
        ("preprocessor_config.json", preprocessor_config(shape)),
        ("tokenizer_config.json", tokenizer_config(shape)),
    ):
        (folder / name).write_text(json.dumps(content, indent=2) + "\n")
    # safetensors makes files that only their owner can read; package data are for everybody.
    (folder / "model.safetensors").chmod(0o644)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", choices=sorted(SHAPES), default="storybook")
    parser.add_argument("--out", type=Path, required=True, help="folder of the training run")
    parser.add_argument("--to", type=Path, required=True, help="folder of the checkpoint")
    parser.add_argument("--seed", type=int, default=0, help="seed of the training run")
    options = parser.parse_args(arguments)
    export(SHAPES[options.config], options.out, options.to, seed=options.seed)


if __name__ == "__main__":
    main(sys.argv[1:])
