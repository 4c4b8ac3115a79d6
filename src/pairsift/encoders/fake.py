"""A deterministic encoder without weights: for tests, dry runs and measuring everything else."""

import hashlib
from collections.abc import Sequence

import numpy as np
from PIL import Image

from pairsift.models import ImageRecipe, ModelRecord, TextRecipe
from pairsift.preprocess import HALF, preprocess_image
from pairsift.protocols import FloatArray, PixelArray, Provenance, TokenizedCaption

FAKE_RECORD = ModelRecord(
    name="fake",
    family="siglip",
    repo=None,
    revision=None,
    files=(),
    image=ImageRecipe(32, "squash", "bicubic", HALF, HALF),
    text=TextRecipe(64, pad_id=0, end_id=None, lowercase=False, trim_exact=True),
    logit_scale=100.0,
    logit_bias=-10.0,
    width=16,
    licence="Apache-2.0",
)


class FakeEncoder:
    """Embeddings that follow from the pixels and the bytes alone, by hashing.

    They mean nothing; they only differ where the input differs.

    Example:
        >>> encoder = FakeEncoder()
        >>> encoder.encode_texts(encoder.prepare_captions(["a cat"])).shape
        (1, 16)
    """

    def __init__(self) -> None:
        self.record = FAKE_RECORD

    @property
    def provenance(self) -> Provenance:
        """What runs: nothing that could be mistaken for a model."""
        return Provenance(
            model="fake",
            revision=None,
            weights_sha256=None,
            runtime="fake",
            device="cpu",
            precision="fp32",
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
        """Return the caption's bytes as ids, cut to the context length."""
        length = self.record.text.context_length
        encoded = [caption.encode("utf-8") for caption in captions]
        return [TokenizedCaption(tuple(data[:length]), len(data)) for data in encoded]

    def encode_images(self, pixels: Sequence[PixelArray]) -> FloatArray:
        """Return unit-norm rows, shape (N, D), that follow from the pixels."""
        return _rows([np.ascontiguousarray(picture).tobytes() for picture in pixels], self.width)

    def encode_texts(self, captions: Sequence[TokenizedCaption]) -> FloatArray:
        """Return unit-norm rows, shape (N, D), that follow from the ids."""
        return _rows([repr(caption.ids).encode() for caption in captions], self.width)


def _rows(keys: Sequence[bytes], width: int) -> FloatArray:
    rows = np.zeros((len(keys), width), dtype=np.float32)
    for row, key in zip(rows, keys, strict=True):
        digest = hashlib.shake_256(key).digest(2 * width)
        numbers = np.frombuffer(digest, dtype="<u2").astype(np.float32) - 32767.5
        row[:] = numbers / np.linalg.norm(numbers)
    return rows
