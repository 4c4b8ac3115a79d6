"""How even a set is over its categories, and drawing a more even one without many repeats."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pairsift.curation.groups import Groups
from pairsift.errors import UsageError
from pairsift.protocols import FloatArray

IntArray = NDArray[np.int64]
DoubleArray = NDArray[np.float64]

PROMPTS = ("{}", "a photo of {}", "a picture of {}")
"""Sentences around a category's name, averaged. Source: Radford et al. 2021, section 3.1.4."""

REPEATS_WARNING = (
    "rows are repeated up to {most} times; in DataComp's Table 13 balancing by repeats took the "
    "average of 38 tasks from 0.258 to between 0.141 and 0.221 (medium scale)"
)


@dataclass(frozen=True)
class CategoryLine:
    """One category of a set.

    Args:
        name: Of the category.
        rows: Scored rows in it.
        share: Of all rows that have a category.
        mean_similarity: Over these rows.
        median_similarity: Likewise.
    """

    name: str
    rows: int
    share: float
    mean_similarity: float
    median_similarity: float


def zero_shot_labels(images: FloatArray, prompts: FloatArray) -> IntArray:
    """Return the category whose prompts are most similar to each picture.

    Args:
        images: Unit-norm rows, shape (N, D), float32.
        prompts: Unit-norm text embeddings of each category's sentences, shape (C, P, D).

    Returns:
        Shape (N,), in [0, C); of categories that tie the first.

    Source:
        Radford et al. 2021, "Learning Transferable Visual Models", section 3.1: prompts of a
        category are averaged and scaled to unit norm.
    """
    means = prompts.mean(axis=1)
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    labels: IntArray = np.argmax(images @ means.T, axis=1).astype(np.int64)
    return labels


def parse_categories(text: str) -> tuple[str, ...]:
    """Read names of categories, by commas or lines; a name comes once.

    Raises:
        UsageError: There are fewer than two.

    Example:
        >>> parse_categories("animals, vehicles,  food")
        ('animals', 'vehicles', 'food')
    """
    names = [name.strip() for line in text.splitlines() for name in line.split(",")]
    distinct = tuple(dict.fromkeys(name for name in names if name))
    if len(distinct) < 2:
        raise UsageError(f"categories `{text.strip()}`: give at least two, split by commas")
    return distinct


def parse_target(text: str, names: Sequence[str]) -> DoubleArray:
    """Read a target such as ``animals=0.5, food=30%``.

    Args:
        text: A share for each category that is wanted; they need not sum to 1.
        names: Of the categories; those without a share are not drawn from.

    Returns:
        The shares by category, shape (C,), which sum to 1.

    Raises:
        UsageError: There is no such category, or a share is none.

    Example:
        >>> parse_target("cats=1, dogs=3", ["dogs", "cats", "birds"]).tolist()
        [0.75, 0.25, 0.0]
    """
    shares = np.zeros(len(names))
    for entry in filter(None, (part.strip() for part in text.replace("\n", ",").split(","))):
        name, _, value = (part.strip() for part in entry.rpartition("="))
        if name not in names:
            listed = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
            raise UsageError(f"target `{entry}`: give NAME=SHARE; categories: {listed}")
        try:
            share = float(value.removesuffix("%")) / (100 if value.endswith("%") else 1)
        except ValueError:
            share = -1.0
        if not 0 <= share < float("inf"):
            raise UsageError(f"target `{entry}`: a share is a number from 0, such as 0.3 or 30%")
        shares[list(names).index(name)] = share
    if shares.sum() == 0:
        raise UsageError(f"target `{text.strip()}`: give at least one category a share")
    scaled: DoubleArray = shares / shares.sum()
    return scaled


def exact_size(labels: IntArray, target: DoubleArray, *, max_repeats: int = 1) -> int:
    """Return how many rows can be drawn so that every category has its share exactly.

    Args:
        labels: Category of each row, shape (N,); below 0 for none.
        target: Share of each category, shape (C,); sums to 1.
        max_repeats: How often a row may be taken.

    Example:
        >>> exact_size(np.array([0, 0, 0, 1]), np.array([0.5, 0.5]))
        2
    """
    wanted = target > 0
    if not wanted.any():
        return 0
    capacity = np.bincount(labels[labels >= 0], minlength=len(target)) * max_repeats
    return int(np.floor((capacity[wanted] / target[wanted]).min() + 1e-9))


def category_lines(
    labels: IntArray, names: Sequence[str], similarities: FloatArray
) -> list[CategoryLine]:
    """Count the rows of each category, with their similarities.

    Args:
        labels: Shape (N,), index into ``names``; negative where a row has no category.
        names: Of the categories.
        similarities: Shape (N,), NaN where a row was not scored: such rows do not count.

    Returns:
        Largest category first; categories without rows are left out.
    """
    counted = (labels >= 0) & np.isfinite(similarities)
    total = max(int(counted.sum()), 1)
    rows_of = np.flatnonzero(counted)
    lines = []
    for label, members in Groups(labels[counted]).rows():
        values = similarities[rows_of[members]]
        lines.append(
            CategoryLine(
                name=names[label],
                rows=len(members),
                share=len(members) / total,
                mean_similarity=float(values.mean(dtype=np.float64)),
                median_similarity=float(np.median(values)),
            )
        )
    return sorted(lines, key=lambda line: -line.rows)


def effective_categories(counts: Sequence[int] | IntArray) -> float:
    """Return how many equally large categories would be as even: ``exp(entropy)``.

    Args:
        counts: Rows of each category.

    Returns:
        From 1 to the number of categories; 0 where there are no rows.

    Example:
        >>> round(effective_categories([50, 50, 0]), 3)
        2.0

    Source:
        Jost 2006, "Entropy and diversity": the Hill number of order 1.
    """
    filled = np.asarray(counts, dtype=np.float64)
    filled = filled[filled > 0]
    if len(filled) == 0:
        return 0.0
    shares = filled / filled.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


@dataclass(frozen=True)
class BalancedSample:
    """How often each row is taken.

    Args:
        repeats: Shape (N,): 0 leaves a row out.
        warning: What to know about repeated rows, or None where none is repeated.
    """

    repeats: IntArray
    warning: str | None


def balanced_sample(
    labels: IntArray,
    *,
    size: int,
    generator: np.random.Generator,
    target: DoubleArray | None = None,
    max_repeats: int = 1,
) -> BalancedSample:
    """Draw rows so that categories come as near to a target as the cap on repeats allows.

    A category that cannot fill its part gives all it has, and the rest is shared out among the
    others by the target.

    Args:
        labels: Category of each row, shape (N,); rows below 0 are never taken.
        size: Rows wanted; fewer come where the cap does not allow so many.
        generator: Chooses the rows within a category.
        target: Share of each category, shape (C,), by label (default: all alike).
        max_repeats: How often a row may be taken.

    Returns:
        The repeats of each row.

    Raises:
        UsageError: A size or a cap below 1, or a target that is not one.
    """
    if size < 1 or max_repeats < 1:
        raise UsageError(f"size {size} and max_repeats {max_repeats} must be at least 1")
    num_categories = int(labels.max(initial=-1)) + 1
    shares = np.ones(num_categories) if target is None else np.asarray(target, dtype=np.float64)
    if len(shares) < num_categories or (shares < 0).any() or not np.isfinite(shares).all():
        raise UsageError(f"the target must have {num_categories} shares, each 0 or more")
    counts = np.bincount(labels[labels >= 0], minlength=len(shares))
    wanted = _fill(shares, counts * max_repeats, size)
    repeats = np.zeros(len(labels), dtype=np.int64)
    for label, rows in Groups(labels).rows():
        if label < 0:
            continue
        whole, rest = divmod(int(wanted[label]), len(rows))
        repeats[rows] = whole
        repeats[generator.choice(rows, size=rest, replace=False)] += 1
    most = int(repeats.max(initial=0))
    return BalancedSample(repeats, REPEATS_WARNING.format(most=most) if most > 1 else None)


def _fill(shares: DoubleArray, capacity: IntArray, size: int) -> IntArray:
    """Share ``size`` out by ``shares``, no category above its capacity."""
    filled = np.zeros(len(shares))
    open_ = (shares > 0) & (capacity > 0)
    left = float(min(size, int(capacity[open_].sum())))
    while left > 1e-9 and open_.any():
        part = np.where(open_, shares, 0.0)
        given = np.minimum(filled + left * part / part.sum(), capacity)
        left -= float((given - filled).sum())
        filled = given
        open_ &= filled < capacity - 1e-9
    whole = np.floor(filled + 1e-9).astype(np.int64)
    missing = min(size, round(float(filled.sum()))) - int(whole.sum())
    largest_rests = np.argsort(-(filled - whole), kind="stable")[:missing]
    whole[largest_rests] += 1
    return whole
