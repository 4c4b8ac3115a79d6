"""Several encoders behind one: the same rows in the same order, whatever the share of each."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from pairsift.encoders.fake import FakeEncoder
from pairsift.encoders.finite import check_finite
from pairsift.encoders.several import SeveralDevices
from pairsift.errors import NotFiniteError
from pairsift.protocols import FloatArray, PixelArray, Provenance
from tests.encoders.goldens import images

CAPTIONS = ["a red circle", "two boats", "", "the sea", "a house", "snow", "x " * 200]


class Elsewhere(FakeEncoder):
    """The fake encoder on a device of its own, which counts what it is given."""

    def __init__(self, device: str, precision: str = "fp32") -> None:
        super().__init__()
        self.sizes: list[int] = []
        self.told = replace(super().provenance, device=device, precision=precision)

    @property
    def provenance(self) -> Provenance:
        return self.told

    def encode_images(self, pixels: Any) -> FloatArray:
        self.sizes.append(len(pixels))
        return super().encode_images(pixels)


@dataclass
class Rows:
    """Pixels and rows of the golden pictures, many times over."""

    pixels: list[PixelArray]
    expected: FloatArray


@pytest.fixture(scope="module")
def rows() -> Rows:
    fake = FakeEncoder()
    pixels = [fake.prepare_image(image) for image in images()] * 3
    return Rows(pixels, fake.encode_images(pixels))


@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [0, 1, 2, 7, 15])
def test_the_same_rows_in_order(rows: Rows, count: int, size: int) -> None:
    encoders = [Elsewhere(f"cuda:{number}") for number in range(count)]
    several = SeveralDevices(encoders)
    assert np.array_equal(several.encode_images(rows.pixels[:size]), rows.expected[:size])
    shares = [share for encoder in encoders for share in encoder.sizes]
    assert sum(shares) == size
    assert max(shares, default=0) <= -(-size // count) if size else not shares
    captions = several.prepare_captions(CAPTIONS)
    assert np.array_equal(several.encode_texts(captions), FakeEncoder().encode_texts(captions))


def test_what_it_tells() -> None:
    several = SeveralDevices([Elsewhere("cuda:0"), Elsewhere("cuda:1")])
    alone = FakeEncoder()
    assert several.provenance == replace(alone.provenance, device="cuda:0,cuda:1")
    assert (several.width, several.image_size) == (alone.width, alone.image_size)
    picture = images()[0]
    assert np.array_equal(several.prepare_image(picture), alone.prepare_image(picture))


def test_different_encoders_are_refused() -> None:
    with pytest.raises(ValueError, match="one model and precision"):
        SeveralDevices([Elsewhere("cuda:0"), Elsewhere("cuda:1", "bf16")])


def test_a_failure_of_one_is_the_failure_of_all(rows: Rows) -> None:
    class Broken(Elsewhere):
        def encode_images(self, pixels: Any) -> FloatArray:
            raise RuntimeError(len(pixels))

    several = SeveralDevices([Elsewhere("cuda:0"), Broken("cuda:1")])
    with pytest.raises(RuntimeError, match="7"):
        several.encode_images(rows.pixels)


def test_rows_that_are_not_finite_are_told_by_their_place_in_the_whole(rows: Rows) -> None:
    class Broken(Elsewhere):
        def encode_images(self, pixels: Any) -> FloatArray:
            return check_finite(super().encode_images(pixels) * np.float32(np.nan), "it")

    both = SeveralDevices([Broken("a"), Elsewhere("b")])
    with pytest.raises(NotFiniteError) as caught:
        both.encode_images(rows.pixels[:7])
    assert caught.value.rows == (0, 1, 2, 3)
    both = SeveralDevices([Elsewhere("a"), Broken("b")])
    with pytest.raises(NotFiniteError) as caught:
        both.encode_images(rows.pixels[:7])
    assert caught.value.rows == (4, 5, 6)
