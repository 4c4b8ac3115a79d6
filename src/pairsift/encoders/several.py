"""Several devices of one machine behind one encoder."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from pairsift.errors import NotFiniteError
from pairsift.protocols import Encoder, FloatArray, PixelArray, Provenance, TokenizedCaption
from pairsift.records import ModelRecord


class SeveralDevices:
    """Gives each of several encoders of one model an equal share of what is encoded.

    Each is called from a thread of its own. A device that fails ends the call, as one alone would.

    Args:
        encoders: At least one; of one model, in one precision.

    Raises:
        ValueError: They differ in more than the device.
    """

    def __init__(self, encoders: Sequence[Encoder]) -> None:
        told = [encoder.provenance for encoder in encoders]
        if len({replace(one, device="") for one in told}) != 1:
            message = f"encoders of one model and precision are needed, not {told}"
            raise ValueError(message)
        self.encoders = tuple(encoders)
        self._first = encoders[0]
        self._provenance = replace(told[0], device=",".join(one.device for one in told))
        self._threads = ThreadPoolExecutor(len(encoders), thread_name_prefix="pairsift-device")

    @property
    def provenance(self) -> Provenance:
        """What runs; the devices with commas between."""
        return self._provenance

    @property
    def record(self) -> ModelRecord | None:
        """The model's record, where its encoders have one."""
        return getattr(self._first, "record", None)

    @property
    def width(self) -> int:
        """Dimensions D of the embeddings."""
        return self._first.width

    @property
    def image_size(self) -> int:
        """Side S of the input."""
        return self._first.image_size

    def prepare_image(self, image: Image.Image) -> PixelArray:
        """Return the input pixels of one RGB picture, shape (S, S, 3), uint8."""
        return self._first.prepare_image(image)

    def prepare_captions(self, captions: Sequence[str]) -> list[TokenizedCaption]:
        """Return the token ids of each caption, cut to the context length."""
        return self._first.prepare_captions(captions)

    def encode_images(self, pixels: Sequence[PixelArray]) -> FloatArray:
        """Return unit-norm rows, shape (N, D), in input order."""
        return self._share([encoder.encode_images for encoder in self.encoders], pixels)

    def encode_texts(self, captions: Sequence[TokenizedCaption]) -> FloatArray:
        """Return unit-norm rows, shape (N, D), in input order."""
        return self._share([encoder.encode_texts for encoder in self.encoders], captions)

    def _share(
        self, encoders: Sequence[Callable[[Any], FloatArray]], given: Sequence[Any]
    ) -> FloatArray:
        size = max(1, -(-len(given) // len(encoders)))
        parts = [given[begin : begin + size] for begin in range(0, len(given), size)]
        shares = list(zip(encoders, parts, strict=False))
        running = [self._threads.submit(encode, part) for encode, part in shares]
        rows, bad = [np.zeros((0, self.width), dtype=np.float32)], []
        for number, done in enumerate(running):
            try:
                rows.append(done.result())
            except NotFiniteError as error:
                bad.append((number * size, error))
        if bad:
            numbers = (first + row for first, error in bad for row in error.rows)
            raise NotFiniteError(str(bad[0][1]), tuple(numbers))
        return np.concatenate(rows)
