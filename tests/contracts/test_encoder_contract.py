"""What every encoder promises, and broken encoders that the same checks refuse."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pairsift.config import ModelConfig
from pairsift.encoders.fake import FakeEncoder
from pairsift.encoders.torch import TorchEncoder
from pairsift.protocols import Encoder, FloatArray, PixelArray, Provenance, TokenizedCaption
from tests.encoders.goldens import images, load, openvino

CAPTIONS = ["a red circle", "two boats on the sea", "", "a red circle", "x " * 200]


def torch_encoder(name: str) -> Encoder:
    return TorchEncoder(load(name).model, ModelConfig(precision="fp32", device="cpu", threads=1))


MAKERS: dict[str, Callable[[], Encoder]] = {
    "fake": FakeEncoder,
    "openvino-clip": lambda: openvino(load("clip-quick").model),
    "openvino-siglip": lambda: openvino(load("siglip2").model),
    "openvino-onnx": lambda: openvino(load("clip-onnx").model),
    "torch-clip": lambda: torch_encoder("clip-quick"),
    "torch-siglip": lambda: torch_encoder("siglip2"),
}
PARAMS = [
    pytest.param(name, marks=[pytest.mark.torch] if name.startswith("torch") else [])
    for name in MAKERS
]
# PyTorch's products depend on the batch in their last bits; OpenVINO's are held to the bit in
# tests/encoders/test_openvino.py.
TOLERANCE = 1e-6


def check_images(encoder: Encoder) -> None:
    """Unit-norm float32 rows, one a picture, in input order, whatever the batch."""
    pictures = images()
    pixels = [encoder.prepare_image(picture) for picture in pictures]
    side = encoder.image_size
    for prepared, picture in zip(pixels, pictures, strict=True):
        assert prepared.shape == (side, side, 3)
        assert prepared.dtype == np.uint8
        # The least that a preprocessing owes: the colours of the whole stay where they were.
        mean = np.asarray(picture.resize((side, side))).mean(axis=(0, 1))
        assert np.abs(prepared.mean(axis=(0, 1)) - mean).max() < 40
        top, whole = prepared[: side // 3].mean(), prepared.mean()
        expected = np.asarray(picture.resize((side, side)))
        assert np.sign(top - whole) == np.sign(expected[: side // 3].mean() - expected.mean())
    check_rows(encoder, encoder.encode_images(pixels), encoder.encode_images, pixels)


def check_captions(encoder: Encoder) -> None:
    """The same for captions; equal captions have equal rows, and long ones are cut and told."""
    captions = encoder.prepare_captions(CAPTIONS)
    assert len(captions) == len(CAPTIONS)
    assert captions[0] == captions[3]
    assert captions[-1].is_truncated
    assert not captions[0].is_truncated
    rows = encoder.encode_texts(captions)
    check_rows(encoder, rows, encoder.encode_texts, captions)
    assert np.array_equal(rows[0], rows[3])


def check_rows(encoder: Encoder, rows: FloatArray, encode: Any, given: Sequence[Any]) -> None:
    assert rows.shape == (len(given), encoder.width)
    assert rows.dtype == np.float32
    assert np.abs(np.linalg.norm(rows, axis=1) - 1).max() < 1e-5
    for number, one in enumerate(given):
        assert np.abs(encode([one])[0] - rows[number]).max() < TOLERANCE
    assert np.abs(encode(list(given)[::-1])[::-1] - rows).max() < TOLERANCE
    assert encode([]).shape == (0, encoder.width)


def check_provenance(encoder: Encoder) -> None:
    told = encoder.provenance
    assert isinstance(told, Provenance)
    assert told.precision in ("fp32", "bf16", "fp16")
    assert all((told.model, told.runtime, told.device, told.image_recipe, told.text_recipe))


CHECKS = (check_images, check_captions, check_provenance)


@pytest.fixture(scope="module", params=PARAMS)
def encoder(request: pytest.FixtureRequest) -> Encoder:
    return MAKERS[request.param]()


@pytest.mark.parametrize("check", CHECKS)
def test_every_encoder_keeps_the_contract(encoder: Encoder, check: Any) -> None:
    check(encoder)


class Broken:
    """The fake encoder with one promise broken."""

    def __init__(self, fault: str) -> None:
        self._fault, self._sound = fault, FakeEncoder()
        self.width, self.image_size = self._sound.width, self._sound.image_size

    @property
    def provenance(self) -> Provenance:
        told = self._sound.provenance
        return replace(told, precision="int3") if self._fault == "provenance" else told

    def prepare_image(self, image: Image.Image) -> PixelArray:
        pixels = self._sound.prepare_image(image)
        if self._fault == "turned pictures":
            return np.ascontiguousarray(pixels[::-1])
        if self._fault == "wrong resize":
            return np.asarray(image.crop((0, 0, self.image_size, self.image_size)))
        return pixels[:-1] if self._fault == "wrong size" else pixels

    def prepare_captions(self, captions: Sequence[str]) -> list[TokenizedCaption]:
        told = self._sound.prepare_captions(captions)
        if self._fault == "cut in silence":
            return [TokenizedCaption(caption.ids, len(caption.ids)) for caption in told]
        return told

    def encode_images(self, pixels: Sequence[PixelArray]) -> FloatArray:
        return self._spoil(self._sound.encode_images(pixels))

    def encode_texts(self, captions: Sequence[TokenizedCaption]) -> FloatArray:
        return self._spoil(self._sound.encode_texts(captions))

    def _spoil(self, rows: FloatArray) -> FloatArray:
        spoilt: dict[str, Callable[[], Any]] = {
            "not normalised": lambda: rows * 2,
            "swapped rows": lambda: np.roll(rows, 1, axis=0),
            "float64": lambda: rows.astype(np.float64),
            "lost row": lambda: rows[:-1],
            "neighbours": lambda: rows + 1e-3 * rows.sum(axis=0) if len(rows) else rows,
        }
        made: FloatArray = spoilt.get(self._fault, lambda: rows)()
        return made


FAULTS = (
    "not normalised",
    "swapped rows",
    "float64",
    "lost row",
    "neighbours",
    "turned pictures",
    "wrong resize",
    "wrong size",
    "cut in silence",
    "provenance",
)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_encoder_is_refused(fault: str) -> None:
    broken = Broken(fault)
    refused = 0
    for check in CHECKS:
        try:
            check(broken)
        except (AssertionError, IndexError, ValueError):
            refused += 1
    assert refused


def test_the_unbroken_one_passes() -> None:
    for check in CHECKS:
        check(Broken("nothing"))
