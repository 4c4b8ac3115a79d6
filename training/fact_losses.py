"""Losses of networks that say facts outright, of a scene or of a caption."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch.nn import functional

from pairsift.storybook.vocabulary import (
    DIRECTIONS,
    KINDS,
    MAX_COUNT,
    OPPOSITE,
    PLACES,
    RELATIONS,
    SIZES,
)
from training.shapes import GRID
from training.truth import COLOUR_NAMES, FACTS_OF_A_KIND, FIRST, RELATION, SECOND

_FACTS: Final = (
    ("colour", len(COLOUR_NAMES)),
    ("count", MAX_COUNT),
    ("size", len(SIZES)),
    ("side", len(DIRECTIONS)),
)


def facts_loss(
    guesses: torch.Tensor, target: torch.Tensor
) -> tuple[torch.Tensor, dict[str, float]]:
    """Cross-entropies of a scene's facts; of a kind's colour and so on only where it is there.

    Args:
        guesses: Logits, shape (N, ``NUM_FACTS``).
        target: Zeros and ones, shape (N, ``NUM_FACTS``).

    Returns:
        The loss, and how often each sort of fact was right.
    """
    split = len(KINDS) * FACTS_OF_A_KIND
    place = functional.cross_entropy(guesses[:, split:], target[:, split:].argmax(1))
    guess = guesses[:, :split].unflatten(1, (len(KINDS), FACTS_OF_A_KIND))
    truth = target[:, :split].unflatten(1, (len(KINDS), FACTS_OF_A_KIND))
    there = truth[:, :, 0] > 0
    # Times 8: of the 24 kinds at most two are there, and the mean is over all.
    loss = place + 8 * functional.binary_cross_entropy_with_logits(guess[:, :, 0], truth[:, :, 0])
    found = guess[:, :, 0].detach().topk(2, dim=1).indices
    told = {"kind": float(there.gather(1, found)[:, 0].float().mean())}
    start = 1
    for name, size in _FACTS:
        wanted = truth[:, :, start : start + size]
        known = there & (wanted.sum(-1) > 0)
        if known.any():
            picked, answer = guess[:, :, start : start + size][known], wanted[known].argmax(1)
            loss = loss + functional.cross_entropy(picked, answer)
            told[name] = float((picked.detach().argmax(1) == answer).float().mean())
        start += size
    return loss, told


def claims_loss(guesses: torch.Tensor, claims: np.ndarray, *, sides_weight: float) -> torch.Tensor:
    """Cross-entropies of what captions say outright: the place, and facts by kind.

    The side on which a kind stands is one of the facts, and counts most: what a relation means is
    two kinds' sides at once. Unasked, relations were at chance after 800 steps of stage words, and
    little better after 1,100 where sides counted as a thirteenth of the loss; asked of alone, sides
    took 100.

    Args:
        guesses: Logits, shape (N, ``NUM_FACTS``).
        claims: Claim rows, shape (N, 10).
        sides_weight: How much the sides count.

    Returns:
        The loss.
    """
    rows = torch.from_numpy(claims.astype(np.int64))
    split = len(KINDS) * FACTS_OF_A_KIND
    loss = guesses.new_zeros(())
    said = rows[:, 0] >= 0
    if said.any():
        loss = functional.cross_entropy(guesses[said, split : split + len(PLACES)], rows[said, 0])
    guess = guesses[:, :split].unflatten(1, (len(KINDS), FACTS_OF_A_KIND))
    there = torch.zeros(len(rows), len(KINDS) + 1)
    sides = _sides_said(rows)
    for group, start in enumerate((2, 6)):
        kind = rows[:, start]
        plain = (kind >= 0) & (kind < len(KINDS))
        there[torch.arange(len(rows)), torch.where(plain, kind, len(KINDS))] = 1
        base = 1
        for value, size, weight in (
            (rows[:, start + 1], len(COLOUR_NAMES), 1),
            (rows[:, start + 2] - 1, MAX_COUNT, 1),
            (rows[:, start + 3], len(SIZES), 1),
            (sides[:, group], len(DIRECTIONS), sides_weight),
        ):
            known = plain & (value >= 0)
            if known.any():
                picked = guess[known, kind[known], base : base + size]
                loss = loss + weight * functional.cross_entropy(picked, value[known])
            base += size
    return loss + 8 * functional.binary_cross_entropy_with_logits(guess[:, :, 0], there[:, :-1])


def _sides_said(rows: torch.Tensor) -> torch.Tensor:
    """Return the side of both groups that captions say, shape (N, 2); -1 where none is said."""
    sides = {name: index for index, name in enumerate(DIRECTIONS)}
    first = torch.tensor([*(sides.get(name, -1) for name in RELATIONS), -1])
    second = torch.tensor([*(sides.get(OPPOSITE.get(name, ""), -1) for name in RELATIONS), -1])
    said = rows[:, RELATION]  # -1, where nothing is said, is the last
    return torch.stack([first[said], second[said]], 1)


def middles_loss(guesses: torch.Tensor, scenes: np.ndarray, middles: np.ndarray) -> torch.Tensor:
    """Distance between where a kind is said to stand and where it stands.

    Args:
        guesses: x and y of every kind, shape (N, kinds * 2).
        scenes: Scene rows, shape (N, 10).
        middles: x and y of both groups, shape (N, 2, 2).

    Returns:
        The mean absolute error over the groups that are there, in half sides of the picture.
    """
    kinds = torch.from_numpy(scenes[:, [FIRST, SECOND]].astype(np.int64))
    row, group = torch.nonzero(kinds >= 0, as_tuple=True)
    said = guesses.unflatten(1, (len(KINDS), 2))[row, kinds[row, group]]
    return (said - torch.from_numpy(middles)[row, group]).abs().mean()


def spots_loss(guesses: torch.Tensor, kinds: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
    """Distance between where patches say that their kind stands and where they are.

    A relation compares two groups' places, and a place bound to a kind is a product of what a
    patch shows and where it is. Asked of patches, it is learnt before the pooled state needs it:
    there the mean over a group's patches is the group's middle.

    Args:
        guesses: x and y under every kind, shape (N, kinds * 2): zero under all but its own.
        kinds: What each patch shows, int64, shape (N,); one past the last kind: nothing.
        numbers: Which patch of its picture each one is, int64, shape (N,).

    Returns:
        The mean over patches that show a thing of the summed squared errors, in half sides.
    """
    there = kinds < len(KINDS)
    rows, kinds, numbers = guesses[there], kinds[there], numbers[there]
    middles = torch.stack([numbers % GRID, numbers // GRID], 1).float()
    middles = (middles + 0.5) * (2 / GRID) - 1
    wanted = torch.zeros_like(rows).view(-1, len(KINDS), 2)
    wanted[torch.arange(len(rows)), kinds] = middles
    return (rows - wanted.flatten(1)).square().sum(1).mean()
