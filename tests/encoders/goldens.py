"""The golden checkpoints, and what transformers gave for them (``scripts/make_goldens.py``)."""

import functools
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pairsift.config import ModelConfig
from pairsift.encoders.openvino import OpenVinoEncoder
from pairsift.models import LocalModel, ModelRecord, derive_record
from pairsift.preprocess import preprocess_image
from pairsift.protocols import Encoder, FloatArray, PixelArray

FOLDER = Path(__file__).parents[1] / "golden"
SAFETENSORS = ("clip-quick", "clip-gelu", "siglip", "siglip2")
NAMES = (*SAFETENSORS, "clip-onnx")
TOLERANCE = 1e-5
NUM_IMAGES = 5


@dataclass(frozen=True)
class Golden:
    """One golden checkpoint with the reference's answers."""

    model: LocalModel
    captions: list[str]
    token_ids: NDArray[np.int32]
    image_embeddings: FloatArray
    text_embeddings: FloatArray

    @property
    def record(self) -> ModelRecord:
        """Its record, derived from its files."""
        return self.model.record

    def pixels(self) -> list[PixelArray]:
        """Return the pictures as the record's recipe prepares them."""
        return [preprocess_image(image, self.record.image) for image in images()]

    def with_record(self, **changes: Any) -> LocalModel:
        """Return the model with a record that is wrong on purpose."""
        return replace(self.model, record=replace(self.record, **changes))


def load(name: str) -> Golden:
    """Read one golden; a missing file is an error."""
    folder = FOLDER / name
    with np.load(folder / "expected.npz") as arrays:
        return Golden(
            LocalModel(derive_record(folder, name=name), folder),
            json.loads((folder / "captions.json").read_text()),
            arrays["token_ids"],
            arrays["image_embeddings"],
            arrays["text_embeddings"],
        )


def images() -> list[Image.Image]:
    """Read the golden pictures."""
    found = []
    for number in range(NUM_IMAGES):
        with Image.open(FOLDER / "images" / f"{number}.png") as image:
            found.append(image.convert("RGB"))
    return found


@functools.cache
def openvino(model: LocalModel, **config: Any) -> OpenVinoEncoder:
    """Build the encoder in fp32, once for all tests of one process."""
    return OpenVinoEncoder(model, ModelConfig(precision="fp32", **config))


def text_rows(encoder: Encoder, captions: list[str]) -> FloatArray:
    """Tokenize and encode."""
    return encoder.encode_texts(encoder.prepare_captions(captions))


def image_rows(encoder: Encoder) -> FloatArray:
    """Prepare and encode the golden pictures."""
    return encoder.encode_images([encoder.prepare_image(image) for image in images()])
