"""What a model says about itself: its fingerprint, and how it does on the canaries.

Both are taken once, when the model is known to be right, and are kept in its card. Pictures and
captions are drawn by the storybook, so nothing has to be shipped or fetched for them.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from PIL import Image

from pairsift.errors import WeightsError
from pairsift.protocols import Encoder, FloatArray
from pairsift.storybook.canaries import EASY_CANARIES, Canary, draw_canary, hard_canaries
from pairsift.storybook.pairs import make_pair

NUM_PAIRS = 16
FINGERPRINT_SEED = 16_161_616
DRAWN_SIDE = 320

# Width and height of the four shapes in turn. None is a square: `shortest` and `squash` see the
# same of a square picture, so that a wrong resize mode would go unnoticed.
_SHAPES = ((320, 200), (180, 320), (320, 96), (240, 300))


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """Embeddings of the fixed pairs at fp32.

    Args:
        inputs: Hash of the pictures and captions; another drawing is another fingerprint.
        images: Unit-norm rows, shape (16, D).
        texts: Unit-norm rows, shape (16, D).
    """

    inputs: str
    images: FloatArray
    texts: FloatArray

    def to_plain(self) -> dict[str, Any]:
        """Return plain data for JSON; float16 keeps a unit row to 5e-4."""
        rows = np.stack([self.images, self.texts]).astype("<f2")
        return {
            "inputs": self.inputs,
            "shape": list(rows.shape),
            "float16": base64.b64encode(rows.tobytes()).decode("ascii"),
        }


def fingerprint_from_plain(plain: Any) -> Fingerprint:
    """Rebuild a fingerprint from a card.

    Raises:
        WeightsError: The data is no fingerprint.
    """
    try:
        raw = base64.b64decode(plain["float16"], validate=True)
        rows = np.frombuffer(raw, "<f2").reshape(plain["shape"]).astype(np.float32)
        return Fingerprint(str(plain["inputs"]), rows[0], rows[1])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise WeightsError(f"the fingerprint on record cannot be read: {error!r}") from error


@dataclass(frozen=True)
class CanaryFigures:
    """How a model does on the canaries.

    Args:
        easy_right: Easy canaries whose right caption is the nearer one.
        num_easy: How many there are.
        hard_right: Likewise for the harder set of the built-in models.
        num_hard: How many there are; 0 when they were not asked.
        margin: Mean over all of (cosine to the right caption minus cosine to the wrong one).
    """

    easy_right: int
    num_easy: int
    hard_right: int
    num_hard: int
    margin: float

    def to_plain(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self)


def canary_figures_from_plain(plain: Any) -> CanaryFigures:
    """Rebuild canary figures from a card.

    Raises:
        WeightsError: The data holds none.
    """
    try:
        return CanaryFigures(**plain)
    except TypeError as error:
        raise WeightsError(f"the canary figures on record cannot be read: {error}") from error


def fixed_pairs() -> tuple[list[Image.Image], list[str]]:
    """Draw the 16 fixed pairs: oblong pictures; captions plain, long, in capitals, and accented.

    Returns:
        Pictures and captions. Long ones exceed every context length in use, short ones need
        padding, and capitals show whether captions are lower-cased.
    """
    images: list[Image.Image] = []
    captions: list[str] = []
    for index in range(NUM_PAIRS):
        pair = make_pair(FINGERPRINT_SEED, index, side=DRAWN_SIDE)
        text = pair.caption.text
        images.append(pair.image.crop((0, 0, *_SHAPES[index % 4])))
        captions.append((text, ", ".join([text] * 30), text.upper(), f"{text}, naïve")[index % 4])
    return images, captions


def hash_inputs(images: Sequence[Image.Image], captions: Sequence[str]) -> str:
    """Return a sha256 over pixels and captions.

    Example:
        >>> hash_inputs([], ["a"])[:8]
        'ca978112'
    """
    digest = hashlib.sha256()
    for image in images:
        digest.update(repr(image.size).encode() + image.tobytes())
    digest.update("\0".join(captions).encode())
    return digest.hexdigest()


def embed(
    encoder: Encoder, images: Sequence[Image.Image], captions: Sequence[str]
) -> tuple[FloatArray, FloatArray]:
    """Return the embeddings of pictures and of captions."""
    pixels = [encoder.prepare_image(image) for image in images]
    return (
        encoder.encode_images(pixels),
        encoder.encode_texts(encoder.prepare_captions(captions)),
    )


def take_fingerprint(encoder: Encoder) -> Fingerprint:
    """Run the fixed pairs through a model, which should run at fp32."""
    images, captions = fixed_pairs()
    return Fingerprint(hash_inputs(images, captions), *embed(encoder, images, captions))


def greatest_distance(one: FloatArray, other: FloatArray) -> float:
    """Return the greatest Euclidean distance between rows of the same index.

    Example:
        >>> greatest_distance(np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32))
        0.0
    """
    return float(np.linalg.norm(one - other, axis=1).max(initial=0.0))


def ask_canaries(encoder: Encoder, *, with_hard: bool) -> CanaryFigures:
    """Let a model choose between the right and the wrong caption of every canary.

    Args:
        encoder: The model.
        with_hard: Ask the harder set too, which only the built-in models are made for.
    """
    easy = _margins(encoder, EASY_CANARIES)
    hard = _margins(encoder, hard_canaries()) if with_hard else np.empty(0, np.float32)
    return CanaryFigures(
        easy_right=int((easy > 0).sum()),
        num_easy=easy.size,
        hard_right=int((hard > 0).sum()),
        num_hard=hard.size,
        margin=round(float(np.concatenate([easy, hard]).mean()), 6),
    )


def _margins(encoder: Encoder, canaries: Sequence[Canary]) -> FloatArray:
    captions = [c.right for c in canaries] + [c.wrong for c in canaries]
    images, texts = embed(encoder, [draw_canary(c) for c in canaries], captions)
    right, wrong = texts[: len(canaries)], texts[len(canaries) :]
    margins: FloatArray = (images * right).sum(axis=1) - (images * wrong).sum(axis=1)
    return margins
