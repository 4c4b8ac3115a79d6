"""Decoding is counted where it happens, and is what it was."""

import pickle
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from pairsift.config import ImageConfig
from pairsift.encoders.fake import FakeEncoder
from pairsift.errors import ImageError
from pairsift.images import decode_image
from pairsift.planning.metering import DecodeMeter, MeteredEncoder


def picture(side: int = 256) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG")
    return buffer.getvalue()


def test_it_decodes_and_counts() -> None:
    meter = DecodeMeter(ImageConfig())
    meter.target = 32
    data = picture()
    decoded = meter(data)
    assert decoded.rgb.tobytes() == decode_image(data, ImageConfig(), target=32).rgb.tobytes()
    with pytest.raises(ImageError):
        meter(b"no picture")
    facts = meter.facts()
    assert (facts.num_images, facts.num_bytes) == (2, len(data) + 10)
    assert facts.processor_seconds > 0
    meter.clear()
    assert meter.facts().num_images == 0


def test_pickled_it_is_the_plain_decoder() -> None:
    meter = DecodeMeter(ImageConfig(exact_decode=True))
    meter.target = 32
    other = pickle.loads(pickle.dumps(meter))  # noqa: S301 - our own
    data = picture()
    plain = decode_image(data, ImageConfig(exact_decode=True), target=32)
    assert other(data).rgb.tobytes() == plain.rgb.tobytes()
    assert meter.facts().num_images == 0


def test_an_encoder_gives_what_it_gave() -> None:
    plain = FakeEncoder()
    meter = DecodeMeter(ImageConfig())
    metered = MeteredEncoder(plain, meter)
    image = Image.new("RGB", (300, 200), "red")
    pixels = metered.prepare_image(image)
    assert (pixels == plain.prepare_image(image)).all()
    assert (metered.encode_images([pixels]) == plain.encode_images([pixels])).all()
    tokens = metered.prepare_captions(["a red boat"])
    assert tokens == plain.prepare_captions(["a red boat"])
    assert (metered.encode_texts(tokens) == plain.encode_texts(tokens)).all()
    assert (metered.width, metered.image_size) == (plain.width, plain.image_size)
    assert metered.provenance == plain.provenance
    assert meter.facts().processor_seconds > 0
