"""Towers from ONNX files in the public layout, for checkpoints that have no safetensors.

``onnx/vision_model.onnx`` takes normalised pixels and ``onnx/text_model.onnx`` token ids; what
their inputs and outputs are called is asked of the files. Pixel normalisation is put before and
the unit norm after them: the split towers give the raw projection, and normalising twice is
harmless.
"""

from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from pairsift.errors import ModelRecipeError, WeightsError
from pairsift.records import ONNX_IMAGE_FILE, ONNX_TEXT_FILE, ModelRecord

# The embedding's name in exports by optimum and transformers.js, by open_clip exporters, and in
# the SigLIP exports; in this order, because CLIP exports carry hidden states as well.
IMAGE_OUTPUTS = ("image_embeds", "embedding", "pooler_output")
TEXT_OUTPUTS = ("text_embeds", "embedding", "pooler_output")


def build_image_tower(folder: Path, record: ModelRecord) -> ov.Model:
    """Read the image tower.

    Args:
        folder: The checkpoint.
        record: Its record; the mean and std of its image recipe are folded in.

    Returns:
        A model from uint8 pixels (N, S, S, 3) to unit-norm float32 rows (N, D).

    Raises:
        WeightsError: The file is not there or cannot be read.
        ModelRecipeError: Its inputs or outputs are not those of the layout.
    """
    model = _read(folder / ONNX_IMAGE_FILE)
    side = record.image.size
    (tower_input,) = _inputs(model, ONNX_IMAGE_FILE, ("pixel_values", "image"))
    _require_batches(tower_input, ONNX_IMAGE_FILE)
    pixels = ops.parameter([-1, side, side, 3], np.uint8, name="pixels")
    mean = np.array(record.image.mean, np.float64)
    std = np.array(record.image.std, np.float64)
    factor = ops.constant((1 / (255 * std)).astype(np.float32))
    offset = ops.constant((-mean / std).astype(np.float32))
    scaled = ops.add(ops.multiply(ops.convert(pixels, np.float32), factor), offset)
    turned = ops.transpose(scaled, ops.constant(np.array([0, 3, 1, 2], np.int64)))
    _replace(tower_input, ops.convert(turned, tower_input.get_element_type().to_dtype()))
    return ov.Model([_embedding(model, record, IMAGE_OUTPUTS)], [pixels], "image_tower")


def build_text_tower(folder: Path, record: ModelRecord) -> ov.Model:
    """Read the text tower.

    Args:
        folder: The checkpoint.
        record: Its record.

    Returns:
        A model from int64 token ids (N, L) to unit-norm float32 rows (N, D); L is fixed where the
        file fixes it.

    Raises:
        WeightsError: The file is not there or cannot be read.
        ModelRecipeError: Its inputs or outputs are not those of the layout.
    """
    model = _read(folder / ONNX_TEXT_FILE)
    inputs = _inputs(model, ONNX_TEXT_FILE, ("input_ids", "text"), ("attention_mask",))
    _require_batches(inputs[0], ONNX_TEXT_FILE)
    length = inputs[0].get_partial_shape()[1]
    fixed = record.text.context_length if not record.text.trim_exact else -1
    size = length.get_length() if length.is_static else fixed
    ids = ops.parameter([-1, size], np.int64, name="ids")
    for mask in inputs[1:]:
        # What follows the end token is never looked at, so nothing has to be masked.
        ones = ops.broadcast(ops.constant(np.array(1, np.int64)), ops.shape_of(ids))
        _replace(mask, ops.convert(ones, mask.get_element_type().to_dtype()))
    _replace(inputs[0], ops.convert(ids, inputs[0].get_element_type().to_dtype()))
    return ov.Model([_embedding(model, record, TEXT_OUTPUTS)], [ids], "text_tower")


def _read(path: Path) -> ov.Model:
    if not path.is_file():
        raise WeightsError(f"no {path.parent.name}/{path.name} in {path.parent.parent}")
    try:
        return ov.Core().read_model(path)
    except RuntimeError as error:
        raise WeightsError(f"{path}: cannot be read as ONNX: {error}") from error


def _inputs(model: ov.Model, file: str, names: tuple[str, ...], also: Any = ()) -> list[Any]:
    """Return the input parameters: the one that has to be there, then the optional ones."""
    found: list[Any] = []
    optional: list[Any] = []
    for parameter in model.get_parameters():
        own = parameter.output(0).get_names()
        if own & set(names):
            found.append(parameter)
        elif own & set(also):
            optional.append(parameter)
        else:
            raise ModelRecipeError(f"{file}: unknown input {sorted(own)}; accepted: {names}")
    if len(found) != 1:
        raise ModelRecipeError(f"{file}: has none of the inputs {names}")
    return found + optional


def _require_batches(parameter: Any, file: str) -> None:
    if parameter.get_partial_shape()[0].is_static:
        raise ModelRecipeError(f"{file}: its batch size is fixed; export it with a dynamic one")


def _replace(parameter: Any, node: Any) -> None:
    for target in parameter.output(0).get_target_inputs():
        target.replace_source_output(node.output(0))


def _embedding(model: ov.Model, record: ModelRecord, names: tuple[str, ...]) -> Any:
    """Return the unit-norm embedding, (N, D)."""
    outputs = {name: output for output in model.outputs for name in output.get_names()}
    for name in names:
        if name in outputs:
            result = outputs[name].get_node().input_value(0)
            width = outputs[name].get_partial_shape()[-1]
            if width.is_static and width.get_length() != record.width:
                raise ModelRecipeError(f"{name}: {width} wide, not {record.width} as recorded")
            rows = ops.convert(result, np.float32)
            return ops.normalize_l2(rows, ops.constant(np.array([-1], np.int64)), 1e-24, "max")
    raise ModelRecipeError(f"the ONNX outputs are {sorted(outputs)}; accepted: {names}")
