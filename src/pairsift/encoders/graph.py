"""CLIP and SigLIP towers as OpenVINO graphs, built from a checkpoint's safetensors.

The operations are those of transformers' ``CLIPModel`` and ``SiglipModel`` (5.23), so that any
checkpoint of the two families runs without PyTorch. Pixel normalisation stands at the head of the
image graph and the unit norm at the tail of both, in float32.
"""

from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from pairsift.encoders.layers import (
    INT,
    Pick,
    Tensors,
    attention_pool,
    drop_axis,
    encode_layers,
    layer_norm,
    linear,
    pick_first,
    repeat,
    slice_states,
)
from pairsift.models import ModelRecord
from pairsift.recipes import read_config


def build_image_tower(folder: Path, record: ModelRecord) -> ov.Model:
    """Build the image tower.

    Args:
        folder: The checkpoint.
        record: Its record; the mean and std of its image recipe are folded in.

    Returns:
        A model from uint8 pixels (N, S, S, 3) to unit-norm float32 rows (N, D).

    Raises:
        WeightsError: A tensor is missing.
        ModelRecipeError: The config asks for what is not built.
    """
    config, tensors = read_config(folder), Tensors(folder)
    vision, root = config.vision, "vision_model"
    side, patch, width = vision["image_size"], vision["patch_size"], vision["hidden_size"]
    pixels = ops.parameter([-1, side, side, 3], np.uint8, name="pixels")
    scaled = _normalise(pixels, record)
    kernel = tensors.array(f"{root}.embeddings.patch_embedding.weight")
    hidden = _embed_patches(scaled, kernel, side=side, patch=patch, width=width)
    eps = vision["layer_norm_eps"]
    if config.family == "clip":
        first = tensors.array(f"{root}.embeddings.class_embedding").reshape(1, 1, width)
        hidden = ops.concat([repeat(first, hidden), hidden], axis=1)
    else:
        hidden = ops.add(hidden, tensors.constant(f"{root}.embeddings.patch_embedding.bias"))
    positions = tensors.array(f"{root}.embeddings.position_embedding.weight")
    hidden = ops.add(hidden, ops.constant(positions[None]))
    if config.family == "clip":
        hidden = layer_norm(hidden, tensors, f"{root}.pre_layrnorm", eps)
    if config.family == "clip":
        first_state = Pick(lambda states: slice_states(states, 0, 1))
        hidden = encode_layers(hidden, tensors, f"{root}.encoder", vision, pick=first_state)
        pooled = layer_norm(drop_axis(hidden), tensors, f"{root}.post_layernorm", eps)
        features = linear(pooled, tensors, "visual_projection", bias=False)
    else:
        hidden = encode_layers(hidden, tensors, f"{root}.encoder", vision)
        hidden = layer_norm(hidden, tensors, f"{root}.post_layernorm", eps)
        features = attention_pool(hidden, tensors, f"{root}.head", config)
    return ov.Model([_unit_norm(features)], [pixels], "image_tower")


def build_text_tower(folder: Path, record: ModelRecord) -> ov.Model:
    """Build the text tower.

    Args:
        folder: The checkpoint.
        record: Its record; the end token of its text recipe is where a CLIP tower pools.

    Returns:
        A model from int64 token ids (N, L) to unit-norm float32 rows (N, D). For CLIP any L up to
        the context length, padded with anything after the end token.

    Raises:
        WeightsError: A tensor is missing.
        ModelRecipeError: The config asks for what is not built.
    """
    config, tensors = read_config(folder), Tensors(folder)
    text, root = config.text, "text_model"
    is_clip = config.family == "clip"
    ids = ops.parameter([-1, -1 if is_clip else record.text.context_length], INT, name="ids")
    table = tensors.constant(f"{root}.embeddings.token_embedding.weight")
    hidden = ops.gather(table, ids, ops.constant(np.array(0, INT)))
    positions = tensors.array(f"{root}.embeddings.position_embedding.weight")
    if is_clip:
        length = ops.gather(
            ops.shape_of(ids), ops.constant(np.array([1], INT)), ops.constant(np.array(0, INT))
        )
        kept = ops.slice(
            ops.constant(positions[None]),
            ops.constant(np.array([0], INT)),
            length,
            ops.constant(np.array([1], INT)),
            ops.constant(np.array([1], INT)),
        )
        hidden = ops.add(hidden, kept)
    else:
        hidden = ops.add(hidden, ops.constant(positions[None]))
    if is_clip:
        pick = pick_first(ids, record.text.end_id)
    else:
        last = record.text.context_length - 1
        pick = Pick(lambda states: slice_states(states, last, last + 1))
    hidden = encode_layers(hidden, tensors, f"{root}.encoder", text, causal=is_clip, pick=pick)
    eps = text["layer_norm_eps"]
    pooled = layer_norm(drop_axis(hidden), tensors, f"{root}.final_layer_norm", eps)
    if is_clip:
        features = linear(pooled, tensors, "text_projection", bias=False)
    else:
        features = linear(pooled, tensors, f"{root}.head")
    return ov.Model([_unit_norm(features)], [ids], "text_tower")


def _normalise(pixels: Any, record: ModelRecord) -> Any:
    """Return (pixels / 255 - mean) / std as float32, shape (N, S, S, 3)."""
    mean = np.array(record.image.mean, np.float64)
    std = np.array(record.image.std, np.float64)
    factor = (1 / (255 * std)).astype(np.float32)
    offset = (-mean / std).astype(np.float32)
    as_float = ops.convert(pixels, np.float32)
    return ops.add(ops.multiply(as_float, ops.constant(factor)), ops.constant(offset))


def _embed_patches(scaled: Any, kernel: Any, *, side: int, patch: int, width: int) -> Any:
    """Return the patch embeddings, shape (N, P, W), without a bias.

    A patch embedding is a matrix product over the pixels of each patch; as such it runs at the
    speed of the other products, whatever the patch size.
    """
    count = side // patch
    rows = ops.reshape(
        # What a partial patch at the edge holds is dropped, as a strided convolution drops it.
        _crop(scaled, count * patch) if count * patch != side else scaled,
        ops.constant(np.array([0, count, patch, count, patch * 3], INT)),
        special_zero=True,
    )
    turned = ops.transpose(rows, ops.constant(np.array([0, 1, 3, 2, 4], INT)))
    flat_shape = ops.constant(np.array([0, count * count, patch * patch * 3], INT))
    flat = ops.reshape(turned, flat_shape, special_zero=True)
    # (W, 3, p, p) to (W, p·p·3): the pixels above lie row by row with the channels innermost.
    matrix = np.ascontiguousarray(kernel.transpose(0, 2, 3, 1).reshape(width, -1))
    return ops.matmul(flat, ops.constant(matrix), transpose_a=False, transpose_b=True)


def _crop(scaled: Any, kept: int) -> Any:
    return ops.slice(
        scaled,
        ops.constant(np.array([0, 0], INT)),
        ops.constant(np.array([kept, kept], INT)),
        ops.constant(np.array([1, 1], INT)),
        ops.constant(np.array([1, 2], INT)),
    )


def _unit_norm(features: Any) -> Any:
    as_float = ops.convert(features, np.float32)
    return ops.normalize_l2(as_float, ops.constant(np.array([-1], INT)), 1e-24, "max")
