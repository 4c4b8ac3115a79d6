"""The two models that are trained here: their shapes, recipes and training plans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

IMAGE_SIZE: Final = 96
PATCH_SIZE: Final = 16
GRID: Final = IMAGE_SIZE // PATCH_SIZE
PICTURE_SIDE: Final = 128  # the side that the storybook draws at

# Source: the mean and deviation of OpenAI's CLIP checkpoints, which most CLIP recipes share.
_CLIP_MEAN: Final = (0.48145466, 0.4578275, 0.40821073)
_CLIP_STD: Final = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True)
class Shape:
    """What one built-in model looks like and how it is trained.

    Attributes:
        name: Its name in pairsift.
        family: Which of transformers' model classes loads it.
        width: Width of the embeddings.
        context_length: Most tokens of a caption, with the end token.
        mean: Per channel, taken from pixels in [0, 1].
        std: Per channel, what the difference is divided by.
        sides_weight: How much the sides that captions say count in training; the smaller text
            tower had not learnt them after 1,200 steps at 4.
    """

    name: str
    family: Literal["clip", "siglip"]
    width: int
    context_length: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    sides_weight: float


SHAPES: Final[dict[str, Shape]] = {
    "storybook": Shape("storybook", "clip", 160, 77, _CLIP_MEAN, _CLIP_STD, 4),
    # Mean and deviation differ so that a recipe with the two swapped is another recipe.
    "storybook-small": Shape("storybook-small", "siglip", 112, 32, (0.5,) * 3, (0.25,) * 3, 16),
}
