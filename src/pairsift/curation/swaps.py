"""Two pairs that have each other's caption: both must gain clearly, and more than chance gives.

What an exchange is worth is the lesser of its two gains, less what the worse of the two new pairs
still lacks of a usual one. What chance gives is measured in the same table: pairs that fit well
are broken up into pairs that are just as wrong as those which no exchange explains, and whatever
is found among these has no partner and is false.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairsift.curation.embedded import FEWEST_ROWS, BoolArray, EmbeddedPairs, IntArray, Levels
from pairsift.protocols import FloatArray

FALSE_SHARE = 0.02
"""At most this share of what is found may be expected to be false."""

DECOY_ROUNDS = 20
"""Sets of decoys: the expected number of false swaps is known to a twentieth."""

DECOYS_IN_ALL = 50_000
"""Of all sets together: where a set has more than 2,500 fewer sets tell as much."""

MOST_DECOYS = 10_000
"""Decoys of a set; where more pairs are wrong, the count of the false is scaled up."""

MOST_OTHERS = 4000
"""Pairs that are no more than doubtful, beside which decoys are looked for."""

LOOKS = 2
"""Times that chance is measured: first as if no wrong pair had a partner, then without those whose
partner was found so."""

DECOY_CHOICES = 200
"""Captions tried for a decoy: one of so many is about as wrong as asked for."""

MOST_CANDIDATES = 100_000
"""Of the pairs below the median those of lowest similarity, up to this many, are compared, each
with each: all of a table of 200,000; in a larger one a swap outside them is not found."""

BLOCK_CELLS = 1 << 24
"""Numbers of a block of similarities: 64 MB."""


@dataclass(frozen=True)
class Swap:
    """Two pairs that should exchange their captions.

    Args:
        first: Place of one among the pairs.
        second: Place of the other, greater.
        now: Cosines of the two as they stand.
        proposed: Cosines after the exchange, of the first image and of the second.
        margin: The lesser of the two gains, less what the lesser new cosine lacks of a usual one.
        least: The margin that was asked for: what chance gives in this table.
    """

    first: int
    second: int
    now: tuple[float, float]
    proposed: tuple[float, float]
    margin: float
    least: float


def find_swaps(
    pairs: EmbeddedPairs,
    levels: Levels,
    *,
    taken: BoolArray | None = None,
    generator: np.random.Generator,
) -> list[Swap]:
    """Find pairs of rows that have each other's caption.

    Args:
        pairs: Any.
        levels: Of these pairs.
        taken: Pairs that are explained otherwise (a shift), shape (N,), bool.
        generator: Draws the decoys.

    Returns:
        The swaps, the clearest first; each pair is in one at most.
    """
    if len(pairs) < FEWEST_ROWS:
        return []
    now = pairs.similarities
    # A pair at the median fits as well as pairs here do: nothing is to be gained for it.
    low = now < levels.typical
    if taken is not None:
        low &= ~taken
    candidates = _lowest(now, np.flatnonzero(low), MOST_CANDIDATES)
    if len(candidates) < 2:
        return []
    found = exchange(pairs.images[candidates], pairs.captions[candidates], levels)
    if not found:
        return []
    least = _measure_chance(pairs, levels, candidates, found, generator=generator)
    swaps = []
    for one, other, margin in found:
        first, second = sorted((int(candidates[one]), int(candidates[other])))
        if margin < least:
            break
        moved = pairs.images[[first, second]] @ pairs.captions[[second, first]].T
        swaps.append(
            Swap(
                first=first,
                second=second,
                now=(float(now[first]), float(now[second])),
                proposed=(float(moved[0, 0]), float(moved[1, 1])),
                margin=float(margin),
                least=float(least),
            )
        )
    return swaps


def exchange(
    images: FloatArray, captions: FloatArray, levels: Levels, *, wanted: BoolArray | None = None
) -> list[tuple[int, int, float]]:
    """Match pairs with each other by what an exchange of their captions is worth.

    Args:
        images: Unit-norm rows, shape (N, D), float32.
        captions: Likewise; row i is the caption that image i has now.
        levels: Both gains must be above its ``floor``.
        wanted: Matches that hold none of these pairs are left out, shape (N,), bool.

    Returns:
        (one, other, margin), the largest margin first; each pair stands in one at most, and is
        matched with the best that is left for it.
    """
    now = np.einsum("nd,nd->n", images, captions)
    is_free = np.ones(len(images), dtype=bool)
    searching = np.arange(len(images))
    best = np.full(len(images), -1)
    gains = np.full(len(images), -np.inf, dtype=np.float32)
    found: list[tuple[int, int, float]] = []
    while len(searching):
        best[searching], gains[searching] = _best_partners(
            images, captions, now, searching, levels=levels, is_free=is_free
        )
        open_rows = np.flatnonzero(is_free & (gains > -np.inf))
        mutual = open_rows[best[best[open_rows]] == open_rows]
        mutual = mutual[mutual < best[mutual]]
        found += [(int(one), int(best[one]), float(gains[one])) for one in mutual]
        is_free[mutual] = is_free[best[mutual]] = False
        if not len(mutual):
            break
        # Who lost the partner it wanted looks again among those that are left.
        left = np.flatnonzero(is_free & (gains > -np.inf))
        searching = left[~is_free[best[left]]]
    if wanted is not None:
        found = [match for match in found if wanted[match[0]] or wanted[match[1]]]
    return sorted(found, key=lambda match: (-match[2], match[0]))


def _best_partners(
    images: FloatArray,
    captions: FloatArray,
    now: FloatArray,
    rows: IntArray,
    *,
    levels: Levels,
    is_free: BoolArray,
) -> tuple[IntArray, FloatArray]:
    """Return for each of some pairs the best partner and the margin; -inf where there is none."""
    best = np.empty(len(rows), dtype=np.int64)
    margins = np.empty(len(rows), dtype=np.float32)
    step = max(1, BLOCK_CELLS // len(images))
    closed = np.flatnonzero(~is_free)
    for begin in range(0, len(rows), step):
        block = rows[begin : begin + step]
        # The block's images with all captions, and the block's captions with all images.
        here = images[block] @ captions.T
        there = captions[block] @ images.T
        reached = np.minimum(here, there)
        here -= now[block, None]
        there -= now
        gains = np.minimum(here, there, out=here)
        worth = np.minimum(reached - levels.typical, 0.0, out=there)
        worth += gains
        worth[gains < levels.floor] = -np.inf
        worth[:, closed] = -np.inf
        worth[np.arange(len(block)), block] = -np.inf
        best[begin : begin + step] = worth.argmax(axis=1)
        margins[begin : begin + step] = worth.max(axis=1)
    return best, margins


def _lowest(now: FloatArray, places: IntArray, most: int) -> IntArray:
    """Return the places of lowest similarity, in order."""
    return np.sort(places[np.argsort(now[places], kind="stable")[:most]])


def _measure_chance(
    pairs: EmbeddedPairs,
    levels: Levels,
    candidates: IntArray,
    found: list[tuple[int, int, float]],
    *,
    generator: np.random.Generator,
) -> float:
    """Return the least margin of a swap that is not due to chance."""
    now = pairs.similarities
    good = np.flatnonzero(now >= levels.typical)
    margins = np.array([margin for _, _, margin in found])
    matched = np.array([(one, other) for one, other, _ in found])
    is_explained = np.zeros(len(candidates), dtype=bool)
    least = float("inf")
    for _ in range(LOOKS):
        open_rows = candidates[~is_explained]
        is_wrong = now[open_rows] < levels.fence
        wrong, others = open_rows[is_wrong], open_rows[~is_wrong]
        false, weight = _false_margins(
            pairs,
            levels,
            good=good,
            wrong=now[wrong],
            others=_lowest(now, others, MOST_OTHERS),
            generator=generator,
        )
        least = least_margin(margins, false, weight)
        sound = matched[margins >= least].ravel()
        if is_explained[sound].all():
            break
        is_explained[sound] = True
    return least


def _false_margins(
    pairs: EmbeddedPairs,
    levels: Levels,
    *,
    good: IntArray,
    wrong: FloatArray,
    others: IntArray,
    generator: np.random.Generator,
) -> tuple[NDArray[np.float64], float]:
    """Return the margins found among decoys, all rounds together, and what each counts for.

    Args:
        pairs: All.
        levels: Of these pairs.
        good: Pairs that fit well, which decoys are made of.
        wrong: Cosines of the pairs that decoys stand for.
        others: Pairs that do not fit too well and may be matched with a decoy as well.
        generator: Draws the decoys.
    """
    size = min(MOST_DECOYS, len(wrong), len(good) // 2)
    if size == 0:
        return np.zeros(0), 0.0
    margins: list[float] = []
    num_rounds = min(DECOY_ROUNDS, DECOYS_IN_ALL // size)
    for _ in range(num_rounds):
        images, captions = _break_up(
            pairs,
            generator.permutation(good),
            levels_now=generator.choice(wrong, size),
            generator=generator,
        )
        found = exchange(
            np.concatenate([pairs.images[images], pairs.images[others]]),
            np.concatenate([pairs.captions[captions], pairs.captions[others]]),
            levels,
            wanted=np.arange(size + len(others)) < size,
        )
        margins += [margin for _, _, margin in found]
    # False matches grow with the square of how many are wrong.
    weight = (len(wrong) / size) ** 2 / num_rounds
    return np.array(margins), weight


def _break_up(
    pairs: EmbeddedPairs,
    good: IntArray,
    *,
    levels_now: FloatArray,
    generator: np.random.Generator,
) -> tuple[IntArray, IntArray]:
    """Return images and captions of mismatched pairs that are as wrong as asked for.

    Images and captions come from different pairs, so that no decoy has a partner.
    """
    images, pool = good[: len(levels_now)], good[len(good) // 2 :]
    captions = np.empty(len(images), dtype=np.int64)
    for place, (image, level) in enumerate(zip(images, levels_now, strict=True)):
        tried = pool[generator.integers(0, len(pool), DECOY_CHOICES)]
        cosines = pairs.captions[tried] @ pairs.images[image]
        captions[place] = tried[np.abs(cosines - level).argmin()]
    return images, captions


def least_margin(margins: NDArray[np.float64], false: NDArray[np.float64], weight: float) -> float:
    """Return the lowest margin at which few enough of what is found are false.

    Args:
        margins: Of what was found, falling.
        false: Of what was found among decoys, in any order.
        weight: How many false ones a decoy stands for.

    Returns:
        A margin; infinite where no margin is high enough.

    Source:
        Elias and Gygi 2007, "Target-decoy search strategy": the false among what is found are
        as many as the decoys found at the same score.

    Example:
        >>> least_margin(np.array([0.9, 0.8, 0.1]), np.array([0.1, 0.2]), 0.05)
        0.8
    """
    num_false = weight * np.searchsorted(np.sort(-false), -margins, side="right")
    is_sound = num_false <= FALSE_SHARE * np.arange(1, len(margins) + 1)
    return float(margins[np.flatnonzero(is_sound)[-1]]) if is_sound.any() else float("inf")
