"""Towers that ``pairsift models quantize`` made: int8 products, float32 between them.

They are OpenVINO IR, with the ranges of every product's inputs fixed when the model was made, so
that a row depends on its own input alone, as in the other precisions.
"""

import functools
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from pairsift.errors import ModelError, ModelRecipeError, WeightsError
from pairsift.records import INT8_IMAGE_FILE, INT8_TEXT_FILE, ModelRecord

NAME = "int8"
_WHOLE = ("i8", "u8")
# What the CPU plugin calls a product with constant weights.
_PRODUCTS = ("FullyConnected", "MatMul", "Convolution")


def check_wish(wish: str, record: ModelRecord) -> None:
    """Refuse another precision for towers that have only this one.

    Raises:
        ModelError: Neither ``auto`` nor ``int8`` was asked for.
    """
    if wish not in ("auto", NAME):
        message = f"{record.name} has int8 towers and no others, not {wish}; use --precision auto"
        raise ModelError(message)


def read_towers(core: Any, folder: Path, record: ModelRecord) -> tuple[ov.Model, ov.Model]:
    """Read both towers.

    Args:
        core: OpenVINO's core, which reads the files.
        folder: The model.
        record: Its record.

    Returns:
        Models from uint8 pixels (N, S, S, 3) and from int64 token ids (N, L) to unit-norm float32
        rows (N, D).

    Raises:
        WeightsError: A file is not there, cannot be read, or holds no int8 product.
        ModelRecipeError: A tower's inputs or outputs are not as the record says.
    """
    images, texts = (_read(core, folder / name) for name in (INT8_IMAGE_FILE, INT8_TEXT_FILE))
    if not is_quantized(images):
        raise WeightsError(f"{folder / INT8_IMAGE_FILE} holds no int8 product; quantise it again")
    side = record.image.size
    _require(images, [-1, side, side, 3], record, INT8_IMAGE_FILE)
    length = -1 if record.text.trim_exact else record.text.context_length
    _require(texts, [-1, length], record, INT8_TEXT_FILE)
    return images, texts


def is_quantized(tower: ov.Model) -> bool:
    """Whether a tower, not yet compiled, holds ranges for int8."""
    return any(op.get_type_name() == "FakeQuantize" for op in tower.get_ops())


def executed_products(compiled: Any) -> Counter[str]:
    """Count the products of a compiled tower by the type in which they are executed."""
    found: Counter[str] = Counter()
    for op in compiled.get_runtime_model().get_ops():
        facts = op.get_rt_info()
        if _word(facts, "layerType") in _PRODUCTS:
            found[_word(facts, "runtimePrecision")] += 1
    return found


def require_int8(core: Any, compiled: Any) -> None:
    """Prove that a compiled tower multiplies in int8, from what the plugin will execute.

    Raises:
        ModelError: Most of its products run in another type on this processor, or their sums are
            cut off.
    """
    if not sums_exactly(core):
        message = (
            "this processor cuts off sums of int8 products (it has no VNNI), which moves "
            "similarities; use the model that the int8 towers were made from"
        )
        raise ModelError(message)
    products = executed_products(compiled)
    whole = sum(products[name] for name in _WHOLE)
    if 2 * whole <= products.total():
        shown = ", ".join(f"{count} in {name}" for name, count in products.most_common())
        message = (
            f"this processor does not run the int8 towers in int8 (products: {shown or 'none'}); "
            "use the model that they were made from"
        )
        raise ModelError(message)


@functools.cache
def sums_exactly(core: Any) -> bool:
    """Prove that this processor adds up int8 products without cutting them off.

    Processors without VNNI add two products in 16 bits, which end at 32,767: 255 times 127, twice,
    becomes half of what it is. Measured on the built-in model under ``ONEDNN_MAX_CPU_ISA``: rows
    move by up to 0.19 then.
    """
    size = 64
    states = ops.parameter([-1, size], np.float32)
    whole = _rounded(states, 0.0, 255.0, 256)
    weights = _rounded(ops.constant(np.full((size, size), 127, np.float32)), -127.0, 127.0, 255)
    product = ops.matmul(whole, weights, transpose_a=False, transpose_b=True)
    compiled = core.compile_model(
        ov.Model([product], [states], "probe"), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    out = compiled(np.full((32, size), 255, np.float32))[0]
    return bool(np.abs(out - size * 255 * 127).max() <= 1.0)


def _rounded(values: Any, low: float, high: float, levels: int) -> Any:
    ends = (ops.constant(np.float32(end)) for end in (low, high, low, high))
    return ops.fake_quantize(values, *ends, levels)


def _word(facts: Any, name: str) -> str:
    return str(facts[name].astype(str)) if name in facts else ""


def _read(core: Any, path: Path) -> ov.Model:
    if not path.is_file():
        raise WeightsError(f"{path} is not there; quantise the model again")
    try:
        return core.read_model(path)
    except RuntimeError as error:
        raise WeightsError(f"{path} cannot be read as OpenVINO IR; quantise it again") from error


def _require(tower: ov.Model, shape: list[int], record: ModelRecord, name: str) -> None:
    """Hold a tower against its record: one input of this shape, one output of its width."""
    fits = len(tower.inputs) == 1 and len(tower.outputs) == 1
    if fits:
        given, made = tower.input(0).partial_shape, tower.output(0).partial_shape
        fits = given.compatible(ov.PartialShape(shape)) and made.compatible(
            ov.PartialShape([-1, record.width])
        )
    if not fits:
        message = f"{name}: not a tower from {shape} to rows of {record.width}"
        raise ModelRecipeError(message)
