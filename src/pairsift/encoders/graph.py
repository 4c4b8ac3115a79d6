"""CLIP and SigLIP towers as OpenVINO graphs, built from a checkpoint's safetensors.

The operations are those of transformers' ``CLIPModel`` and ``SiglipModel`` (5.23), so that any
checkpoint of the two families runs without PyTorch. Pixel normalisation stands at the head of the
image graph and the unit norm at the tail of both, in float32.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from pairsift.checkpoints import StoredTensor, map_checkpoint
from pairsift.errors import ModelRecipeError, WeightsError
from pairsift.models import ModelRecord
from pairsift.recipes import TowerConfig, read_config

INT = np.int64


class Tensors:
    """A checkpoint's tensors by name, as graph constants.

    Args:
        folder: The checkpoint.
    """

    def __init__(self, folder: Path) -> None:
        self._stored: Mapping[str, StoredTensor] = map_checkpoint(folder)

    def array(self, name: str) -> Any:
        """Return a tensor as float32.

        Raises:
            WeightsError: The checkpoint holds no such tensor.
        """
        if name not in self._stored:
            raise WeightsError(f"the weights hold no tensor {name!r}")
        return self._stored[name].to_float32()

    def __contains__(self, name: str) -> bool:
        return name in self._stored

    def constant(self, name: str) -> Any:
        """Return a tensor as a graph constant."""
        return ops.constant(np.ascontiguousarray(self.array(name)))


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
        hidden = ops.concat([_repeat(first, hidden), hidden], axis=1)
    else:
        hidden = ops.add(hidden, tensors.constant(f"{root}.embeddings.patch_embedding.bias"))
    positions = tensors.array(f"{root}.embeddings.position_embedding.weight")
    hidden = ops.add(hidden, ops.constant(positions[None]))
    if config.family == "clip":
        hidden = _layer_norm(hidden, tensors, f"{root}.pre_layrnorm", eps)
    if config.family == "clip":
        first_state = Pick(lambda states: _slice(states, 0, 1))
        hidden = _layers(hidden, tensors, f"{root}.encoder", vision, pick=first_state)
        pooled = _layer_norm(_drop_axis(hidden), tensors, f"{root}.post_layernorm", eps)
        features = _linear(pooled, tensors, "visual_projection", bias=False)
    else:
        hidden = _layers(hidden, tensors, f"{root}.encoder", vision)
        hidden = _layer_norm(hidden, tensors, f"{root}.post_layernorm", eps)
        features = _attention_pool(hidden, tensors, f"{root}.head", config)
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
        pick = _pick_first(ids, record.text.end_id)
    else:
        last = record.text.context_length - 1
        pick = Pick(lambda states: _slice(states, last, last + 1))
    hidden = _layers(hidden, tensors, f"{root}.encoder", text, causal=is_clip, pick=pick)
    eps = text["layer_norm_eps"]
    pooled = _layer_norm(_drop_axis(hidden), tensors, f"{root}.final_layer_norm", eps)
    if is_clip:
        features = _linear(pooled, tensors, "text_projection", bias=False)
    else:
        features = _linear(pooled, tensors, f"{root}.head")
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


@dataclass(frozen=True)
class Pick:
    """Which position of the last layer is wanted; nothing else of that layer is computed.

    Args:
        take: From states (N, L, W) to the wanted ones, (N, 1, W).
        mask: Which positions that one may look at, boolean (N, 1, 1, L); null for all.
    """

    take: Callable[[Any], Any]
    mask: Any = None


def _layers(
    hidden: Any,
    tensors: Tensors,
    root: str,
    config: Mapping[str, Any],
    *,
    causal: bool = False,
    pick: Pick | None = None,
) -> Any:
    """Return the states after all encoder layers, (N, L, W), or the picked one, (N, 1, W)."""
    heads, width = config["num_attention_heads"], config["hidden_size"]
    if width % heads:
        raise ModelRecipeError(f"hidden_size {width} is not a multiple of {heads} heads")
    eps = config["layer_norm_eps"]
    for number in range(config["num_hidden_layers"]):
        name = f"{root}.layers.{number}"
        normed = _layer_norm(hidden, tensors, f"{name}.layer_norm1", eps)
        queries, mask, is_causal = normed, None, causal
        if pick is not None and number == config["num_hidden_layers"] - 1:
            hidden, queries = pick.take(hidden), pick.take(normed)
            mask, is_causal = pick.mask, False
        parts = [
            _split_heads(_linear(states, tensors, f"{name}.self_attn.{part}_proj"), heads)
            for part, states in (("q", queries), ("k", normed), ("v", normed))
        ]
        mixed = ops.scaled_dot_product_attention(*parts, mask, causal=is_causal)
        attended = _linear(_join_heads(mixed), tensors, f"{name}.self_attn.out_proj")
        hidden = ops.add(hidden, attended)
        normed = _layer_norm(hidden, tensors, f"{name}.layer_norm2", eps)
        hidden = ops.add(hidden, _mlp(normed, tensors, f"{name}.mlp", config["hidden_act"]))
    return hidden


def _attention_pool(hidden: Any, tensors: Tensors, name: str, config: TowerConfig) -> Any:
    """Return SigLIP's pooled state (N, W): one learned query attends to all patches, then an MLP.

    Source:
        transformers 5.23, ``SiglipMultiheadAttentionPoolingHead``.
    """
    vision = config.vision
    width, heads = vision["hidden_size"], vision["num_attention_heads"]
    weight = tensors.array(f"{name}.attention.in_proj_weight")
    bias = tensors.array(f"{name}.attention.in_proj_bias")
    probe = tensors.array(f"{name}.probe").reshape(1, width)
    # The query depends on nothing: computed here, once.
    query = (probe.astype(np.float64) @ weight[:width].T.astype(np.float64) + bias[:width]).astype(
        np.float32
    )
    parts = [_split_heads(_repeat(query[None], hidden), heads)]
    for begin in (width, 2 * width):
        matrix = ops.constant(np.ascontiguousarray(weight[begin : begin + width]))
        product = ops.matmul(hidden, matrix, transpose_a=False, transpose_b=True)
        shift = ops.constant(np.ascontiguousarray(bias[begin : begin + width]))
        parts.append(_split_heads(ops.add(product, shift), heads))
    mixed = _join_heads(ops.scaled_dot_product_attention(*parts))
    pooled = _linear(mixed, tensors, f"{name}.attention.out_proj")
    normed = _layer_norm(pooled, tensors, f"{name}.layernorm", vision["layer_norm_eps"])
    out = ops.add(pooled, _mlp(normed, tensors, f"{name}.mlp", vision["hidden_act"]))
    return _drop_axis(out)


def _mlp(hidden: Any, tensors: Tensors, name: str, activation: str) -> Any:
    return _linear(
        _activate(_linear(hidden, tensors, f"{name}.fc1"), activation), tensors, f"{name}.fc2"
    )


def _activate(hidden: Any, activation: str) -> Any:
    """Apply ``hidden_act``: the field decides whether a CLIP is OpenAI's or LAION's.

    Source:
        transformers 5.23, ``activations.py``.
    """
    if activation == "quick_gelu":
        return ops.swish(hidden, ops.constant(np.float32(1.702)))
    if activation in ("gelu_pytorch_tanh", "gelu_new"):
        return ops.gelu(hidden, "tanh")
    if activation == "gelu":
        return ops.gelu(hidden, "erf")
    raise ModelRecipeError(
        f"cannot build `hidden_act` {activation!r}; accepted: quick_gelu, gelu, gelu_pytorch_tanh"
    )


def _linear(hidden: Any, tensors: Tensors, name: str, *, bias: bool = True) -> Any:
    product = ops.matmul(
        hidden, tensors.constant(f"{name}.weight"), transpose_a=False, transpose_b=True
    )
    return ops.add(product, tensors.constant(f"{name}.bias")) if bias else product


def _layer_norm(hidden: Any, tensors: Tensors, name: str, eps: float) -> Any:
    axis = ops.constant(np.array([-1], INT))
    normed = ops.mvn(hidden, axis, normalize_variance=True, eps=eps, eps_mode="inside_sqrt")
    scaled = ops.multiply(normed, tensors.constant(f"{name}.weight"))
    return ops.add(scaled, tensors.constant(f"{name}.bias"))


def _split_heads(hidden: Any, heads: int) -> Any:
    """(N, L, W) to (N, H, L, W / H)."""
    width = hidden.get_output_partial_shape(0)[2].get_length()
    shape = ops.constant(np.array([0, 0, heads, width // heads], INT))
    return ops.transpose(
        ops.reshape(hidden, shape, special_zero=True), ops.constant(np.array([0, 2, 1, 3], INT))
    )


def _join_heads(hidden: Any) -> Any:
    """(N, H, L, W / H) to (N, L, W)."""
    shape = hidden.get_output_partial_shape(0)
    width = shape[1].get_length() * shape[3].get_length()
    turned = ops.transpose(hidden, ops.constant(np.array([0, 2, 1, 3], INT)))
    return ops.reshape(turned, ops.constant(np.array([0, 0, width], INT)), special_zero=True)


def _repeat(row: Any, like: Any) -> Any:
    """Repeat a (1, 1, W) row for each of the N entries of another tensor."""
    count = ops.gather(
        ops.shape_of(like), ops.constant(np.array([0], INT)), ops.constant(np.array(0, INT))
    )
    shape = ops.concat([count, ops.constant(np.array([1, 1], INT))], axis=0)
    return ops.broadcast(ops.constant(row), shape, broadcast_spec="BIDIRECTIONAL")


def _slice(hidden: Any, begin: int, end: int) -> Any:
    return ops.slice(
        hidden,
        ops.constant(np.array([begin], INT)),
        ops.constant(np.array([end], INT)),
        ops.constant(np.array([1], INT)),
        ops.constant(np.array([1], INT)),
    )


def _pick_first(ids: Any, end_id: int | None) -> Pick:
    """Pick the first end token of each row; it looks at itself and at what stands before it."""
    is_end = ops.convert(ops.equal(ids, ops.constant(np.array(end_id, INT))), np.float32)
    # The first of several maxima: top-k with one value per row and the lowest index first.
    top = ops.topk(
        is_end, ops.constant(np.array(1, INT)), 1, "max", "value", index_element_type="i64",
        stable=True,
    )  # fmt: skip
    at, axis = top.output(1), ops.constant(np.array(1, INT))
    length = ops.gather(ops.shape_of(ids), axis, ops.constant(np.array(0, INT)))
    zero, one = ops.constant(np.array(0, INT)), ops.constant(np.array(1, INT))
    positions = ops.unsqueeze(ops.range(zero, length, one, "i64"), zero)
    is_seen = ops.unsqueeze(ops.less_equal(positions, at), ops.constant(np.array([1, 2], INT)))
    return Pick(lambda states: ops.gather(states, at, axis, batch_dims=1), is_seen)


def _drop_axis(states: Any) -> Any:
    """(N, 1, W) to (N, W)."""
    return ops.squeeze(states, ops.constant(np.array([1], INT)))


def _unit_norm(features: Any) -> Any:
    as_float = ops.convert(features, np.float32)
    return ops.normalize_l2(as_float, ops.constant(np.array([-1], INT)), 1e-24, "max")
