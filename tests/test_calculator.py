from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pairsift.calculator import ImageInput, ImageTextSimilarityCalculator
from pairsift.encoders.fake import FakeEncoder
from pairsift.errors import CaptionError, ImageError, ShapeError
from pairsift.measures import find_measure
from pairsift.statuses import RowStatus
from tests.bad_inputs import encoded, picture


@pytest.fixture
def calculator() -> ImageTextSimilarityCalculator:
    encoder = FakeEncoder()
    measure = find_measure("cosine", encoder.record)
    return ImageTextSimilarityCalculator(encoder=encoder, measure=measure)


def test_every_kind_of_image_gives_one_number(
    calculator: ImageTextSimilarityCalculator, tmp_path: Path
) -> None:
    image = picture(1)
    data = encoded(image, "PNG")
    (tmp_path / "a.png").write_bytes(data)
    path = tmp_path / "a.png"
    images: list[ImageInput] = [path, str(path), data, image, np.asarray(image)]
    scores = calculator.calculate(images, ["a caption"] * 5)
    assert scores.dtype == np.float32
    assert len(set(scores.tolist())) == 1


def test_pillow_images_in_any_mode(calculator: ImageTextSimilarityCalculator) -> None:
    modes = ["L", "LA", "RGBA", "P", "1", "CMYK", "I;16", "F"]
    images = [Image.new(mode, (8, 9)) for mode in modes]
    assert calculator.calculate(images, ["a"] * len(modes)).shape == (len(modes),)


@pytest.mark.parametrize(
    ("bad", "status"),
    [
        (b"no image", RowStatus.IMAGE_UNSUPPORTED),
        (b"", RowStatus.IMAGE_EMPTY),
        ("nowhere.png", RowStatus.IMAGE_NOT_FOUND),
        (".", RowStatus.IMAGE_NOT_A_FILE),
        (np.zeros((4, 4), dtype=np.uint8), RowStatus.IMAGE_UNSUPPORTED),
        (np.zeros((4, 4, 3), dtype=np.float32), RowStatus.IMAGE_UNSUPPORTED),
        (np.zeros((0, 4, 3), dtype=np.uint8), RowStatus.IMAGE_EMPTY),
        (Image.open(BytesIO(encoded(picture(1), "PNG")[:-60])), RowStatus.IMAGE_CORRUPT),
        ("a\0b.png", RowStatus.IMAGE_NOT_FOUND),
        (None, RowStatus.IMAGE_UNSUPPORTED),
    ],
)
def test_a_bad_image_is_an_error_that_names_its_index(
    calculator: ImageTextSimilarityCalculator, bad: object, status: RowStatus
) -> None:
    with pytest.raises(ImageError, match="image 1: ") as caught:
        calculator.calculate([picture(1), bad], ["a", "b"])  # type: ignore[list-item]
    assert caught.value.status == status


def test_captions_that_are_none(calculator: ImageTextSimilarityCalculator) -> None:
    with pytest.raises(CaptionError, match="caption 1"):
        calculator.calculate([picture(1)] * 2, ["a", " "])
    no_text: list[Any] = ["a", None]
    with pytest.raises(CaptionError, match="caption 1: expected text, not NoneType") as caught:
        calculator.calculate([picture(1)] * 2, no_text)
    assert caught.value.status is RowStatus.CAPTION_NULL
    no_text[1] = float("nan")
    with pytest.raises(CaptionError, match="caption 1: expected text, not float") as caught:
        calculator.calculate([picture(1)] * 2, no_text)
    assert caught.value.status is RowStatus.CAPTION_INVALID
    with pytest.raises(ShapeError, match="2 images but 1 captions"):
        calculator.calculate([picture(1)] * 2, ["a"])
    assert calculator.calculate([], []).shape == (0,)


@pytest.mark.parametrize(
    ("images", "captions"),
    [("cat.jpg", "a  cat."), (b"bytes", ["a"] * 5), (Path("a.jpg"), ["a"]), ([b"bytes"], "a")],
)
def test_one_of_each_has_to_stand_in_a_list(
    calculator: ImageTextSimilarityCalculator, images: Any, captions: Any
) -> None:
    with pytest.raises(ShapeError, match=r"\[image\], \[caption\]"):
        calculator.calculate(images, captions)
