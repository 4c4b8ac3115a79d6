"""Measures by name, each bound to a model's scale, bias or prompt prefix."""

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import Protocol

import numpy as np

from pairsift.errors import UnknownNameError, UsageError
from pairsift.formulas import (
    FloatArray,
    angular_distance,
    clip_score,
    cosine_similarity,
    euclidean_distance,
    logit,
    siglip_probability,
)

__all__ = [
    "MEASURES",
    "BoundMeasure",
    "LogitRecord",
    "MeasureEntry",
    "angular_distance",
    "clip_score",
    "cosine_similarity",
    "euclidean_distance",
    "find_measure",
    "logit",
    "siglip_probability",
]


class LogitRecord(Protocol):
    """What a measure asks of a model record."""

    @property
    def name(self) -> str:
        """Name of the model, for messages."""

    @property
    def logit_scale(self) -> float | None:
        """Factor after exp, or None where the model has none."""

    @property
    def logit_bias(self) -> float | None:
        """Summand of the sigmoid models, or None."""


@dataclass(frozen=True)
class BoundMeasure:
    """A measure with its model's numbers filled in; picklable, as it goes to workers.

    Args:
        name: The name by which it is chosen.
        function: Two (N, D) arrays to (N,).
        range: Lowest and highest value.
        is_distance: Whether lower means closer.
        caption_prefix: Put before every caption.
    """

    name: str
    function: Callable[[FloatArray, FloatArray], FloatArray]
    range: tuple[float, float]
    is_distance: bool = False
    caption_prefix: str = ""

    def __call__(self, image_embeddings: FloatArray, text_embeddings: FloatArray) -> FloatArray:
        """Return one number a row, shape (N,), float32."""
        return self.function(image_embeddings, text_embeddings)


@dataclass(frozen=True)
class MeasureEntry:
    """A line of the list of measures: what a person reads before choosing one.

    Args:
        name: The name by which it is chosen.
        formula: With ``cos`` for the cosine of the pair.
        range: In words, as far as it does not depend on the model.
        meaning: When to take it.
        bind: From a model record to the measure.
        reads_scale: Whether ``bind`` asks the model for its scale.
    """

    name: str
    formula: str
    range: str
    meaning: str
    bind: Callable[[LogitRecord], BoundMeasure]
    reads_scale: bool = False


def _bind_logit(record: LogitRecord) -> BoundMeasure:
    scale = _required(record, "logit", record.logit_scale, "logit_scale")
    bias = record.logit_bias or 0.0  # CLIP models have none, which is the same number
    return BoundMeasure(
        "logit",
        partial(logit, logit_scale=scale, logit_bias=bias),
        (float(np.float32(bias - scale)), float(np.float32(bias + scale))),
    )


def _bind_siglip_probability(record: LogitRecord) -> BoundMeasure:
    scale = _required(record, "siglip-probability", record.logit_scale, "logit_scale")
    bias = _required(record, "siglip-probability", record.logit_bias, "logit_bias")
    return BoundMeasure(
        "siglip-probability",
        partial(siglip_probability, logit_scale=scale, logit_bias=bias),
        (0.0, 1.0),
    )


MEASURES: dict[str, MeasureEntry] = {
    entry.name: entry
    for entry in (
        MeasureEntry(
            "cosine",
            "cos",
            "-1 to 1",
            "the default, and what LAION and DataComp call similarity",
            lambda _: BoundMeasure("cosine", cosine_similarity, (-1.0, 1.0)),
        ),
        MeasureEntry(
            "euclidean",
            "sqrt(2 - 2 cos)",
            "0 to 2",
            "a distance, for tools that expect one; same order as cosine, reversed",
            lambda _: BoundMeasure("euclidean", euclidean_distance, (0.0, 2.0), is_distance=True),
        ),
        MeasureEntry(
            "angular",
            "arccos(cos) / pi",
            "0 to 1",
            "a distance that obeys the triangle inequality on the sphere",
            lambda _: BoundMeasure("angular", angular_distance, (0.0, 1.0), is_distance=True),
        ),
        MeasureEntry(
            "clip-score",
            "2.5 max(cos, 0)",
            "0 to 2.5",
            'CLIPScore of captioning papers; reads "A photo depicts " before each caption',
            lambda _: BoundMeasure(
                "clip-score", clip_score, (0.0, 2.5), caption_prefix="A photo depicts "
            ),
        ),
        MeasureEntry(
            "logit",
            "scale cos + bias",
            "bias ± scale",
            "the model's own logit; scale and bias are read from the model",
            _bind_logit,
            reads_scale=True,
        ),
        MeasureEntry(
            "siglip-probability",
            "sigmoid(scale cos + bias)",
            "0 to 1",
            "each pair's own probability; only for models trained with the sigmoid loss",
            _bind_siglip_probability,
            reads_scale=True,
        ),
    )
}
"""Every measure by name, the default first."""


def find_measure(name: str, record: LogitRecord) -> BoundMeasure:
    """Return a measure bound to a model.

    Args:
        name: A key of ``MEASURES``.
        record: The model's scale and bias.

    Returns:
        The measure.

    Raises:
        UnknownNameError: No measure has that name; the message says the nearest.
        UsageError: The model lacks a number that the measure needs.
    """
    if name not in MEASURES:
        near = get_close_matches(name.lower().replace("_", "-"), MEASURES, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UnknownNameError(f"unknown measure `{name}`; {hint}available: {', '.join(MEASURES)}")
    return MEASURES[name].bind(record)


def _required(record: LogitRecord, measure: str, value: float | None, field: str) -> float:
    if value is None:
        raise UsageError(
            f"measure `{measure}` needs a {field}, and model `{record.name}` has none"
            " (hint: --measure cosine works with every model)"
        )
    return value
