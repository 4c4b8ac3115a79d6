"""Pictures with known copies: storybook scenes, and what a copy can look like."""

import hashlib

import numpy as np
import pyarrow as pa
from PIL import Image

from pairsift.curation.hashes import make_thumbnail
from pairsift.protocols import PixelArray
from pairsift.storybook.encoding import encode_image, near_copy
from pairsift.storybook.faults import NEAR_COPY_METHODS
from pairsift.storybook.pairs import make_pair


def draw(num: int, *, seed: int = 11) -> list[Image.Image]:
    return [make_pair(seed, index).image for index in range(num)]


def thumbnails_of(images: list[Image.Image]) -> PixelArray:
    return np.stack([make_thumbnail(image) for image in images])


def sha256_of(images: list[Image.Image]) -> pa.Array:
    return pa.array([hashlib.sha256(encode_image(image, "png")).hexdigest() for image in images])


def copies_of(image: Image.Image) -> list[Image.Image]:
    return [near_copy(image, method) for method in NEAR_COPY_METHODS]
