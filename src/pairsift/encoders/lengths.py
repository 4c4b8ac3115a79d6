"""Captions by length: few shapes, little padding, and one shape a caption in every batch."""

from collections.abc import Iterator, Sequence

from pairsift.protocols import TokenizedCaption
from pairsift.recipes import TextRecipe

# Captions are padded to a multiple of this.
LENGTH_STEP = 8


def by_length(
    captions: Sequence[TokenizedCaption], recipe: TextRecipe, size: int
) -> Iterator[tuple[int, list[int]]]:
    """Yield a padded length and the indices of the captions that take it, ``size`` at most.

    The length follows from the caption alone, never from its neighbours: attention over more
    padding is the same mathematics, but sums it in another order.

    Args:
        captions: N captions.
        recipe: The model's text recipe, which knows whether trimming is exact.
        size: Captions of a batch at most.
    """
    groups: dict[int, list[int]] = {}
    for index, caption in enumerate(captions):
        groups.setdefault(padded_length(len(caption.ids), recipe), []).append(index)
    for length, group in sorted(groups.items()):
        for begin in range(0, len(group), size):
            yield length, group[begin : begin + size]


def padded_length(num_tokens: int, recipe: TextRecipe) -> int:
    """Return the length to which a caption is padded, for every batch it may stand in.

    Example:
        >>> recipe = TextRecipe(77, 0, 0, lowercase=False, trim_exact=True)
        >>> [padded_length(count, recipe) for count in (2, 8, 9, 77)]
        [8, 8, 16, 77]
    """
    if not recipe.trim_exact:
        return recipe.context_length
    return min(-(-num_tokens // LENGTH_STEP) * LENGTH_STEP, recipe.context_length)
