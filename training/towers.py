"""Both families through one door: pixels and token ids in, features out."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from transformers import CLIPConfig, CLIPModel, SiglipConfig, SiglipModel

from training.shapes import GRID, IMAGE_SIZE, PATCH_SIZE, Shape
from training.truth import NUM_FACTS


def build_config(shape: Shape, *, vocabulary_size: int, special_ids: dict[str, int]) -> Any:
    """Make the stock transformers configuration.

    Args:
        shape: Which of the two.
        vocabulary_size: Number of token ids.
        special_ids: Ids by role: ``start``, ``end``, ``pad``.

    Returns:
        A ``CLIPConfig`` or a ``SiglipConfig``.
    """
    text = {
        "vocab_size": vocabulary_size,
        "max_position_embeddings": shape.context_length,
        "bos_token_id": special_ids["start"],
        "eos_token_id": special_ids["end"],
        "pad_token_id": special_ids["pad"],
    }
    vision = {"image_size": IMAGE_SIZE, "patch_size": PATCH_SIZE}
    if shape.family == "clip":
        # Measured on two AVX2 cores with OpenVINO in fp32: 1.5 ms a picture and 0.3 ms a
        # caption of 14 tokens; wider or deeper towers miss 600 pairs a second end to end.
        return CLIPConfig(
            text_config=text
            | {
                "hidden_size": 128,
                "num_hidden_layers": 3,
                "num_attention_heads": 4,
                "intermediate_size": 256,
                "hidden_act": "gelu",
            },
            vision_config=vision
            | {
                "hidden_size": 160,
                "num_hidden_layers": 5,
                "num_attention_heads": 5,
                "intermediate_size": 320,
                "hidden_act": "gelu",
            },
            projection_dim=shape.width,
        )
    return SiglipConfig(
        text_config=text
        | {
            "hidden_size": 96,
            "num_hidden_layers": 2,
            "num_attention_heads": 3,
            "intermediate_size": 192,
            "projection_size": shape.width,
        },
        vision_config=vision
        | {
            "hidden_size": 112,
            "num_hidden_layers": 4,
            "num_attention_heads": 4,
            "intermediate_size": 224,
        },
    )


def build_model(shape: Shape, config: Any) -> Any:
    """Make an untrained model.

    Args:
        shape: Which of the two.
        config: Its transformers configuration.

    Returns:
        A ``CLIPModel`` or a ``SiglipModel``.
    """
    return (CLIPModel if shape.family == "clip" else SiglipModel)(config)


def build_scene_tower(width: int) -> Any:
    """Make the network that embeds a scene's facts, a stand-in for pictures in training.

    Args:
        width: Width of the embeddings.

    Returns:
        A module from (N, ``NUM_FACTS``) to (N, width).
    """
    return nn.Sequential(
        nn.Linear(NUM_FACTS, 512),
        nn.GELU(),
        nn.Linear(512, 512),
        nn.GELU(),
        nn.Linear(512, width),
    )


def normalise_pixels(pixels: torch.Tensor, shape: Shape) -> torch.Tensor:
    """Turn RGB bytes into what the image tower takes.

    Args:
        pixels: uint8, shape (N, S, S, 3).
        shape: The model's recipe.

    Returns:
        float32, shape (N, 3, S, S).
    """
    mean = torch.tensor(shape.mean, dtype=torch.float32) * 255
    std = torch.tensor(shape.std, dtype=torch.float32) * 255
    return ((pixels.float() - mean) / std).permute(0, 3, 1, 2).contiguous()


def some_patches(
    model: Any, shape: Shape, pixels: torch.Tensor, keep: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Run the image tower on some patches of each picture, as if the others were not there.

    Training on the patches that show something takes less than half the time of all of them.

    Args:
        model: The model.
        shape: Its shape.
        pixels: uint8, shape (N, S, S, 3).
        keep: Numbers of the patches, int64, shape (N, K).

    Returns:
        The pooled state, shape (N, W), and the states of the patches, shape (N, K, W).

    Source:
        Li et al. 2023, "Scaling language-image pre-training via masking".
    """
    tower = model.vision_model
    parts = tower.embeddings
    shift = 1 if shape.family == "clip" else 0  # CLIP's first position is the class token's
    # The convolution has steps of its own size, so on one patch it is a product.
    cut = pixels.view(-1, GRID, PATCH_SIZE, GRID, PATCH_SIZE, 3).permute(0, 1, 3, 2, 4, 5)
    cut = cut.flatten(1, 2)[torch.arange(len(keep))[:, None], keep].flatten(0, 1)
    inputs = normalise_pixels(cut, shape).flatten(1)
    filters = parts.patch_embedding.weight.flatten(1)
    patches = functional.linear(inputs, filters, parts.patch_embedding.bias)
    patches = patches.view(*keep.shape, -1) + parts.position_embedding(keep + shift)
    if shape.family == "siglip":
        states = tower.encoder(inputs_embeds=patches).last_hidden_state
        states = tower.post_layernorm(states)
        return tower.head(states), states
    token = (parts.class_embedding + parts.position_embedding.weight[0]).expand(len(pixels), 1, -1)
    hidden = tower.pre_layrnorm(torch.cat([token, patches], 1))
    states = tower.encoder(inputs_embeds=hidden).last_hidden_state
    return tower.post_layernorm(states[:, 0]), states[:, 1:]


def image_features(
    model: Any, shape: Shape, pixels: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Run the image tower.

    Args:
        model: The model.
        shape: Its shape.
        pixels: uint8, shape (N, S, S, 3).

    Returns:
        The features before normalisation, shape (N, D); the pooled state that they are made of,
        shape (N, W); and the state of every patch, shape (N, P, W).
    """
    output = model.vision_model(pixel_values=normalise_pixels(pixels, shape))
    pooled, states = output.pooler_output, output.last_hidden_state
    patches = states[:, 1:] if shape.family == "clip" else states
    return project_images(model, shape, pooled), pooled, patches


def project_images(model: Any, shape: Shape, pooled: torch.Tensor) -> torch.Tensor:
    """Take pooled states of pictures to the space that captions share.

    Args:
        model: The model.
        shape: Its shape.
        pooled: Shape (N, W).

    Returns:
        Features before normalisation, shape (N, D); SigLIP's pooled states are that already.
    """
    return model.visual_projection(pooled) if shape.family == "clip" else pooled


def text_features(
    model: Any, shape: Shape, tokens: torch.Tensor, num_chunks: int = 1
) -> tuple[torch.Tensor, torch.Tensor]:
    """Run the text tower.

    Args:
        model: The model.
        shape: Its shape.
        tokens: int64, shape (N, L), padded to the context length or, for CLIP, to any length.
        num_chunks: Into how many batches by length a CLIP tower's captions are cut. Trimming is
            exact there, so this changes the time and not the result.

    Returns:
        The features before normalisation, shape (N, D), and the state that they are made of.
    """
    if shape.family == "siglip":
        pooled = model.text_model(input_ids=tokens).pooler_output
        return pooled, pooled
    end = model.config.text_config.eos_token_id
    lengths = (tokens == end).int().argmax(1) + 1
    order = torch.argsort(lengths)
    states = [
        model.text_model(input_ids=tokens[part][:, : int(lengths[part].max())]).pooler_output
        for part in torch.chunk(order, num_chunks)
    ]
    back = torch.empty_like(order)
    back[order] = torch.arange(len(order))
    pooled = torch.cat(states)[back]
    return model.text_projection(pooled), pooled


def embed_images(model: Any, shape: Shape, pixels: np.ndarray, batch: int = 128) -> np.ndarray:
    """Embed pictures without gradients.

    Args:
        model: The model.
        shape: Its shape.
        pixels: uint8, shape (N, S, S, 3).
        batch: Pictures at a time.

    Returns:
        Unit-norm rows, shape (N, D), float32.
    """
    rows = []
    with torch.inference_mode():
        for start in range(0, len(pixels), batch):
            part = torch.from_numpy(np.ascontiguousarray(pixels[start : start + batch]))
            features = image_features(model, shape, part)[0]
            rows.append(functional.normalize(features, dim=-1).numpy())
    return np.concatenate(rows)


def embed_texts(model: Any, shape: Shape, tokens: np.ndarray, batch: int = 512) -> np.ndarray:
    """Embed captions without gradients.

    Args:
        model: The model.
        shape: Its shape.
        tokens: Token ids, shape (N, L), padded.
        batch: Captions at a time.

    Returns:
        Unit-norm rows, shape (N, D), float32.
    """
    rows = []
    with torch.inference_mode():
        for start in range(0, len(tokens), batch):
            part = torch.from_numpy(tokens[start : start + batch].astype(np.int64))
            features = text_features(model, shape, part, 4)[0]
            rows.append(functional.normalize(features, dim=-1).numpy())
    return np.concatenate(rows)
