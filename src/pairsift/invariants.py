"""What holds for a model whatever its weights are; where it does not, scores mean nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from pairsift.fingerprints import fixed_pairs, greatest_distance
from pairsift.protocols import Encoder, FloatArray, TokenizedCaption
from pairsift.recipes import TextRecipe

# Greatest distance between two runs of one row. At fp32 the order of sums may differ (a GPU picks
# another kernel for another batch): 1e-5 is what both encoders promise. At bf16 a component of a
# unit row moves by 1.6e-3 (measured on ViT-B/32), and a row of several hundred by some 2e-2. At
# int8 a last bit of float32 can turn one rounding, which moves a row about as far.
SAME_ROW = {"fp32": 1e-5, "fp16": 5e-3, "bf16": 2e-2, "int8": 2e-2}
# A row's own norm, which is computed in the running precision.
UNIT_NORM = {"fp32": 1e-5, "fp16": 1e-3, "bf16": 5e-3, "int8": 1e-5}
# Two pictures that a model cannot tell apart at all: far below the .15 between two noise images
# under random ViT-B/32 weights.
DIFFERENT_ROW = 1e-3


class Outcome(StrEnum):
    """What came of a check."""

    PASS = "pass"  # noqa: S105 - a word, not a secret
    FAIL = "fail"
    WARN = "warn"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Args:
        name: What it is.
        outcome: What came of it; ``fail`` means that the model must not be used.
        words: Why, for a person.
        numbers: The figures behind it.
    """

    name: str
    outcome: Outcome
    words: str
    numbers: Mapping[str, float] = field(default_factory=dict)


def judge(name: str, *, holds: bool, words: str, **numbers: float) -> Check:
    """Return a check that passes or fails."""
    return Check(name, Outcome.PASS if holds else Outcome.FAIL, words, numbers)


def check_invariants(encoder: Encoder, recipe: TextRecipe) -> list[Check]:
    """Run a model on the fixed pairs in several ways that must not matter.

    Args:
        encoder: The model, as it would score.
        recipe: Its text recipe, which says whether padding changes nothing.

    Returns:
        Five or six checks.
    """
    pictures, texts = fixed_pairs()
    pixels = [encoder.prepare_image(picture) for picture in pictures]
    captions = encoder.prepare_captions(texts)
    images, rows = encoder.encode_images(pixels), encoder.encode_texts(captions)
    precision = encoder.provenance.precision
    same = SAME_ROW[precision]

    alone_images = np.concatenate([encoder.encode_images([item]) for item in pixels])
    alone_rows = np.concatenate([encoder.encode_texts([item]) for item in captions])
    alone = max(greatest_distance(images, alone_images), greatest_distance(rows, alone_rows))
    turned = max(
        greatest_distance(images, encoder.encode_images(pixels[::-1])[::-1]),
        greatest_distance(rows, encoder.encode_texts(captions[::-1])[::-1]),
    )
    checks = [
        _check_rows(encoder, images, rows),
        judge(
            "batch",
            holds=alone <= same,
            words=f"one at a time and {len(pixels)} at once are {alone:.1e} apart",
            distance=alone,
        ),
        judge(
            "order",
            holds=turned <= same,
            words=f"turned round, rows are {turned:.1e} from where they were",
            distance=turned,
        ),
        _check_different("pictures", images),
        # Captions that a small vocabulary cannot tell apart are the tokenizer's affair.
        _check_different("captions", rows[_first_of_each(captions)]),
    ]
    if recipe.trim_exact:
        checks.append(_check_trimming(encoder, captions, recipe, same))
    return checks


def _check_rows(encoder: Encoder, images: FloatArray, texts: FloatArray) -> Check:
    both = np.concatenate([images, texts])
    off = float(np.abs(np.linalg.norm(both.astype(np.float64), axis=1) - 1).max())
    shape = both.shape[1] == encoder.width
    holds = shape and bool(np.isfinite(both).all())
    return judge(
        "unit norm",
        holds=holds and off <= UNIT_NORM[encoder.provenance.precision],
        words=f"{both.shape[1]} dimensions, finite, norms within {off:.1e} of 1",
        deviation=off,
    )


def _check_different(what: str, rows: FloatArray) -> Check:
    if len(rows) < 2:
        return Check(f"different {what}", Outcome.NOT_CHECKED, "its tokenizer reads all alike")
    gaps = np.linalg.norm(rows[:, None] - rows[None], axis=2) + 2 * np.eye(len(rows))
    least = float(gaps.min())
    return judge(
        f"different {what}",
        holds=least >= DIFFERENT_ROW,
        words=f"the two nearest of {len(rows)} are {least:.2g} apart",
        distance=least,
    )


def _first_of_each(captions: list[TokenizedCaption]) -> list[int]:
    first = {caption.ids: index for index, caption in reversed(list(enumerate(captions)))}
    return sorted(first.values())


def _check_trimming(
    encoder: Encoder, captions: list[TokenizedCaption], recipe: TextRecipe, same: float
) -> Check:
    """Compare short captions with the same ones filled up to the context length."""
    short = sorted(captions, key=lambda caption: len(caption.ids))[:4]
    full = [
        # An encoder that trims sees only ids: padding given as ids is padding it cannot take off.
        TokenizedCaption(
            caption.ids + (recipe.pad_id,) * (recipe.context_length - len(caption.ids)),
            caption.num_tokens,
        )
        for caption in short
    ]
    apart = greatest_distance(encoder.encode_texts(short), encoder.encode_texts(full))
    return judge(
        "trimming",
        holds=apart <= same,
        words=f"trimmed and padded captions are {apart:.1e} apart",
        distance=apart,
    )
