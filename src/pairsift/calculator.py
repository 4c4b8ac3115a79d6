"""The heart of pairsift: an encoder and a measure go in, one number a pair comes out.

Everything else in the package feeds this: it finds the bytes, survives the bad rows, keeps the
order, and writes the number down.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pairsift.config import CaptionConfig, ImageConfig
from pairsift.errors import CaptionError, ImageError, ShapeError
from pairsift.images import decode_image, flatten_image
from pairsift.protocols import Encoder, FloatArray, Measure, PixelArray
from pairsift.statuses import RowStatus
from pairsift.tokenization import clean_caption

ImageInput: TypeAlias = str | os.PathLike[str] | bytes | Image.Image | NDArray[np.uint8]
"""A path, an encoded image, a Pillow image, or pixels of shape (H, W, 3)."""


class ImageTextSimilarityCalculator:
    """How well each caption fits its image.

    Args:
        encoder: Turns images and captions into unit-norm rows of one space.
        measure: Turns two rows into a number.
        image_config: Limits and policy of decoding.
        caption_config: How captions are read.

    Example:
        >>> from pairsift.encoders.fake import FakeEncoder
        >>> from pairsift.measures import find_measure
        >>> encoder = FakeEncoder()
        >>> measure = find_measure("cosine", encoder.record)
        >>> calculator = ImageTextSimilarityCalculator(encoder=encoder, measure=measure)
        >>> red = np.full((32, 32, 3), (255, 0, 0), dtype=np.uint8)
        >>> calculator.calculate([red, red], ["a red square", "a boat"]).shape
        (2,)
    """

    def __init__(
        self,
        *,
        encoder: Encoder,
        measure: Measure,
        image_config: ImageConfig | None = None,
        caption_config: CaptionConfig | None = None,
    ) -> None:
        self.encoder = encoder
        self.measure = measure
        self.image_config = image_config or ImageConfig()
        self.caption_config = caption_config or CaptionConfig()

    def calculate(self, images: Sequence[ImageInput], captions: Sequence[str]) -> FloatArray:
        """Return the measure of each pair.

        Args:
            images: N images.
            captions: N captions; caption i belongs to image i.

        Returns:
            Shape (N,), float32, in the measure's own range and direction.

        Raises:
            ShapeError: There are not as many captions as images, or one stands there by itself.
            ImageError: An image cannot be read or decoded; the message names its index.
            CaptionError: A caption is empty or no text; the message names its index.
        """
        if isinstance(captions, str) or isinstance(images, str | bytes | os.PathLike | Image.Image):
            # Text is a sequence too: its letters would be counted, and opened.
            message = "give a list of images and a list of captions: [image], [caption]"
            raise ShapeError(message)
        if len(images) != len(captions):
            message = f"{len(images)} images but {len(captions)} captions; give one for each"
            raise ShapeError(message)
        if len(images) == 0:
            return np.zeros(0, dtype=np.float32)
        return self.measure(self.encode_images(images), self.encode_captions(captions))

    def encode_images(self, images: Sequence[ImageInput]) -> FloatArray:
        """Return unit-norm image embeddings, shape (N, D); errors as in ``calculate``."""
        return self.encoder.encode_images(
            [self._pixels(index, image) for index, image in enumerate(images)]
        )

    def encode_captions(self, captions: Sequence[str]) -> FloatArray:
        """Return unit-norm text embeddings, shape (N, D); errors as in ``calculate``."""
        texts = [self._text(index, caption) for index, caption in enumerate(captions)]
        prefix = self.measure.caption_prefix
        return self.encoder.encode_texts(
            self.encoder.prepare_captions([prefix + text for text in texts])
        )

    def _text(self, index: int, caption: object) -> str:
        if not isinstance(caption, str):  # tables hold nulls, and pandas NaN for them
            status = RowStatus.CAPTION_NULL if caption is None else RowStatus.CAPTION_INVALID
            reason = f"caption {index}: expected text, not {type(caption).__name__}"
            raise CaptionError(status, reason)
        text = clean_caption(caption) if self.caption_config.clean_captions else caption
        if not text.strip():
            raise CaptionError(RowStatus.CAPTION_EMPTY, f"caption {index}: it is empty")
        return text

    def _pixels(self, index: int, image: ImageInput) -> PixelArray:
        try:
            return self.encoder.prepare_image(self._rgb(image))
        except ImageError as error:
            raise ImageError(error.status, f"image {index}: {error.reason}") from error

    def _rgb(self, image: ImageInput) -> Image.Image:
        if isinstance(image, np.ndarray):
            if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
                reason = f"expected (H, W, 3) uint8, not {image.shape} {image.dtype}"
                raise ImageError(RowStatus.IMAGE_UNSUPPORTED, reason)
            if image.size == 0:
                raise ImageError(RowStatus.IMAGE_EMPTY, f"no pixels: shape {image.shape}")
            return Image.fromarray(image)
        if isinstance(image, Image.Image):
            try:
                image.load()  # Pillow opens lazily: damage shows here
            except OSError as error:
                raise ImageError(RowStatus.IMAGE_CORRUPT, str(error)) from error
            return flatten_image(image)
        try:
            data = image if isinstance(image, bytes) else _read(Path(image))
        except TypeError as error:
            reason = f"expected a path, bytes, a Pillow image or an array: {error}"
            raise ImageError(RowStatus.IMAGE_UNSUPPORTED, reason) from error
        return decode_image(data, self.image_config, target=self.encoder.image_size).rgb


def _read(path: Path) -> bytes:
    # A path given in code is the caller's own: no root confines it, unlike a cell of a table.
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ImageError(RowStatus.IMAGE_NOT_FOUND, f"no such file: {path}") from error
    except IsADirectoryError as error:
        raise ImageError(RowStatus.IMAGE_NOT_A_FILE, f"a directory: {path}") from error
    except OSError as error:
        raise ImageError(RowStatus.IMAGE_UNREADABLE, f"{path}: {error.strerror}") from error
    except ValueError as error:  # a NUL, or letters that this system's file names do not have
        raise ImageError(RowStatus.IMAGE_NOT_FOUND, f"{path!r}: {error}") from error
