"""The encoder layers that the towers of both families share, as OpenVINO operations.

The operations are those of transformers' ``CLIPModel`` and ``SiglipModel`` (5.23).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from openvino import opset13 as ops

from pairsift.checkpoints import StoredTensor, map_checkpoint
from pairsift.errors import ModelRecipeError, WeightsError
from pairsift.recipes import TowerConfig

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


@dataclass(frozen=True)
class Pick:
    """Which position of the last layer is wanted; nothing else of that layer is computed.

    Args:
        take: From states (N, L, W) to the wanted ones, (N, 1, W).
        mask: Which positions that one may look at, boolean (N, 1, 1, L); null for all.
    """

    take: Callable[[Any], Any]
    mask: Any = None


def encode_layers(
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
        normed = layer_norm(hidden, tensors, f"{name}.layer_norm1", eps)
        queries, mask, is_causal = normed, None, causal
        if pick is not None and number == config["num_hidden_layers"] - 1:
            hidden, queries = pick.take(hidden), pick.take(normed)
            mask, is_causal = pick.mask, False
        parts = [
            _split_heads(linear(states, tensors, f"{name}.self_attn.{part}_proj"), heads)
            for part, states in (("q", queries), ("k", normed), ("v", normed))
        ]
        mixed = ops.scaled_dot_product_attention(*parts, mask, causal=is_causal)
        attended = linear(_join_heads(mixed), tensors, f"{name}.self_attn.out_proj")
        hidden = ops.add(hidden, attended)
        normed = layer_norm(hidden, tensors, f"{name}.layer_norm2", eps)
        hidden = ops.add(hidden, _mlp(normed, tensors, f"{name}.mlp", config["hidden_act"]))
    return hidden


def attention_pool(hidden: Any, tensors: Tensors, name: str, config: TowerConfig) -> Any:
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
    parts = [_split_heads(repeat(query[None], hidden), heads)]
    for begin in (width, 2 * width):
        matrix = ops.constant(np.ascontiguousarray(weight[begin : begin + width]))
        product = ops.matmul(hidden, matrix, transpose_a=False, transpose_b=True)
        shift = ops.constant(np.ascontiguousarray(bias[begin : begin + width]))
        parts.append(_split_heads(ops.add(product, shift), heads))
    mixed = _join_heads(ops.scaled_dot_product_attention(*parts))
    pooled = linear(mixed, tensors, f"{name}.attention.out_proj")
    normed = layer_norm(pooled, tensors, f"{name}.layernorm", vision["layer_norm_eps"])
    out = ops.add(pooled, _mlp(normed, tensors, f"{name}.mlp", vision["hidden_act"]))
    return drop_axis(out)


def _mlp(hidden: Any, tensors: Tensors, name: str, activation: str) -> Any:
    return linear(
        _activate(linear(hidden, tensors, f"{name}.fc1"), activation), tensors, f"{name}.fc2"
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


def linear(hidden: Any, tensors: Tensors, name: str, *, bias: bool = True) -> Any:
    """Return hidden states times the weight of that name, plus its bias."""
    product = ops.matmul(
        hidden, tensors.constant(f"{name}.weight"), transpose_a=False, transpose_b=True
    )
    return ops.add(product, tensors.constant(f"{name}.bias")) if bias else product


def layer_norm(hidden: Any, tensors: Tensors, name: str, eps: float) -> Any:
    """Return states with mean 0 and variance 1 along the width, scaled and shifted as stored."""
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


def repeat(row: Any, like: Any) -> Any:
    """Repeat a (1, 1, W) row for each of the N entries of another tensor."""
    count = ops.gather(
        ops.shape_of(like), ops.constant(np.array([0], INT)), ops.constant(np.array(0, INT))
    )
    shape = ops.concat([count, ops.constant(np.array([1, 1], INT))], axis=0)
    return ops.broadcast(ops.constant(row), shape, broadcast_spec="BIDIRECTIONAL")


def slice_states(hidden: Any, begin: int, end: int) -> Any:
    """Return the states of positions ``begin`` to ``end``: (N, L, W) to (N, end - begin, W)."""
    return ops.slice(
        hidden,
        ops.constant(np.array([begin], INT)),
        ops.constant(np.array([end], INT)),
        ops.constant(np.array([1], INT)),
        ops.constant(np.array([1], INT)),
    )


def pick_first(ids: Any, end_id: int | None) -> Pick:
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


def drop_axis(states: Any) -> Any:
    """(N, 1, W) to (N, W)."""
    return ops.squeeze(states, ops.constant(np.array([1], INT)))
