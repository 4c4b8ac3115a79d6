"""The number that two embeddings make: pure functions on unit-norm rows.

Everything is computed in float64 from the float32 rows and rounded once at the end, a row at a
time, so a pair's number is the same bits alone or in any batch.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pairsift.errors import ShapeError

FloatArray = NDArray[np.float32]
DoubleArray = NDArray[np.float64]

# Rounding moves the length of a unit-norm row by 1e-7 in float32 and by 1e-3 in float16; what is
# further off was never normalised.
NORM_SLACK = 5e-3


def cosine_similarity(image_embeddings: ArrayLike, text_embeddings: ArrayLike) -> FloatArray:
    """Cosine similarity: the dot product of two unit-norm rows.

    Args:
        image_embeddings: Unit-norm rows, shape (N, D), float32.
        text_embeddings: Unit-norm rows, shape (N, D), float32; row i belongs to image row i.

    Returns:
        Similarities in [-1, 1], shape (N,), float32.

    Raises:
        ShapeError: The two arrays differ in shape, or a row is not unit-norm.

    Example:
        >>> cosine_similarity([[1.0, 0.0]], [[0.6, 0.8]])
        array([0.6], dtype=float32)

    Source:
        Radford et al. 2021, "Learning Transferable Visual Models From Natural Language
        Supervision" (CLIP), figure 3; LAION's and DataComp's ``similarity``.
    """
    return _cosine64(image_embeddings, text_embeddings).astype(np.float32)


def euclidean_distance(image_embeddings: ArrayLike, text_embeddings: ArrayLike) -> FloatArray:
    """Euclidean distance of two unit-norm rows: ``|u - v| = sqrt(2 - 2 cos)``.

    Args:
        image_embeddings: Unit-norm rows, shape (N, D), float32.
        text_embeddings: Unit-norm rows, shape (N, D), float32; row i belongs to image row i.

    Returns:
        Distances in [0, 2], shape (N,), float32; 0 for equal rows.

    Raises:
        ShapeError: The two arrays differ in shape, or a row is not unit-norm.

    Example:
        >>> euclidean_distance([[1.0, 0.0]], [[-1.0, 0.0]])
        array([2.], dtype=float32)

    Source:
        The 2-norm. For unit-norm rows it orders pairs as the cosine does, reversed.
    """
    images, texts = _unit_rows(image_embeddings, text_embeddings)
    return np.minimum(_lengths(images - texts), 2.0).astype(np.float32)


def angular_distance(image_embeddings: ArrayLike, text_embeddings: ArrayLike) -> FloatArray:
    """Angle between two unit-norm rows as a share of a half turn: ``arccos(cos) / pi``.

    It is computed as ``2 atan2(|u - v|, |u + v|) / pi``, which is the same angle, but exact
    where arccos loses half its digits: near equal and near opposite rows.

    Args:
        image_embeddings: Unit-norm rows, shape (N, D), float32.
        text_embeddings: Unit-norm rows, shape (N, D), float32; row i belongs to image row i.

    Returns:
        Distances in [0, 1], shape (N,), float32; 0 for equal rows, 0.5 at a right angle.

    Raises:
        ShapeError: The two arrays differ in shape, or a row is not unit-norm.

    Example:
        >>> angular_distance([[1.0, 0.0]], [[0.0, 1.0]])
        array([0.5], dtype=float32)

    Source:
        Cer et al. 2018, "Universal Sentence Encoder", equation 1 (one minus it, there in units of
        pi); Kahan 2006, "How Futile are Mindless Assessments of Roundoff in Floating-Point
        Computation?", section 12, for the form.
    """
    images, texts = _unit_rows(image_embeddings, text_embeddings)
    angle = 2.0 * np.arctan2(_lengths(images - texts), _lengths(images + texts))
    return (angle / np.pi).astype(np.float32)


def clip_score(
    image_embeddings: ArrayLike, text_embeddings: ArrayLike, *, weight: float = 2.5
) -> FloatArray:
    """Clipped, rescaled cosine similarity: ``weight * max(cos, 0)``.

    The paper puts "A photo depicts " before every caption; the bound measure does so too.

    Args:
        image_embeddings: Unit-norm rows, shape (N, D), float32.
        text_embeddings: Unit-norm rows, shape (N, D), float32; row i belongs to image row i.
        weight: Factor w. 2.5 in the paper; torchmetrics uses 100 and no prefix.

    Returns:
        Scores in [0, weight], shape (N,), float32.

    Raises:
        ShapeError: The two arrays differ in shape, or a row is not unit-norm.

    Example:
        >>> clip_score([[1.0, 0.0], [1.0, 0.0]], [[0.6, 0.8], [-0.6, 0.8]])
        array([1.5, 0. ], dtype=float32)

    Source:
        Hessel et al. 2021, "CLIPScore: A Reference-free Evaluation Metric for Image Captioning",
        section 3.
    """
    return (weight * np.maximum(_cosine64(image_embeddings, text_embeddings), 0.0)).astype(
        np.float32
    )


def logit(
    image_embeddings: ArrayLike,
    text_embeddings: ArrayLike,
    *,
    logit_scale: float,
    logit_bias: float = 0.0,
) -> FloatArray:
    """The number that the model was trained on: ``logit_scale * cos + logit_bias``.

    Args:
        image_embeddings: Unit-norm rows, shape (N, D), float32.
        text_embeddings: Unit-norm rows, shape (N, D), float32; row i belongs to image row i.
        logit_scale: Factor after exp; 100 for OpenAI's CLIP models.
        logit_bias: Summand; 0 for CLIP models.

    Returns:
        Logits, shape (N,), float32.

    Raises:
        ShapeError: The two arrays differ in shape, or a row is not unit-norm.

    Example:
        >>> logit([[1.0, 0.0]], [[0.6, 0.8]], logit_scale=100.0)
        array([60.], dtype=float32)

    Source:
        Radford et al. 2021 (CLIP), figure 3; Zhai et al. 2023, "Sigmoid Loss for Language Image
        Pre-Training" (SigLIP), algorithm 1, for the bias.
    """
    values = logit_scale * _cosine64(image_embeddings, text_embeddings) + logit_bias
    return values.astype(np.float32)


def siglip_probability(
    image_embeddings: ArrayLike,
    text_embeddings: ArrayLike,
    *,
    logit_scale: float,
    logit_bias: float,
) -> FloatArray:
    """Probability that a pair belongs together: ``sigmoid(logit_scale * cos + logit_bias)``.

    Args:
        image_embeddings: Unit-norm rows, shape (N, D), float32.
        text_embeddings: Unit-norm rows, shape (N, D), float32; row i belongs to image row i.
        logit_scale: Factor after exp.
        logit_bias: Summand.

    Returns:
        Probabilities in [0, 1], shape (N,), float32; each pair's own, independent of the rest.

    Raises:
        ShapeError: The two arrays differ in shape, or a row is not unit-norm.

    Example:
        >>> siglip_probability([[1.0, 0.0]], [[0.6, 0.8]], logit_scale=100.0, logit_bias=-60.0)
        array([0.5], dtype=float32)

    Source:
        Zhai et al. 2023, "Sigmoid Loss for Language Image Pre-Training" (SigLIP), algorithm 1.
    """
    values = logit_scale * _cosine64(image_embeddings, text_embeddings) + logit_bias
    # exp of a negative number only: it cannot overflow.
    small = np.exp(-np.abs(values))
    return (np.where(values >= 0, 1.0, small) / (1.0 + small)).astype(np.float32)


def _unit_rows(images: ArrayLike, texts: ArrayLike) -> tuple[DoubleArray, DoubleArray]:
    # C order, so that a row's sum is taken in the same order whatever memory it came from.
    left = np.ascontiguousarray(images, dtype=np.float64)
    right = np.ascontiguousarray(texts, dtype=np.float64)
    if left.ndim != 2 or left.shape != right.shape:
        raise ShapeError(
            f"embeddings must be two arrays of one shape (N, D); got {np.shape(images)} for images"
            f" and {np.shape(texts)} for captions"
        )
    for side, rows in (("image", left), ("text", right)):
        lengths = _lengths(rows)
        wrong = np.flatnonzero(~(np.abs(lengths - 1.0) <= NORM_SLACK))  # of NaN either is untrue
        if wrong.size:
            raise ShapeError(
                f"embeddings must be unit-norm; {side} row {wrong[0]} has length"
                f" {lengths[wrong[0]]:.4g}"
            )
    return left, right


def _cosine64(images: ArrayLike, texts: ArrayLike) -> DoubleArray:
    left, right = _unit_rows(images, texts)
    products: DoubleArray = (left * right).sum(axis=1)
    return np.clip(products, -1.0, 1.0)


def _lengths(rows: DoubleArray) -> DoubleArray:
    squares: DoubleArray = (rows * rows).sum(axis=1)
    return np.sqrt(squares)
