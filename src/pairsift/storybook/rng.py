"""Random draws that follow from integers alone, the same on every machine.

A draw is a function of (seed, index, stream, counter): pair k needs no draw of the pairs before
it, so any range of pairs can be made anywhere, in any order. Python's ``random`` and NumPy's
generators promise less: their methods changed between releases.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

_MASK = (1 << 64) - 1
# Source: Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators": the
# increment and the two multipliers of splitmix64 (variant 13 of Stafford's mixers).
_INCREMENT = 0x9E3779B97F4A7C15
_MULTIPLIER_1 = 0xBF58476D1CE4E5B9
_MULTIPLIER_2 = 0x94D049BB133111EB


def mix(value: int) -> int:
    """Scramble 64 bits; every input bit changes about half of the output bits.

    Args:
        value: Any integer; its low 64 bits count.

    Returns:
        An integer in [0, 2**64).

    Example:
        >>> hex(mix(1))
        '0x910a2dec89025cc1'

    Source:
        splitmix64, Steele, Lea and Flood 2014.
    """
    value = (value + _INCREMENT) & _MASK
    value = ((value ^ (value >> 30)) * _MULTIPLIER_1) & _MASK
    value = ((value ^ (value >> 27)) * _MULTIPLIER_2) & _MASK
    return value ^ (value >> 31)


class Draws:
    """A row of draws that belongs to one (seed, index, stream).

    Args:
        seed: The seed of the whole set.
        index: Which pair.
        stream: Which use; two uses of one pair must not share draws.

    Example:
        >>> Draws(7, 0, "scene").below(6) == Draws(7, 0, "scene").below(6)
        True
    """

    __slots__ = ("_counter", "_key")

    def __init__(self, seed: int, index: int = 0, stream: str = "") -> None:
        key = mix(mix(seed) ^ (index & _MASK))
        name = stream.encode()
        for start in range(0, len(name), 8):
            key = mix(key ^ int.from_bytes(name[start : start + 8], "little"))
        self._key = key
        self._counter = 0

    def bits(self) -> int:
        """The next 64 bits."""
        self._counter += 1
        return mix(self._key ^ (self._counter * _INCREMENT & _MASK))

    def below(self, limit: int) -> int:
        """An integer in [0, limit), each as likely as the other to within ``limit / 2**64``.

        Args:
            limit: At least 1.
        """
        return (self.bits() * limit) >> 64

    def between(self, low: int, high: int) -> int:
        """An integer in [low, high], both ends included.

        Args:
            low: The least value.
            high: The greatest value; at least ``low``.
        """
        return low + ((self.bits() * (high - low + 1)) >> 64)

    def chance(self, percent: int) -> bool:
        """True in ``percent`` of 100 draws.

        Args:
            percent: From 0 (never) to 100 (always).
        """
        return (self.bits() * 100) >> 64 < percent

    def choose(self, options: Sequence[T]) -> T:
        """One of the options, all alike.

        Args:
            options: At least one.
        """
        return options[(self.bits() * len(options)) >> 64]

    def weighted(self, options: Sequence[T], weights: Sequence[int]) -> T:
        """One of the options, as likely as its weight says.

        Args:
            options: At least one.
            weights: One whole number for each option, at least 0, not all 0.
        """
        left = (self.bits() * sum(weights)) >> 64
        for option, weight in zip(options, weights, strict=True):
            left -= weight
            if left < 0:
                return option
        raise ValueError(f"weights must not all be 0, got {list(weights)}")

    def shuffled(self, options: Sequence[T]) -> list[T]:
        """The options in a random order (Fisher and Yates).

        Args:
            options: Any number.
        """
        order = list(options)
        for last in range(len(order) - 1, 0, -1):
            other = self.below(last + 1)
            order[last], order[other] = order[other], order[last]
        return order
