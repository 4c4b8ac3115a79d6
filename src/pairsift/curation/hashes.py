"""Perceptual hashes: pictures that look alike differ in few of 64 bits."""

from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pairsift.curation.embedded import IntArray
from pairsift.protocols import FloatArray, PixelArray

SIDE: Final = 32
"""Of a thumbnail, in pixels: what pHash is computed on, and enough to tell scenes apart."""

HASH_SIDE: Final = 8
"""Frequencies of the hash in each direction: 64 bits."""

RADIUS: Final = 10
"""Bits that may differ. Of 1,400 planted near copies 99 % differ in at most 10."""

MOST_AHEAD: Final = 1000
"""Hashes that share two bytes are compared with so many that follow them in order: only very
uniform tables have more, and there the nearest in order are the likeliest."""

# Rec. ITU-R BT.601: luma from red, green and blue.
LUMA: Final = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_CHUNK: Final = 4096

HashArray = NDArray[np.uint64]


def make_thumbnail(rgb: Image.Image) -> PixelArray:
    """Return a picture at 32 by 32 pixels, each the mean of what it covers.

    Args:
        rgb: Mode RGB, any size and aspect.

    Returns:
        Shape (32, 32, 3), uint8.
    """
    small = rgb.resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.uint8)


def perceptual_hashes(thumbnails: PixelArray) -> HashArray:
    """Return the 64-bit pHash of each thumbnail.

    The signs of the 8 by 8 lowest frequencies of the luma against their median, without the mean.

    Args:
        thumbnails: Shape (N, 32, 32, 3), uint8.

    Returns:
        Shape (N,), uint64.

    Source:
        Zauner 2010, "Implementation and benchmarking of perceptual image hash functions",
        section 3.2.1 (the DCT hash of the pHash library).
    """
    basis = _dct_basis()
    hashes = np.empty(len(thumbnails), dtype=np.uint64)
    for begin in range(0, len(thumbnails), _CHUNK):
        luma = thumbnails[begin : begin + _CHUNK].astype(np.float32) @ LUMA
        low = (basis @ luma @ basis.T).reshape(len(luma), -1)
        # Rounded, so that the rounding of a sum does not decide about a flat picture.
        low = np.rint(low)
        bits = low > np.median(low[:, 1:], axis=1, keepdims=True)
        packed = np.packbits(bits, axis=1, bitorder="little")
        hashes[begin : begin + _CHUNK] = packed.view("<u8").ravel()
    return hashes


def hamming(first: HashArray, second: HashArray) -> NDArray[np.uint8]:
    """Return in how many bits each two hashes differ.

    Example:
        >>> hamming(np.array([0b1011], dtype=np.uint64), np.array([0b0001], dtype=np.uint64))
        array([2], dtype=uint8)
    """
    differing: NDArray[np.uint8] = np.bitwise_count(first ^ second)
    return differing


def near_hashes(hashes: HashArray, *, radius: int = RADIUS) -> tuple[IntArray, IntArray]:
    """Return the pairs of different hashes that differ in few bits.

    Two hashes that differ in at most six bits have two of their eight bytes in common, so all of
    them are found; of those that differ in eight bits about 93 %, in ten about 75 %.

    Args:
        hashes: Distinct, shape (N,), uint64.
        radius: Bits that may differ.

    Returns:
        Places of the two, first < second, each shape (P,), int64, in order.
    """
    num = len(hashes)
    found: list[IntArray] = []
    pieces = hashes.astype("<u8").view(np.uint8).reshape(num, 8)
    for high, low in combinations(range(8), 2):
        keys = (pieces[:, high].astype(np.uint16) << 8 | pieces[:, low]).astype(np.uint16)
        order = np.lexsort((hashes, keys))
        found.append(_near_in_order(hashes[order], keys[order], order, radius=radius))
    # A pair that shares more than two bytes is found more than once.
    packed = np.unique(np.concatenate(found)) if found else np.zeros(0, dtype=np.int64)
    return packed // max(num, 1), packed % max(num, 1)


def _near_in_order(
    hashes: HashArray, keys: NDArray[np.uint16], order: IntArray, *, radius: int
) -> IntArray:
    """Return the near pairs with equal keys, as first * N + second."""
    found: list[IntArray] = []
    for ahead in range(1, min(len(hashes), MOST_AHEAD + 1)):
        same = keys[ahead:] == keys[:-ahead]
        if not same.any():
            break
        near = same & (np.bitwise_count(hashes[ahead:] ^ hashes[:-ahead]) <= radius)
        places = np.flatnonzero(near)
        one, other = order[places], order[places + ahead]
        found.append(np.minimum(one, other) * len(hashes) + np.maximum(one, other))
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def _dct_basis() -> FloatArray:
    """Return the lowest frequencies of the orthonormal DCT-II, shape (8, 32)."""
    place = np.arange(SIDE)
    frequency = np.arange(HASH_SIDE)[:, None]
    basis = np.sqrt(2.0 / SIDE) * np.cos(np.pi * (2 * place + 1) * frequency / (2 * SIDE))
    basis[0] /= np.sqrt(2.0)
    lowest: FloatArray = basis.astype(np.float32)
    return lowest
