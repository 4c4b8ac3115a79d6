"""Pairs as embeddings without a model: a caption lies near its image."""

import numpy as np

from pairsift.curation.embedded import EmbeddedPairs
from pairsift.protocols import FloatArray

WIDTH = 24


def unit(rows: np.ndarray) -> FloatArray:
    units: FloatArray = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return units


def draw_pairs(
    num: int, *, seed: int = 0, noise: float = 0.12, first_row: int = 0
) -> EmbeddedPairs:
    """Return right pairs: a caption is its image with noise, so that cosines are about 0.86."""
    generator = np.random.default_rng(seed)
    images = unit(generator.normal(size=(num, WIDTH)))
    captions = unit(images + noise * generator.normal(size=(num, WIDTH)))
    rows = np.arange(first_row, first_row + num, dtype=np.int64)
    # A letter of its own each: numbers do not tell captions apart.
    texts = tuple(f"picture of {chr(0x4E00 + place)}" for place in range(num))
    return EmbeddedPairs(np.zeros(num, dtype=np.int64), rows, images, captions, texts)


def with_captions_of(pairs: EmbeddedPairs, source: np.ndarray) -> EmbeddedPairs:
    """Return the pairs with the caption of pair ``source[i]`` at place i."""
    texts = tuple(pairs.texts[place] for place in source)
    return EmbeddedPairs(pairs.files, pairs.rows, pairs.images, pairs.captions[source], texts)


def picked(pairs: EmbeddedPairs, places: np.ndarray) -> EmbeddedPairs:
    texts = tuple(pairs.texts[place] for place in places)
    return EmbeddedPairs(
        pairs.files[places], pairs.rows[places], pairs.images[places], pairs.captions[places], texts
    )
