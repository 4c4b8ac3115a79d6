"""Where the things of a scene stand, so that counts can be counted and relations are plain.

All lengths are in 1024ths of the picture's side. What is promised:

- things never touch: each has a cell of a grid to itself;
- a small thing is 180 to 212 across, a big one at least 256 (and up to 560 when alone);
- two groups keep to opposite halves, at least 48 apart along the relation's axis; across it the
  middles of the boxes around the groups are at most 128 apart, a quarter of the way between them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pairsift.storybook.rng import Draws
from pairsift.storybook.scenes import Group, Scene

SIDE: Final = 1024
_MARGIN: Final = 24
_HALF_GAP: Final = 24
_MOST_ACROSS: Final = 64  # how far a group may stray from the middle across the axis
# Columns and rows of the grids for 1, 2, … 6 things.
_GRIDS: Final = (
    ((1, 1),),
    ((2, 1), (1, 2), (2, 2)),
    ((3, 1), (1, 3), (2, 2), (2, 2)),
    ((2, 2), (2, 2), (3, 2)),
    ((3, 2), (2, 3)),
    ((3, 2), (2, 3)),
)
_LOOSE_GRIDS: Final = ((3, 3), (4, 3), (3, 4))  # small things may also stand about


@dataclass(frozen=True, slots=True)
class Spot:
    """Where one thing stands.

    Attributes:
        x: Its middle, from the left, in 1024ths of the side.
        y: Its middle, from the top.
        width: Its largest extent.
    """

    x: int
    y: int
    width: int


Region = tuple[int, int, int, int]  # left, top, right, bottom


def _regions(relation: str | None) -> tuple[Region, ...]:
    low, high = _MARGIN, SIDE - _MARGIN
    before, after = SIDE // 2 - _HALF_GAP, SIDE // 2 + _HALF_GAP
    if relation is None:
        return ((low, low, high, high),)
    if relation in ("above", "below"):
        halves = ((low, low, high, before), (low, after, high, high))
    else:
        halves = ((low, low, before, high), (after, low, high, high))
    return halves if relation in ("above", "left of") else halves[::-1]


def _grid(group: Group, region: Region, draws: Draws) -> tuple[int, int]:
    wide, tall = region[2] - region[0], region[3] - region[1]
    if wide == tall:
        if group.size == "small" and group.count > 1 and draws.chance(50):
            return draws.choose(_LOOSE_GRIDS)
        return draws.choose(_GRIDS[group.count - 1])
    cells = group.count
    if group.size == "small" and draws.chance(60):
        # Two rows of small things still fit into half a picture.
        along, across = draws.choose(((3, 1), (2, 2), (3, 2), (4, 2)))
        return (along, across) if wide > tall else (across, along)
    return (cells, 1) if wide > tall else (1, cells)


def _place_group(group: Group, region: Region, draws: Draws) -> list[Spot]:
    left, top, right, bottom = region
    columns, rows = _grid(group, region, draws)
    cell_wide, cell_tall = (right - left) // columns, (bottom - top) // rows
    if group.size == "small":
        width = draws.between(188, 212)
    else:
        largest = min(cell_wide * 90 // 100, cell_tall * 90 // 100, 560)
        width = largest * draws.between(92, 100) // 100
    cells = draws.shuffled(range(columns * rows))[: group.count]
    spots = []
    for cell in sorted(cells):
        column, row = cell % columns, cell // columns
        slack_x = max(0, (cell_wide - width) // 2 - 20)
        slack_y = max(0, (cell_tall - width) // 2 - 20)
        spots.append(
            Spot(
                left + column * cell_wide + cell_wide // 2 + draws.between(-slack_x, slack_x),
                top + row * cell_tall + cell_tall // 2 + draws.between(-slack_y, slack_y),
                width * draws.between(96, 100) // 100,
            )
        )
    return spots


def _centred(spots: list[Spot], *, is_vertical: bool, stray: int) -> list[Spot]:
    """Shift a group so that across the relation's axis its box is near the middle."""
    across = [spot.x if is_vertical else spot.y for spot in spots]
    shift = SIDE // 2 + stray - (min(across) + max(across)) // 2
    # The group must stay in the picture.
    reach = max(spot.width for spot in spots) // 2 + _MARGIN
    shift = max(shift, reach - min(across))
    shift = min(shift, SIDE - reach - max(across))
    if is_vertical:
        return [Spot(spot.x + shift, spot.y, spot.width) for spot in spots]
    return [Spot(spot.x, spot.y + shift, spot.width) for spot in spots]


def place_things(scene: Scene) -> tuple[tuple[Spot, ...], ...]:
    """Find a spot for every thing of a scene.

    Args:
        scene: The scene; its ``layout`` settles everything that its relation leaves open.

    Returns:
        For each group its spots.

    Example:
        >>> from pairsift.storybook.scenes import Group, Scene
        >>> pair = (Group("cat", "red", 2, "big"), Group("cup", "blue", 1, "small"))
        >>> cats, cups = place_things(Scene("day", pair, "above", 3))
        >>> max(cat.y for cat in cats) < min(cup.y for cup in cups)
        True
    """
    draws = Draws(scene.layout, 0, "placement")
    placed = []
    for group, region in zip(scene.groups, _regions(scene.relation), strict=True):
        spots = _place_group(group, region, draws)
        if scene.relation is not None:
            stray = draws.between(-_MOST_ACROSS, _MOST_ACROSS)
            is_vertical = scene.relation in ("above", "below")
            spots = _centred(spots, is_vertical=is_vertical, stray=stray)
        placed.append(tuple(spots))
    return tuple(placed)
