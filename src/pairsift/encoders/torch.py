"""Runs the two towers with PyTorch and transformers: on accelerators, and as a second opinion.

Only the towers are transformers'. Preprocessing and tokenization are the same functions that feed
every other encoder, so that the numbers do not depend on which version of its processors is
installed. Pixels go to the device as bytes and become numbers there.
"""

import importlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pairsift.config import ModelConfig
from pairsift.encoders.finite import check_finite
from pairsift.encoders.lengths import by_length
from pairsift.encoders.several import SeveralDevices
from pairsift.encoders.torch_batches import TorchBatches
from pairsift.encoders.torch_device import (
    choose_precision,
    find_devices,
    forbid_shortcuts,
    probe_precision,
)
from pairsift.errors import MissingExtraError, ModelError
from pairsift.models import LocalModel
from pairsift.preprocess import preprocess_image
from pairsift.protocols import Encoder, FloatArray, PixelArray, Provenance, TokenizedCaption
from pairsift.tokenization import CaptionTokenizer, pad

INSTALL = 'pip install "pairsift[torch]"'
CPU_BATCH = 32
ACCELERATOR_BATCH = 256


def open_encoder(model: LocalModel, config: ModelConfig) -> Encoder:
    """Return an encoder on one device, or on all that the configuration names.

    Raises:
        As ``TorchEncoder``.
    """
    devices = find_devices(_import("torch"), config.device)
    encoders = [TorchEncoder(model, replace(config, device=device)) for device in devices]
    return encoders[0] if len(encoders) == 1 else SeveralDevices(encoders)


class TorchEncoder:
    """Both towers of a checkpoint in PyTorch, on one device.

    Args:
        model: The checkpoint on this disk, in safetensors.
        config: Device, precision, threads and batch size. Of a device that stands for several
            the first is taken.

    Raises:
        MissingExtraError: PyTorch or transformers is not installed.
        UnknownNameError: There is no such device here, or no such precision.
        ModelError: The weights are not in safetensors, or the device computes in another
            precision than it was asked for.
    """

    def __init__(self, model: LocalModel, config: ModelConfig) -> None:
        self.model = model
        self.record = model.record
        self._torch = torch = _import("torch")
        transformers = _import("transformers")
        if model.record.is_onnx:
            message = f"{model.record.name} is in ONNX; PyTorch needs safetensors (use openvino)"
            raise ModelError(message)
        if model.record.is_int8:
            message = f"{model.record.name} has int8 towers, which only openvino runs, on the cpu"
            raise ModelError(message)
        self._device = torch.device(find_devices(torch, config.device)[0])
        on_cpu = self._device.type == "cpu"
        self._precision, self._type = choose_precision(torch, config.precision, on_cpu=on_cpu)
        self._check_precision()
        if on_cpu and config.threads:
            torch.set_num_threads(config.threads)
        batch_size = config.batch_size or (CPU_BATCH if on_cpu else ACCELERATOR_BATCH)
        self._images = TorchBatches(torch, self._device, batch_size)
        self._texts = TorchBatches(torch, self._device, batch_size)
        self._tokenizer = CaptionTokenizer(model.folder, self.record.text)
        self._towers = _load(transformers, model.folder, self.record.family, self._type)
        self._towers.to(self._device).eval()
        mean = torch.tensor(self.record.image.mean, dtype=torch.float32)
        std = torch.tensor(self.record.image.std, dtype=torch.float32)
        self._factor = (1 / (255 * std)).to(self._device).view(1, 3, 1, 1)
        self._offset = (-mean / std).to(self._device).view(1, 3, 1, 1)
        self._is_compiled = config.torch_compile
        self._image_rows, self._text_rows = self._encode_pixels, self._encode_ids
        if self._is_compiled:
            self._image_rows = torch.compile(self._encode_pixels, dynamic=False)
            self._text_rows = torch.compile(self._encode_ids, dynamic=False)

    def _check_precision(self) -> None:
        forbid_shortcuts(self._torch)
        for name in probe_precision(self._torch, self._device, self._type):
            if name != self._precision:
                message = (
                    f"precision {self._precision} was asked for, but {self._device} computes {name}"
                )
                raise ModelError(message)

    @property
    def provenance(self) -> Provenance:
        """What runs."""
        return Provenance(
            model=self.record.name,
            revision=self.record.revision,
            weights_sha256=self.model.weights_sha256,
            runtime=f"torch {self._torch.__version__}",
            device=str(self._device),
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
            ModelError: One image alone does not fit the device's memory.
        """
        side = self.image_size

        def fill(indices: Sequence[int]) -> Any:
            size = self._batch_of(len(indices))
            host = self._images.empty((size, side, side, 3), self._torch.uint8)
            chosen = [pixels[index] for index in indices]
            chosen += chosen[-1:] * (size - len(chosen))
            np.stack(chosen, out=host.numpy())
            return host

        size = self._images.batch_size
        jobs = (
            range(begin, min(begin + size, len(pixels))) for begin in range(0, len(pixels), size)
        )
        rows = np.zeros((len(pixels), self.width), dtype=np.float32)
        self._images.run(jobs, rows, fill=fill, forward=self._image_rows)
        return self._finite(rows)

    def encode_texts(self, captions: Sequence[TokenizedCaption]) -> FloatArray:
        """Return unit-norm rows, shape (N, D), in input order; batches are formed by length.

        Raises:
            NotFiniteError: Rows are not finite; it says which.
            ModelError: One caption alone does not fit the device's memory.
        """
        text = self.record.text
        lengths: dict[int, int] = {}
        jobs = []
        for length, indices in by_length(captions, text, self._texts.batch_size):
            lengths.update(dict.fromkeys(indices, length))
            jobs.append(indices)

        def fill(indices: Sequence[int]) -> Any:
            length, size = lengths[indices[0]], self._batch_of(len(indices))
            host = self._texts.empty((size, length), self._torch.int64)
            chosen = [captions[index] for index in indices]
            chosen += chosen[-1:] * (size - len(chosen))
            host.numpy()[:] = pad(chosen, text, length=length)
            return host

        rows = np.zeros((len(captions), self.width), dtype=np.float32)
        self._texts.run(jobs, rows, fill=fill, forward=self._text_rows)
        return self._finite(rows)

    def _batch_of(self, count: int) -> int:
        """Return the rows that are computed: compiled towers take powers of two, few shapes."""
        return 1 << (count - 1).bit_length() if self._is_compiled else count

    def _encode_pixels(self, pixels: Any) -> Any:
        """From bytes (N, S, S, 3) to unit-norm rows (N, D), all on the device."""
        batch = pixels.permute(0, 3, 1, 2).float()
        scaled = (batch * self._factor + self._offset).to(self._type)
        return self._unit(self._towers.get_image_features(pixel_values=scaled))

    def _encode_ids(self, ids: Any) -> Any:
        """From token ids (N, L) to unit-norm rows (N, D), all on the device."""
        return self._unit(self._towers.get_text_features(input_ids=ids))

    def _unit(self, features: Any) -> Any:
        """Return unit-norm float32 rows; since version 5 transformers wraps the features."""
        tensor = getattr(features, "pooler_output", features).float()
        return self._torch.nn.functional.normalize(tensor, dim=-1)

    def _finite(self, rows: FloatArray) -> FloatArray:
        return check_finite(rows, f"{self.record.name} in {self._precision}")


def _import(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        message = f"{name} is not installed: {INSTALL}"
        raise MissingExtraError(message) from error


def _load(transformers: Any, folder: Path, family: str, kind: Any) -> Any:
    model = transformers.CLIPModel if family == "clip" else transformers.SiglipModel
    bars = transformers.utils.logging
    had_bars = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        return model.from_pretrained(
            folder, use_safetensors=True, attn_implementation="sdpa", dtype=kind
        )
    finally:
        if had_bars:
            bars.enable_progress_bar()
