"""Charts made of characters."""

import math
from collections.abc import Sequence

BLOCKS = " ▁▂▃▄▅▆▇█"
ASCII = " ..::##"
"""Levels of one character, from nothing to full; the second where only ASCII can be shown."""


def draw_columns(counts: Sequence[int], *, height: int, levels: str = BLOCKS) -> list[str]:
    """Return the lines of a column chart, the top line first.

    Args:
        counts: One column each; the highest fills the height.
        height: Lines.
        levels: Characters from empty to full.

    Returns:
        ``height`` lines of ``len(counts)`` characters; a count that is not zero always shows.

    Example:
        >>> draw_columns([0, 1, 4, 8], height=2)
        ['   █', ' ▂██']
    """
    top = max(counts, default=0)
    full = len(levels) - 1
    steps = [max(1, round(count / top * height * full)) if count > 0 else 0 for count in counts]
    return [
        "".join(levels[min(max(step - line * full, 0), full)] for step in steps)
        for line in reversed(range(height))
    ]


def draw_bar(share: float, *, width: int, levels: str = "▏▎▍▌▋▊▉█") -> str:
    """Return a horizontal bar of a share of the width.

    Example:
        >>> draw_bar(0.3, width=5)
        '█▌'
    """
    full = len(levels)
    steps = round(min(max(share, 0.0), 1.0) * width * full)
    return levels[-1] * (steps // full) + (levels[steps % full - 1] if steps % full else "")


def round_step(span: float, *, num_steps: int) -> float:
    """Return a step of 1, 2 or 5 times a power of ten that divides a span into about that many.

    Example:
        >>> round_step(0.83, num_steps=5)
        0.2
    """
    raw = span / num_steps
    power: float = 10.0 ** math.floor(math.log10(raw))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * (1 - 1e-9))


def axis_limits(low: float, high: float, *, num_steps: int = 5) -> tuple[float, float, float]:
    """Return round limits around two values, and the step between ticks.

    Args:
        low: Smallest value to show.
        high: Largest value to show; may equal ``low``.
        num_steps: About how many ticks.

    Returns:
        Lower limit, upper limit, step.

    Example:
        >>> axis_limits(-0.11, 0.58)
        (-0.2, 0.6, 0.2)
    """
    span = high - low
    if span <= 0:
        span = max(abs(high) * 1e-3, 1e-6)
        low, high = low - span / 2, high + span / 2
    step = round_step(span, num_steps=num_steps)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return _clean(first * step, step), _clean(last * step, step), step


def draw_axis(low: float, high: float, step: float, *, width: int) -> tuple[str, str]:
    """Return the two lines under a column chart: a rule with ticks, and their numbers.

    Example:
        >>> for line in draw_axis(0.0, 1.0, 0.5, width=21): print(line)
        ┬─────────┬─────────┬
        0.0      0.5      1.0
    """
    rule = ["─"] * width
    numbers = [" "] * width
    decimals = num_decimals(step)
    for index in range(round((high - low) / step) + 1):
        place = round(index * step / (high - low) * (width - 1))
        rule[place] = "┬"
        text = f"{_clean(low + index * step, step):.{decimals}f}"
        begin = min(max(place - len(text) // 2, 0), width - len(text))
        free = "".join(numbers[max(begin - 1, 0) : begin + len(text) + 1])
        if not free.strip():
            numbers[begin : begin + len(text)] = text
    return "".join(rule), "".join(numbers).rstrip()


def num_decimals(step: float) -> int:
    """Return how many decimals tell multiples of a step apart.

    Example:
        >>> num_decimals(0.05), num_decimals(0.2), num_decimals(20)
        (2, 1, 0)
    """
    return max(0, math.ceil(-math.log10(step) - 1e-9))


def _clean(value: float, step: float) -> float:
    """Drop the noise of adding steps, and the sign of zero."""
    return round(value, num_decimals(step) + 2) + 0.0
