"""Made-up embeddings whose truth is known: captions lie near their picture, on the sphere."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairsift.protocols import FloatArray


@dataclass(frozen=True)
class World:
    """Pairs and which of them are wrong."""

    images: FloatArray
    captions: FloatArray
    wrong: NDArray[np.bool_]

    @property
    def similarities(self) -> FloatArray:
        return cosines(self.images, self.captions)


def make_world(num: int, *, seed: int, swapped: float = 0.0, width: int = 24) -> World:
    generator = np.random.default_rng(seed)
    images = unit(generator.normal(size=(num, width)))
    captions = unit(images + 0.25 * generator.normal(size=(num, width)))
    wrong = np.zeros(num, dtype=bool)
    rows = generator.permutation(num)[: 2 * (int(swapped * num) // 2)]
    partners = rows.reshape(-1, 2)[:, ::-1].ravel()
    captions[rows] = captions[partners]
    wrong[rows] = True
    return World(images, captions, wrong)


def cosines(images: FloatArray, captions: FloatArray) -> FloatArray:
    values: FloatArray = np.einsum("nd,nd->n", images, captions)
    return values


def unit(rows: NDArray[np.float64]) -> FloatArray:
    scaled: FloatArray = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return scaled


def uniform_p(values: NDArray[np.float64]) -> float:
    """Return the p-value of the Kolmogorov-Smirnov test against the uniform distribution.

    Source: the series of Kolmogorov 1933 with Stephens' 1970 correction for finite N.
    """
    ascending = np.sort(values)
    num = len(ascending)
    ranks = np.arange(num)
    distance = max(np.max((ranks + 1) / num - ascending), np.max(ascending - ranks / num))
    scaled = (np.sqrt(num) + 0.12 + 0.11 / np.sqrt(num)) * distance
    terms = np.arange(1, 101)
    series = 2 * np.sum((-1.0) ** (terms - 1) * np.exp(-2 * (terms * scaled) ** 2))
    return float(np.clip(series, 0.0, 1.0))
