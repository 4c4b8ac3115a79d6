"""Negative CLIP loss: a similarity corrected by how well picture and caption match all else.

For pair i, with temperature t and cosines c over N pairs::

    cos_ii / t - 1/2 log mean_j exp(c_ij / t) - 1/2 log mean_j exp(c_ji / t)

Higher is better. The first mean goes over all captions, the second over all pictures, the pair
itself included as in the loss that CLIP is trained with. A caption such as "stock photo", or a
picture that fits every caption, has a large mean and loses what its similarity pretends.

It is Wang et al.'s negCLIPLoss but for two constants that leave the order alone: they multiply by
t, and sum where we take the mean, so that our numbers do not grow with the set. The temperature is
the model's own (``1 / logit_scale``). Equal captions of several rows stand in each other's mean,
as in the paper: a caption that is repeated k times pays up to ``1/2 log k``.

Source: Wang et al. 2024, "CLIPLoss and Norm-Based Data Selection Methods for Multimodal
Contrastive Learning", equation 1; there 10 batches of 32,768 pairs stand for the whole set.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairsift.errors import ShapeError
from pairsift.protocols import FloatArray

BoolArray = NDArray[np.bool_]
DoubleArray = NDArray[np.float64]

EXACT_ROWS = 20_000
"""Rows up to which every picture meets every caption: 400 million cosines, some ten seconds."""

SAMPLE_ROWS = 16_384
"""Rows that stand for the whole set beyond that; half the paper's batch of 32,768."""

CHECK_ROWS = 256
"""Rows of a large set whose exact value is found as well, to state the error of the sample."""

_BLOCK = 1024
"""Rows a step: with ``SAMPLE_ROWS`` columns a block of doubles is 134 MB."""


def exact_contrast(images: FloatArray, captions: FloatArray, *, logit_scale: float) -> FloatArray:
    """Return the negative CLIP loss of each pair against all pairs, block by block.

    Args:
        images: Unit-norm rows, shape (N, D), float32.
        captions: Unit-norm rows, shape (N, D), float32; row i belongs to image row i.
        logit_scale: ``1 / t``, after exp, as the model was trained: 100 for OpenAI's CLIP.

    Returns:
        Higher is better, shape (N,), float32.

    Raises:
        ShapeError: The two arrays differ in shape.

    Example:
        >>> eye = np.eye(2, dtype=np.float32)
        >>> round(float(exact_contrast(eye, eye, logit_scale=1.0)[0]), 4)
        0.3799
    """
    _check(images, captions)
    num = len(images)
    over_captions, over_images = np.zeros(num), np.zeros(num)
    for begin in range(0, num, _BLOCK):
        block = slice(begin, begin + _BLOCK)
        weights = _exponentials(images[block], captions, logit_scale)
        over_captions[block] = weights.sum(axis=1)
        over_images += weights.sum(axis=0)
    own = own_cosines(images, captions)
    return _combine(own, over_captions / max(num, 1), over_images / max(num, 1), logit_scale)


def sampled_contrast(
    images: FloatArray,
    captions: FloatArray,
    *,
    sample: tuple[FloatArray, FloatArray],
    is_sampled: BoolArray,
    num_rows: int,
    logit_scale: float,
) -> FloatArray:
    """Estimate the negative CLIP loss of pairs of a set that is too large to meet itself.

    The means over the other pairs come from the sample, the pair's own term is exact: a pair that
    was sampled is taken out of its own mean first, or it would stand in it N/M times. Sums of
    exponentials hang on the few rows that are most alike, which a sample can miss; no formula
    tells by how much, so ``ContrastCheck`` measures it.

    Args:
        images: Unit-norm rows, shape (N, D), float32: the whole set or a part of it.
        captions: Unit-norm rows, shape (N, D), float32.
        sample: Pictures and captions of M pairs drawn at random from the whole set, (M, D) each,
            M at least 2.
        is_sampled: Which of the N pairs are among the M, shape (N,).
        num_rows: Pairs in the whole set.
        logit_scale: As in ``exact_contrast``.

    Returns:
        Higher is better, shape (N,), float32.

    Raises:
        ShapeError: The two arrays differ in shape.
    """
    _check(images, captions)
    own = own_cosines(images, captions)
    values = np.empty(len(images), dtype=np.float32)
    for begin in range(0, len(images), _BLOCK):
        rows = slice(begin, begin + _BLOCK)
        own_weight = np.exp(logit_scale * (own[rows] - 1.0))
        inside = is_sampled[rows]
        means = []
        for left, right in ((images[rows], sample[1]), (captions[rows], sample[0])):
            sums = _exponentials(left, right, logit_scale).sum(axis=1)
            # Rounding may leave a little below zero where there is nothing but the own term.
            others = np.maximum(sums - inside * own_weight, 0.0) / (len(right) - inside)
            means.append(((num_rows - 1) * others + own_weight) / num_rows)
        values[rows] = _combine(own[rows], means[0], means[1], logit_scale)
    return values


class ContrastCheck:
    """The exact negative CLIP loss of a few pairs, while a large set passes by once.

    Args:
        images: Pictures of the K pairs, shape (K, D), float32.
        captions: Captions of the K pairs, shape (K, D), float32.
        logit_scale: As in ``exact_contrast``.
    """

    def __init__(self, images: FloatArray, captions: FloatArray, *, logit_scale: float) -> None:
        _check(images, captions)
        self._images, self._captions, self._logit_scale = images, captions, logit_scale
        self._over_captions = np.zeros(len(images))
        self._over_images = np.zeros(len(images))
        self._num_rows = 0

    def add(self, images: FloatArray, captions: FloatArray) -> None:
        """Take in a part of the whole set, (N, D) each; the K pairs are among it, once."""
        for begin in range(0, len(images), _BLOCK):
            rows = slice(begin, begin + _BLOCK)
            scale = self._logit_scale
            self._over_captions += _exponentials(self._images, captions[rows], scale).sum(axis=1)
            self._over_images += _exponentials(self._captions, images[rows], scale).sum(axis=1)
        self._num_rows += len(images)

    def values(self) -> FloatArray:
        """Return the exact values, shape (K,), float32, once the whole set has passed."""
        own = own_cosines(self._images, self._captions)
        num = max(self._num_rows, 1)
        return _combine(own, self._over_captions / num, self._over_images / num, self._logit_scale)


@dataclass(frozen=True)
class ContrastError:
    """How far a sample's values are from the exact ones, on the rows that were checked.

    Args:
        num_checked: Rows K.
        offset: Median of estimate less exact: the same for all rows, so that no order changes.
        median: Of the absolute differences beside that.
        percentile_95: Of the same.
        rank_correlation: Spearman's, between estimate and exact.
    """

    num_checked: int
    offset: float
    median: float
    percentile_95: float
    rank_correlation: float


def contrast_error(estimates: FloatArray, exact: FloatArray) -> ContrastError:
    """Compare estimates with exact values, shape (K,) each, K at least 2."""
    offset = float(np.median(estimates - exact))
    beside = np.abs(estimates - exact - offset)
    # Of values that tie the earlier one is the lower, on any processor.
    ranks = np.stack(
        [np.argsort(np.argsort(values, kind="stable")) for values in (estimates, exact)]
    )
    return ContrastError(
        num_checked=len(exact),
        offset=offset,
        median=float(np.median(beside)),
        percentile_95=float(np.quantile(beside, 0.95)),
        rank_correlation=float(np.asarray(np.corrcoef(ranks))[0, 1]),
    )


def own_cosines(images: FloatArray, captions: FloatArray) -> DoubleArray:
    """Return the cosine of each pair, shape (N,), summed in doubles."""
    cosines: DoubleArray = np.einsum("nd,nd->n", images, captions, dtype=np.float64)
    return cosines


def _check(images: FloatArray, captions: FloatArray) -> None:
    if images.shape != captions.shape:
        message = f"images {images.shape} and captions {captions.shape} differ in shape"
        raise ShapeError(message)


def _exponentials(left: FloatArray, right: FloatArray, logit_scale: float) -> DoubleArray:
    # Shifted by the largest possible cosine. In doubles the smallest, exp(-2 scale), is above
    # zero for scales up to 350; models end at 100 (CLIP) or 120 (SigLIP).
    exponents: DoubleArray = (left @ right.T).astype(np.float64)
    exponents -= 1.0
    exponents *= logit_scale
    np.exp(exponents, out=exponents)
    return exponents


def _combine(
    own: DoubleArray, over_captions: DoubleArray, over_images: DoubleArray, logit_scale: float
) -> FloatArray:
    corrected = logit_scale * (own - 1.0) - 0.5 * (np.log(over_captions) + np.log(over_images))
    return corrected.astype(np.float32)
