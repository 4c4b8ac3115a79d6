"""Runs the two towers on the CPU with OpenVINO.

Bits: for one processor type, runtime version and precision a row depends on its own input alone.
Two habits hold that up. A batch of one is run as a batch of two, because a product with a single
row takes another kernel. And a caption is padded to a length that follows from the caption alone.
"""

import functools
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import openvino as ov
from openvino import opset13 as ops
from PIL import Image

from pairsift.config import ModelConfig
from pairsift.encoders import graph, int8, onnx
from pairsift.encoders.finite import check_finite
from pairsift.encoders.lengths import by_length
from pairsift.errors import ModelError, UnknownNameError
from pairsift.models import LocalModel
from pairsift.preprocess import preprocess_image
from pairsift.protocols import FloatArray, PixelArray, Provenance, TokenizedCaption
from pairsift.tokenization import CaptionTokenizer, pad

HINTS = {"fp32": "f32", "bf16": "bf16", "fp16": "f16"}
IMAGE_BATCH = 32
TEXT_BATCH = 64
MIN_BATCH = 2
# Batches that run beside each other. On two cores two streams of one thread took 0.65 of the time
# of one stream of two threads (towers of storybook's size): less waiting for each other.
MAX_STREAMS = 4


class OpenVinoEncoder:
    """Both towers of a checkpoint, compiled for this processor.

    Args:
        model: The checkpoint on this disk.
        config: Precision, threads and batch size.

    Raises:
        UnknownNameError: The precision has no such name.
        ModelError: The precision does not run on this processor, or the weights are unsound.
    """

    def __init__(self, model: LocalModel, config: ModelConfig) -> None:
        self.model = model
        self.record = model.record
        self._image_batch = config.batch_size or IMAGE_BATCH
        self._text_batch = config.batch_size or TEXT_BATCH
        if model.record.is_int8:
            int8.check_wish(config.precision, model.record)
        precision = "fp32" if model.record.is_int8 else choose_precision(config.precision)
        num_threads = config.threads or os.cpu_count() or 1
        self._num_streams = min(num_threads, MAX_STREAMS)
        self._properties = {
            "INFERENCE_PRECISION_HINT": HINTS[precision],
            "INFERENCE_NUM_THREADS": num_threads,
            "NUM_STREAMS": self._num_streams,
        }
        self._precision = int8.NAME if model.record.is_int8 else probe_precision(HINTS[precision])
        if config.precision not in ("auto", self._precision):
            message = (
                f"precision {config.precision} was asked for, but this processor computes "
                f"{self._precision}; use --precision auto"
            )
            raise ModelError(message)
        self._tokenizer = CaptionTokenizer(model.folder, self.record.text)
        image_tower, text_tower = build_towers(model)
        fixed = text_tower.input(0).partial_shape[1]
        # A graph that came with one length takes no other, whatever the mathematics allows.
        self._text = replace(
            self.record.text, trim_exact=self.record.text.trim_exact and fixed.is_dynamic
        )
        self._image_queue = self._compile(image_tower)
        self._text_queue = self._compile(text_tower)

    def _compile(self, tower: ov.Model) -> Any:
        compiled = _core().compile_model(tower, "CPU", self._properties)
        if int8.is_quantized(tower):
            int8.require_int8(_core(), compiled)
        return ov.AsyncInferQueue(compiled, self._num_streams)

    @property
    def provenance(self) -> Provenance:
        """What runs; the precision is what the probe saw."""
        return Provenance(
            model=self.record.name,
            revision=self.record.revision,
            weights_sha256=self.model.weights_sha256,
            runtime=f"openvino {ov.__version__.split('-')[0]}",
            device="cpu",
            precision=self._precision,
            image_recipe=self.record.image.describe(),
            text_recipe=self.record.text.describe(),
        )

    @property
    def width(self) -> int:
        """Dimensions D of the embeddings."""
        return self.record.width

    @property
    def image_size(self) -> int:
        """Side S of the input."""
        return self.record.image.size

    def prepare_image(self, image: Image.Image) -> PixelArray:
        """Return the input pixels of one RGB picture, shape (S, S, 3), uint8."""
        return preprocess_image(image, self.record.image)

    def prepare_captions(self, captions: Sequence[str]) -> list[TokenizedCaption]:
        """Return the token ids of each caption, cut to the context length."""
        return self._tokenizer.tokenize(captions)

    def encode_images(self, pixels: Sequence[PixelArray]) -> FloatArray:
        """Return unit-norm rows, shape (N, D), in input order.

        Raises:
            NotFiniteError: Rows are not finite; it says which.
        """
        size = min(self._image_batch, self._share(len(pixels)))
        jobs = (
            (range(begin, min(begin + size, len(pixels))), np.stack(pixels[begin : begin + size]))
            for begin in range(0, len(pixels), size)
        )
        return check_finite(self._run(self._image_queue, len(pixels), jobs), "the image tower")

    def encode_texts(self, captions: Sequence[TokenizedCaption]) -> FloatArray:
        """Return unit-norm rows, shape (N, D), in input order; batches are formed by length.

        Raises:
            NotFiniteError: Rows are not finite; it says which.
        """
        size = min(self._text_batch, self._share(len(captions)))
        jobs = (
            (chosen, pad([captions[index] for index in chosen], self._text, length=length))
            for length, chosen in by_length(captions, self._text, size)
        )
        return check_finite(self._run(self._text_queue, len(captions), jobs), "the caption tower")

    def _share(self, num_rows: int) -> int:
        """Return how many rows each stream gets when there are fewer than full batches."""
        return max(1, -(-num_rows // self._num_streams))

    def _run(self, queue: Any, num_rows: int, jobs: Iterable[tuple[Sequence[int], Any]]) -> Any:
        """Run batches beside each other and return the rows in input order."""
        rows = np.zeros((num_rows, self.width), dtype=np.float32)

        def take(request: Any, indices: Sequence[int]) -> None:
            rows[list(indices)] = request.get_output_tensor(0).data[: len(indices)]

        queue.set_callback(take)
        try:
            for indices, batch in jobs:
                queue.start_async({0: fill_up(batch)}, indices)
        finally:
            queue.wait_all()
        return rows


def fill_up(batch: Any) -> Any:
    """Repeat the last row until the number of rows is a power of two.

    The runtime keeps compiled kernels for every shape that it has seen. Batches of any size cost
    some 900 bytes a row over the first 80,000 rows of a table; a row's numbers do not depend on
    the batch.

    Args:
        batch: Rows, at least one.

    Returns:
        The batch, or a longer one that begins with it.

    Example:
        >>> [len(fill_up(np.zeros((count, 1)))) for count in (1, 2, 5, 16, 17)]
        [2, 2, 8, 16, 32]
    """
    wanted = max(MIN_BATCH, 1 << (len(batch) - 1).bit_length())
    return np.concatenate([batch, np.repeat(batch[-1:], wanted - len(batch), axis=0)])


def build_towers(model: LocalModel) -> tuple[ov.Model, ov.Model]:
    """Return the image tower and the text tower of a model, not yet compiled.

    Raises:
        WeightsError: A file is missing or damaged.
        ModelRecipeError: The config asks for what is not built.
    """
    if model.record.is_int8:
        return int8.read_towers(_core(), model.folder, model.record)
    build = onnx if model.record.is_onnx else graph
    return (
        build.build_image_tower(model.folder, model.record),
        build.build_text_tower(model.folder, model.record),
    )


def choose_precision(wish: str) -> str:
    """Return the precision that a wish stands for on this processor.

    Args:
        wish: ``auto``, ``fp32``, ``bf16`` or ``fp16``; auto is bf16 where the processor computes
            it natively, else fp32.

    Raises:
        UnknownNameError: There is no such precision.
    """
    if wish in HINTS:
        return wish
    if wish == int8.NAME:
        message = "int8 towers are made with `pairsift models quantize`; then give that folder"
        raise UnknownNameError(message)
    if wish != "auto":
        message = f"unknown precision {wish!r}; accepted: auto, fp32, bf16, fp16, int8"
        raise UnknownNameError(message)
    capabilities = _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return "bf16" if "BF16" in capabilities and probe_precision("bf16") == "bf16" else "fp32"


@functools.cache
def probe_precision(hint: str) -> str:
    """Return the precision in which products really run under a hint.

    The property of a compiled model repeats the wish. So a product is computed that tells them
    apart: 1 + 2⁻⁹ is a float16 but no bfloat16, and 1 + 2⁻¹³ is neither.
    """
    size = 64
    states = ops.parameter([-1, size], np.float32)
    weights = ops.constant(np.eye(size, dtype=np.float32))
    product = ops.matmul(states, weights, transpose_a=False, transpose_b=False)
    # A second layer with real weights keeps the first from being folded into a copy.
    both = ops.matmul(ops.relu(product), weights, transpose_a=False, transpose_b=False)
    model = ov.Model([both], [states], "probe")
    compiled = _core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": hint})
    values = np.zeros((32, size), dtype=np.float32)
    values[:, 0], values[:, 1] = 1 + 2**-9, 1 + 2**-13
    out = compiled(values)[0]
    if out[0, 1] != 1.0:
        return "fp32"
    return "fp16" if out[0, 0] != 1.0 else "bf16"


@functools.cache
def _core() -> Any:
    return ov.Core()
