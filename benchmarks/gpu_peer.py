"""Plain transformers as a careful user runs it on a device: what ``benchmarks.gpu`` compares with.

Weights in the asked precision, a batch at a time, a DataLoader whose workers decode, resize and
tokenize, pinned memory where there is CUDA.
"""

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import DataLoader
from transformers import AutoImageProcessor, AutoModel, PreTrainedTokenizerFast

Batch = tuple[Any, Any]
"""Pixel values (N, 3, S, S), fp32, and token ids (N, L), on the host."""


class Batches:
    """Pairs in files, a batch an item.

    Args:
        folder: The checkpoint, for its processors.
        files: Of the images.
        texts: A caption for each.
        size: Pairs of a batch.
    """

    def __init__(
        self, folder: Path, files: Sequence[Path], texts: Sequence[str], size: int
    ) -> None:
        self.processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
        settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self.length = int(config["text_config"].get("max_position_embeddings", 77))
        self.padding = True if config["model_type"] == "clip" else "max_length"
        self.tokenizer = PreTrainedTokenizerFast(
            tokenizer_file=str(folder / "tokenizer.json"), pad_token=settings["pad_token"]
        )
        self.files, self.texts, self.size = list(files), list(texts), size

    def __len__(self) -> int:
        return math.ceil(len(self.files) / self.size)

    def __getitem__(self, index: int) -> Batch:
        part = slice(index * self.size, (index + 1) * self.size)
        images = [Image.open(path).convert("RGB") for path in self.files[part]]
        tokens = self.tokenizer(
            self.texts[part],
            padding=self.padding,
            truncation=True,
            max_length=self.length,
            return_tensors="pt",
        )
        pixels = self.processor(images=images, return_tensors="pt")["pixel_values"]
        return pixels, tokens["input_ids"]


class Peer:
    """The model on its device.

    Args:
        folder: The checkpoint.
        device: Where.
        kind: Type of the weights.
    """

    def __init__(self, folder: Path, device: str, kind: Any) -> None:
        self.folder, self.device, self.kind = folder, torch.device(device), kind
        self.model = AutoModel.from_pretrained(folder, dtype=kind).eval().to(self.device)

    def load(
        self, files: Sequence[Path], texts: Sequence[str], *, size: int, workers: int
    ) -> Iterable[Batch]:
        """Return what yields the batches, made by so many processes."""
        batches: Iterable[Batch] = DataLoader(
            Batches(self.folder, files, texts, size),
            batch_size=None,
            num_workers=workers,
            pin_memory=self.device.type == "cuda",
        )
        return batches

    def score(self, batches: Iterable[Batch]) -> NDArray[np.float32]:
        """Return the cosine of each pair."""
        cosines = []
        with torch.inference_mode():
            for pixels, ids in batches:
                there = pixels.to(self.device, non_blocking=True).to(self.kind)
                left = self.model.get_image_features(pixel_values=there).pooler_output
                right = self.model.get_text_features(
                    input_ids=ids.to(self.device, non_blocking=True)
                ).pooler_output
                cosine = torch.nn.functional.cosine_similarity(left.float(), right.float())
                cosines.append(cosine.cpu().numpy())
        return np.concatenate(cosines)
