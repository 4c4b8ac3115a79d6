"""Runs the two towers with PyTorch and transformers: on accelerators, and as a second opinion.

Only the towers are transformers'. Preprocessing and tokenization are the same functions that feed
every other encoder, so that the numbers do not depend on which version of its processors is
installed.
"""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pairsift.config import ModelConfig
from pairsift.errors import MissingExtraError, ModelError, UnknownNameError
from pairsift.models import LocalModel
from pairsift.preprocess import preprocess_image
from pairsift.protocols import FloatArray, PixelArray, Provenance, TokenizedCaption
from pairsift.tokenization import CaptionTokenizer, pad

INSTALL = "pip install 'pairsift[torch]'"
CPU_BATCH = 32
ACCELERATOR_BATCH = 256


class TorchEncoder:
    """Both towers of a checkpoint in PyTorch.

    Args:
        model: The checkpoint on this disk, in safetensors.
        config: Device, precision, threads and batch size.

    Raises:
        MissingExtraError: PyTorch or transformers is not installed.
        UnknownNameError: There is no such device here, or no such precision.
        ModelError: The weights are not in safetensors.
    """

    def __init__(self, model: LocalModel, config: ModelConfig) -> None:
        self.model = model
        self.record = model.record
        self._torch = _import("torch")
        transformers = _import("transformers")
        if model.record.is_onnx:
            message = f"{model.record.name} is in ONNX; PyTorch needs safetensors (use openvino)"
            raise ModelError(message)
        self._device = _device(self._torch, config.device)
        on_cpu = self._device.type == "cpu"
        self._precision, self._type = _precision(self._torch, config.precision, on_cpu=on_cpu)
        self._batch = config.batch_size or (CPU_BATCH if on_cpu else ACCELERATOR_BATCH)
        if on_cpu and config.threads:
            self._torch.set_num_threads(config.threads)
        self._tokenizer = CaptionTokenizer(model.folder, self.record.text)
        self._towers = _load(transformers, model.folder, self.record.family)
        self._towers.to(self._device, self._type).eval()
        mean = self._torch.tensor(self.record.image.mean, dtype=self._torch.float32)
        std = self._torch.tensor(self.record.image.std, dtype=self._torch.float32)
        self._factor = (1 / (255 * std)).to(self._device).view(1, 3, 1, 1)
        self._offset = (-mean / std).to(self._device).view(1, 3, 1, 1)

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
        """Return unit-norm rows, shape (N, D), in input order."""
        rows = np.zeros((len(pixels), self.width), dtype=np.float32)
        for begin in range(0, len(pixels), self._batch):
            batch = self._torch.from_numpy(np.stack(pixels[begin : begin + self._batch]))
            batch = batch.to(self._device).permute(0, 3, 1, 2).float()
            scaled = (batch * self._factor + self._offset).to(self._type)
            with self._torch.inference_mode():
                features = self._towers.get_image_features(pixel_values=scaled)
            rows[begin : begin + len(batch)] = self._rows(features)
        return rows

    def encode_texts(self, captions: Sequence[TokenizedCaption]) -> FloatArray:
        """Return unit-norm rows, shape (N, D), in input order; batches are formed by length."""
        rows = np.zeros((len(captions), self.width), dtype=np.float32)
        order = sorted(range(len(captions)), key=lambda index: len(captions[index].ids))
        for begin in range(0, len(order), self._batch):
            chosen = order[begin : begin + self._batch]
            batch = [captions[index] for index in chosen]
            length = self.record.text.context_length
            if self.record.text.trim_exact:
                length = max(len(caption.ids) for caption in batch)
            ids = self._torch.from_numpy(pad(batch, self.record.text, length=length))
            with self._torch.inference_mode():
                features = self._towers.get_text_features(input_ids=ids.to(self._device))
            rows[chosen] = self._rows(features)
        return rows

    def _rows(self, features: Any) -> FloatArray:
        """Return unit-norm float32 rows; since version 5 transformers wraps the features."""
        tensor = getattr(features, "pooler_output", features).float()
        rows: FloatArray = self._torch.nn.functional.normalize(tensor, dim=-1).cpu().numpy()
        if not np.isfinite(rows).all():
            message = f"{self.record.name} gave embeddings that are not finite in {self._precision}"
            raise ModelError(message)
        return rows


def _import(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        message = f"{name} is not installed: {INSTALL}"
        raise MissingExtraError(message) from error


def _device(torch: Any, wish: str) -> Any:
    """Return the device; auto is the first accelerator, else the CPU.

    Raises:
        UnknownNameError: There is no such device here.
    """
    has_mps = torch.backends.mps.is_available()
    if wish == "auto":
        wish = "cuda" if torch.cuda.is_available() else ("mps" if has_mps else "cpu")
    kind, _, number = wish.partition(":")
    there = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(has_mps)}
    if kind not in there or not there[kind] or (number and int(number) >= there[kind]):
        found = ", ".join(f"{name} ({count})" for name, count in there.items() if count)
        message = f"no device {wish!r} here; available: {found}"
        raise UnknownNameError(message)
    return torch.device(wish)


def _precision(torch: Any, wish: str, *, on_cpu: bool) -> tuple[str, Any]:
    """Return the precision and its type; auto is fp32 on the CPU and fp16 on accelerators.

    OpenAI trained and ran CLIP in fp16; sums and norms here stay in fp32.
    """
    types = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    name = ("fp32" if on_cpu else "fp16") if wish == "auto" else wish
    if name not in types:
        message = f"unknown precision {wish!r}; accepted: auto, {', '.join(types)}"
        raise UnknownNameError(message)
    if name == "fp32":
        torch.set_float32_matmul_precision("highest")
    return name, types[name]


def _load(transformers: Any, folder: Path, family: str) -> Any:
    kind = transformers.CLIPModel if family == "clip" else transformers.SiglipModel
    return kind.from_pretrained(
        folder, use_safetensors=True, attn_implementation="sdpa", dtype="float32"
    )
