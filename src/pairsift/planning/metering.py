"""Counts what decoding takes while the real pipeline runs."""

import threading
import time
from collections.abc import Sequence
from functools import partial

from PIL import Image

from pairsift.config import ImageConfig
from pairsift.images import DecodedImage, decode_image
from pairsift.isolation import Decode
from pairsift.planning.figures import DecodeFacts
from pairsift.protocols import Encoder, FloatArray, PixelArray, Provenance, TokenizedCaption


class DecodeMeter:
    """Decodes as ``images.decode_image`` does, and counts.

    Pickled, it is the plain decoder: what runs in another process is not counted.

    Args:
        config: Limits and policy.

    ``target`` is the side that decoding aims at; it is known once the encoder is built.
    """

    def __init__(self, config: ImageConfig) -> None:
        self._config = config
        self._lock = threading.Lock()
        self.target = 0
        self.clear()

    def __call__(self, data: bytes) -> DecodedImage:
        """Decode one image; errors as in ``decode_image``."""
        begin = time.thread_time()
        try:
            return decode_image(data, self._config, target=self.target)
        finally:
            self.add(time.thread_time() - begin, num_images=1, num_bytes=len(data))

    def __reduce__(self) -> tuple[object, ...]:
        return _plain_decoder, (self._config, self.target)

    def add(self, seconds: float, *, num_images: int = 0, num_bytes: int = 0) -> None:
        """Count processor seconds of a thread."""
        with self._lock:
            self._seconds += seconds
            self._num_images += num_images
            self._num_bytes += num_bytes

    def clear(self) -> None:
        """Begin to count anew."""
        with self._lock:
            self._seconds, self._num_images, self._num_bytes = 0.0, 0, 0

    def facts(self) -> DecodeFacts:
        """Return what was counted."""
        return DecodeFacts(self._num_images, self._seconds, self._num_bytes)


class MeteredEncoder:
    """Another encoder, whose resizing is counted as a part of decoding.

    Args:
        encoder: That does the work.
        meter: That counts.
    """

    def __init__(self, encoder: Encoder, meter: DecodeMeter) -> None:
        self._encoder = encoder
        self._meter = meter

    @property
    def provenance(self) -> Provenance:
        """What runs."""
        return self._encoder.provenance

    @property
    def width(self) -> int:
        """Dimensions of the embeddings."""
        return self._encoder.width

    @property
    def image_size(self) -> int:
        """Side of the model's input."""
        return self._encoder.image_size

    def prepare_image(self, image: Image.Image) -> PixelArray:
        """Return the model's input pixels, and count."""
        begin = time.thread_time()
        try:
            return self._encoder.prepare_image(image)
        finally:
            self._meter.add(time.thread_time() - begin)

    def prepare_captions(self, captions: Sequence[str]) -> list[TokenizedCaption]:
        """Return the token ids of each caption."""
        return self._encoder.prepare_captions(captions)

    def encode_images(self, pixels: Sequence[PixelArray]) -> FloatArray:
        """Return unit-norm image embeddings."""
        return self._encoder.encode_images(pixels)

    def encode_texts(self, captions: Sequence[TokenizedCaption]) -> FloatArray:
        """Return unit-norm text embeddings."""
        return self._encoder.encode_texts(captions)


def _plain_decoder(config: ImageConfig, target: int) -> Decode:
    return partial(decode_image, config=config, target=target)
