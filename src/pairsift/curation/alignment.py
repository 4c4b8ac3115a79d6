"""Whether two thumbnails show the same picture: laid over each other, nothing may differ anywhere.

Many different pictures have much in common: the same ground, a thing at the same place. A measure
of the whole, such as a correlation, calls them equal. Here one thumbnail is first moved, scaled,
brightened and clipped so that it fits the other best, as a crop and an exposure would; then what
counts is the place where the two differ most.
"""

from typing import Final

import numpy as np

from pairsift.curation.embedded import IntArray
from pairsift.curation.hashes import SIDE
from pairsift.protocols import FloatArray, PixelArray

SAME: Final = 11.0
"""Levels of 255 by which two thumbnails of one picture may differ anywhere. On 10,000 drawn
pictures with 1,400 planted copies (seeds 1 and 2): 99.9 % of the copies differ by less, and the
most alike of the 400,000 other pairs by 12.8."""

_STEPS: Final = 5  # of Gauss and Newton: after five the parameters move by less than 0.1 pixel
_BATCH: Final = 256
_MOST_SHIFT: Final = 0.06  # of the side: a crop that takes more is another picture
_SCALES: Final = (0.85, 1.15)
_GAINS: Final = (0.6, 1.6)
_BLACK: Final = 3.0
_WHITE: Final = 250.0
_FEWEST_CLEAR: Final = 0.1  # share of pixels neither black nor white that an exposure is read from
_DAMPING: Final = 1e-3  # Levenberg 1944: keeps flat pictures solvable

_GRID: Final = ((np.arange(SIDE) + 0.5) / SIDE - 0.5).astype(np.float32)
_INNER: Final = np.pad(np.ones((SIDE - 2, SIDE - 2), dtype=np.float32), 1)


def differences(thumbnails: PixelArray, first: IntArray, second: IntArray) -> FloatArray:
    """Return by how much two thumbnails differ where they differ most, once laid over each other.

    Args:
        thumbnails: Shape (N, 32, 32, 3), uint8.
        first: Places of the one, shape (P,), int64.
        second: Places of the other, shape (P,), int64.

    Returns:
        Levels from 0 to 255, shape (P,), float32: root mean square over the channels, smoothed
        over a few pixels, at the worst place; the lesser of both directions, since a clipped
        picture can be made from the other but not the other way.
    """
    result = np.empty(len(first), dtype=np.float32)
    for begin in range(0, len(first), _BATCH):
        part = slice(begin, begin + _BATCH)
        one, other = _planes(thumbnails[first[part]]), _planes(thumbnails[second[part]])
        result[part] = np.minimum(_difference(one, other), _difference(other, one))
    return result


def _planes(thumbnails: PixelArray) -> FloatArray:
    return np.ascontiguousarray(thumbnails.transpose(0, 3, 1, 2), dtype=np.float32)


def _difference(source: FloatArray, target: FloatArray) -> FloatArray:
    """Return the worst local difference after fitting source to target, shape (P,)."""
    rest = _smooth(_smooth(_fit(source, target)))
    worst: FloatArray = np.sqrt(np.square(rest).mean(axis=1)).reshape(len(source), -1).max(axis=1)
    return worst


def _fit(source: FloatArray, target: FloatArray) -> FloatArray:
    """Return what is left of the target after the best shift, scale, gain and offset.

    Args:
        source: Shape (P, 3, 32, 32), float32.
        target: Likewise.

    Source:
        Lucas and Kanade 1981, "An iterative image registration technique", section 4, with four
        parameters: shift and scale in each direction.
    """
    num = len(source)
    shift_y: FloatArray = np.zeros(num, dtype=np.float32)
    shift_x = np.zeros(num, dtype=np.float32)
    scale_y = scale_x = np.ones(num, dtype=np.float32)
    for step in range(_STEPS + 1):
        rows = _sampling(scale_y, shift_y)[:, None]
        columns = _sampling(scale_x, shift_x)[:, None]
        moved = rows @ source @ columns.transpose(0, 1, 3, 2)
        gain, offset = _exposure(moved.astype(np.float32, copy=False), target)
        bright = gain[:, None, None, None] * moved + offset[:, None, None, None]
        rest = (target - np.clip(bright, 0.0, 255.0)) * _INNER
        if step == _STEPS:
            break
        # Where the picture is clipped a movement changes nothing.
        live = ((bright > 0.0) & (bright < 255.0)) * _INNER * (SIDE * gain[:, None, None, None])
        along_y = np.gradient(moved, axis=2) * live
        along_x = np.gradient(moved, axis=3) * live
        slopes = np.stack(
            [along_y, along_y * _GRID[:, None], along_x, along_x * _GRID[None, :]], axis=-1
        ).reshape(num, -1, 4)
        move = _solve(slopes, rest.reshape(num, -1, 1))
        shift_y = np.clip(shift_y + move[:, 0], -_MOST_SHIFT, _MOST_SHIFT)
        scale_y = np.clip(scale_y + move[:, 1], *_SCALES)
        shift_x = np.clip(shift_x + move[:, 2], -_MOST_SHIFT, _MOST_SHIFT)
        scale_x = np.clip(scale_x + move[:, 3], *_SCALES)
    return rest


def _solve(slopes: FloatArray, rest: FloatArray) -> FloatArray:
    turned = slopes.transpose(0, 2, 1)
    square = turned @ slopes
    trace = np.maximum(1.0, np.trace(square, axis1=1, axis2=2))
    square += np.eye(4, dtype=np.float32) * (_DAMPING * trace)[:, None, None].astype(np.float32)
    move: FloatArray = np.linalg.solve(square, turned @ rest)[:, :, 0]
    return move


def _sampling(scale: FloatArray, shift: FloatArray) -> FloatArray:
    """Return the matrices that sample a line at scaled and shifted places, linearly."""
    places = (_GRID[None] * scale[:, None] + shift[:, None] + 0.5) * SIDE - 0.5
    places = np.clip(places, 0, SIDE - 1)
    weights: FloatArray = np.maximum(
        0.0, 1.0 - np.abs(places[:, :, None] - np.arange(SIDE))
    ).astype(np.float32)
    return weights


def _exposure(moved: FloatArray, target: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return gain and offset that take one picture to the other, from pixels that are not clipped.

    One for all channels: a change of exposure, not of colour.
    """
    clear = (moved < _WHITE) & (target < _WHITE) & (moved > _BLACK) & (target > _BLACK)
    weights = clear * _INNER
    weights[weights.mean(axis=(1, 2, 3)) < _FEWEST_CLEAR] = _INNER
    total = weights.sum(axis=(1, 2, 3))
    mean = (weights * moved).sum(axis=(1, 2, 3)) / total
    mean_target = (weights * target).sum(axis=(1, 2, 3)) / total
    apart = moved - mean[:, None, None, None]
    together = (weights * apart * (target - mean_target[:, None, None, None])).sum(axis=(1, 2, 3))
    spread = np.maximum((weights * np.square(apart)).sum(axis=(1, 2, 3)), 1.0)
    gain = np.clip(together / spread, *_GAINS).astype(np.float32)
    return gain, (mean_target - gain * mean).astype(np.float32)


def _smooth(planes: FloatArray) -> FloatArray:
    """Return the planes smoothed by 1 2 1 in both directions."""
    padded = np.pad(planes, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    lines = (padded[:, :, :-2] + 2.0 * padded[:, :, 1:-1] + padded[:, :, 2:]) / 4.0
    smooth: FloatArray = (lines[..., :-2] + 2.0 * lines[..., 1:-1] + lines[..., 2:]) / 4.0
    return smooth.astype(np.float32, copy=False)
