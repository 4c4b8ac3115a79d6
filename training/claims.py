"""Captions' claims as arrays, and which of them are true of which scenes, all at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from pairsift.storybook.phrasing import Claims
from pairsift.storybook.vocabulary import (
    CATEGORIES,
    CATEGORY_OF,
    DIRECTIONS,
    KINDS,
    OPPOSITE,
    PLACES,
    RELATIONS,
    SIZES,
    TRUE_PLACES,
    TRUE_RELATIONS,
)
from training.truth import COLOUR_NAMES, FIRST, PLACE, RELATION, ROW_LENGTH, SECOND

UNSAID: Final = -1
_SUBJECTS: Final = (*KINDS, *CATEGORIES)
_CATEGORY_SUBJECT: Final = np.array(
    [_SUBJECTS.index(CATEGORY_OF[kind]) for kind in KINDS], np.int16
)
_PLACE_IS_TRUE: Final = np.array(
    [[said in TRUE_PLACES[real] for real in PLACES] for said in PLACES]
)
_RELATION_IS_TRUE: Final = np.array(
    [[said in TRUE_RELATIONS[real] for real in DIRECTIONS] for said in RELATIONS]
)
_OPPOSITE: Final = np.array([DIRECTIONS.index(OPPOSITE[name]) for name in DIRECTIONS])


def encode_claims(claims: Sequence[Claims]) -> np.ndarray:
    """Write claims as rows of small integers.

    Args:
        claims: The claims of captions.

    Returns:
        int16, shape (N, 10): place, relation, and kind or category, colour, count (0: many) and
        size of two groups; -1 where nothing is said.
    """
    rows = np.full((len(claims), ROW_LENGTH), UNSAID, np.int16)
    for row, claim in zip(rows, claims, strict=True):
        if claim.place is not None:
            row[PLACE] = PLACES.index(claim.place)
        if claim.relation is not None:
            row[RELATION] = RELATIONS.index(claim.relation)
        for start, group in zip((FIRST, SECOND), claim.groups, strict=False):
            row[start] = _SUBJECTS.index(group.kind)
            if group.colour is not None:
                row[start + 1] = COLOUR_NAMES.index(group.colour)
            if group.count is not None:
                row[start + 2] = group.count
            if group.size is not None:
                row[start + 3] = SIZES.index(group.size)
    return rows


def _group_is_true(claims: np.ndarray, scenes: np.ndarray, said: int, real: int) -> np.ndarray:
    """Whether the claim's group ``said`` fits the scene's group ``real``: (claims, scenes)."""
    kind, colour, count, size = (claims[:, said + n, None] for n in range(4))
    true_kind, true_colour, true_count, true_size = (scenes[None, :, real + n] for n in range(4))
    fits = (kind == true_kind) | (kind == _CATEGORY_SUBJECT[true_kind])
    fits &= (colour == UNSAID) | (colour == true_colour)
    fits &= (size == UNSAID) | (size == true_size)
    fits &= (count == UNSAID) | (count == true_count) | ((count == 0) & (true_count > 1))
    result: np.ndarray = fits & (true_kind >= 0)
    return result


def truth_matrix(claims: np.ndarray, scenes: np.ndarray) -> np.ndarray:
    """Say of every caption and every scene whether the one is true of the other.

    The same answer as ``pairsift.storybook.captions.is_true``, for whole batches.

    Args:
        claims: As ``encode_claims`` writes them, shape (N, 10).
        scenes: As ``training.truth.encode_scenes`` writes them, shape (M, 10).

    Returns:
        bool, shape (N, M).
    """
    said_place = claims[:, PLACE, None]
    true = (said_place == UNSAID) | _PLACE_IS_TRUE[said_place, scenes[None, :, PLACE]]
    alone = claims[:, SECOND] == UNSAID
    out = np.zeros(true.shape, bool)
    for first, second in ((FIRST, SECOND), (SECOND, FIRST)):
        fits = _group_is_true(claims, scenes, FIRST, first)
        direction = scenes[None, :, RELATION]
        if first == SECOND:
            direction = np.where(direction >= 0, _OPPOSITE[direction], UNSAID)
        said = claims[:, RELATION, None]
        both = fits & (direction >= 0) & _group_is_true(claims, scenes, SECOND, second)
        both &= (said == UNSAID) | _RELATION_IS_TRUE[said, direction]
        out |= np.where(alone[:, None], fits, both)
    result: np.ndarray = out & true
    return result
