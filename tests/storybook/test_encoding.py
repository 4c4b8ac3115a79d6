"""Picture files decode to the picture; near copies are near."""

import io

import numpy as np
import pytest
from PIL import Image

from pairsift.storybook.encoding import encode_image, near_copy
from pairsift.storybook.faults import NEAR_COPY_METHODS
from pairsift.storybook.pairs import make_pair

IMAGE = make_pair(3, 3).image


def test_png_is_lossless() -> None:
    with Image.open(io.BytesIO(encode_image(IMAGE, "png"))) as back:
        assert back.tobytes() == IMAGE.tobytes()


def test_jpeg_is_close() -> None:
    with Image.open(io.BytesIO(encode_image(IMAGE, "jpg"))) as back:
        difference = np.asarray(back, dtype=float) - np.asarray(IMAGE, dtype=float)
    assert np.abs(difference).mean() < 3


@pytest.mark.parametrize("method", NEAR_COPY_METHODS)
def test_near_copies_are_near_but_no_copies(method: str) -> None:
    near = near_copy(IMAGE, method)
    assert (near.size, near.tobytes()) != (IMAGE.size, IMAGE.tobytes())
    back = np.asarray(near.resize((32, 32), Image.Resampling.BOX), dtype=float).ravel()
    own = np.asarray(IMAGE.resize((32, 32), Image.Resampling.BOX), dtype=float).ravel()
    assert np.corrcoef(back, own)[0, 1] > 0.9


def test_unknown_method() -> None:
    with pytest.raises(ValueError, match="melted"):
        near_copy(IMAGE, "melted")
