"""Scenes as arrays, and their neighbours that differ in one thing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from pairsift.storybook.scenes import Group, Scene
from pairsift.storybook.vocabulary import (
    COLOURS,
    DIRECTIONS,
    KINDS,
    MAX_COUNT,
    MAX_COUNT_OF_TWO,
    OPPOSITE,
    PLACES,
    SIZES,
)

COLOUR_NAMES: Final = tuple(COLOURS)
# Columns of a scene row: place, relation, then kind, colour, count, size of each group; -1: none.
PLACE, RELATION, FIRST, SECOND, ROW_LENGTH = 0, 1, 2, 6, 10
_OPPOSITE: Final = np.array([DIRECTIONS.index(OPPOSITE[name]) for name in DIRECTIONS])
# Facts about one kind of thing in a scene: there, colour, count, size, side.
FACTS_OF_A_KIND: Final = 1 + len(COLOUR_NAMES) + MAX_COUNT + len(SIZES) + len(DIRECTIONS)
NUM_FACTS: Final = len(KINDS) * FACTS_OF_A_KIND + len(PLACES)


def encode_scenes(scenes: Sequence[Scene]) -> np.ndarray:
    """Write scenes as rows of small integers.

    Args:
        scenes: The scenes.

    Returns:
        int16, shape (N, 10): place, relation, and kind, colour, count, size of two groups.
    """
    rows = np.full((len(scenes), ROW_LENGTH), -1, np.int16)
    for row, scene in zip(rows, scenes, strict=True):
        row[PLACE] = PLACES.index(scene.place)
        if scene.relation is not None:
            row[RELATION] = DIRECTIONS.index(scene.relation)
        for start, group in zip((FIRST, SECOND), scene.groups, strict=False):
            row[start : start + 4] = (
                KINDS.index(group.kind),
                COLOUR_NAMES.index(group.colour),
                group.count,
                SIZES.index(group.size),
            )
    return rows


def decode_scene(row: np.ndarray, layout: int = 0) -> Scene:
    """Turn a row back into a scene.

    Args:
        row: As ``encode_scenes`` writes it.
        layout: The scene's layout bits, which rows do not hold.

    Returns:
        The scene.
    """
    groups = tuple(
        Group(
            KINDS[row[start]],
            COLOUR_NAMES[row[start + 1]],
            int(row[start + 2]),
            SIZES[row[start + 3]],
        )
        for start in (FIRST, SECOND)
        if row[start] >= 0
    )
    relation = None if row[RELATION] < 0 else DIRECTIONS[row[RELATION]]
    return Scene(PLACES[row[PLACE]], groups, relation, layout)


def mirror(rows: np.ndarray, which: np.ndarray) -> np.ndarray:
    """Say what scenes are when their pictures are flipped left to right.

    Args:
        rows: Scenes, shape (N, 10).
        which: The rows that are flipped, bool, shape (N,).

    Returns:
        A copy with left and right exchanged in those rows.
    """
    rows = rows.copy()
    sideways = which & (rows[:, RELATION] >= DIRECTIONS.index("left of"))
    rows[sideways, RELATION] = _OPPOSITE[rows[sideways, RELATION]]
    return rows


def facts(rows: np.ndarray) -> np.ndarray:
    """Write scenes as what is there, per kind: there, colour, count, size and side; and the place.

    Args:
        rows: Scenes, shape (N, 10).

    Returns:
        float32 zeros and ones, shape (N, ``NUM_FACTS``).
    """
    out = np.zeros((len(rows), NUM_FACTS), np.float32)
    index = np.arange(len(rows))
    out[index, len(KINDS) * FACTS_OF_A_KIND + rows[:, PLACE]] = 1
    for start in (FIRST, SECOND):
        there = rows[:, start] >= 0
        who, part = index[there], rows[there]
        base = part[:, start].astype(np.int64) * FACTS_OF_A_KIND
        offset = 1
        out[who, base] = 1
        for column, shift, size in (
            (start + 1, 0, len(COLOUR_NAMES)),
            (start + 2, 1, MAX_COUNT),
            (start + 3, 0, len(SIZES)),
        ):
            out[who, base + offset + part[:, column] - shift] = 1
            offset += size
        related = part[:, RELATION] >= 0
        side = part[related, RELATION]
        side = side if start == FIRST else _OPPOSITE[side]
        out[who[related], base[related] + offset + side] = 1
    return out


def perturb(rows: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Change one thing in each scene.

    Args:
        rows: Scenes, shape (N, 10).
        random: The source of the choices.

    Returns:
        Scenes of the same shape, each different from its own in one attribute: a kind, colour,
        count or size of a group, the place, the relation, or what two groups exchanged.
    """
    rows = rows.copy()
    changes = random.integers(0, 8, len(rows))
    for row, change in zip(rows, changes, strict=True):
        double = row[SECOND] >= 0
        start = SECOND if double and random.random() < 0.5 else FIRST
        if change >= 6 and not double:
            change = change - 6  # noqa: PLW2901 - a single group has no relation
        if change == 0:
            others = [k for k in range(len(KINDS)) if k not in (row[FIRST], row[SECOND])]
            row[start] = random.choice(others)
        elif change == 1:
            row[start + 1] = (row[start + 1] + random.integers(1, 11)) % 11
        elif change in (2, 5):
            most = MAX_COUNT_OF_TWO if double else MAX_COUNT
            near = [c for c in (row[start + 2] - 1, row[start + 2] + 1) if 1 <= c <= most]
            row[start + 2] = random.choice(near)
        elif change == 3:
            row[PLACE] = (row[PLACE] + random.integers(1, len(PLACES))) % len(PLACES)
        elif change == 4:
            row[start + 3] = 1 - row[start + 3]
        elif change == 6:
            row[RELATION] = _OPPOSITE[row[RELATION]]
        else:
            column = random.integers(0, 3)
            a, b = row[FIRST + column], row[SECOND + column]
            if a == b:
                row[RELATION] = (row[RELATION] + random.integers(1, 4)) % 4
            else:
                row[FIRST + column], row[SECOND + column] = b, a
    return rows
