"""Ways to break a picture file; each follows from a generator alone."""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.fuzz.layouts import FIND_PARTS, Layout, Number

MOST_STEPS = 4
# Values at which lengths and sizes overflow, wrap or turn negative.
ODD_VALUES = (0, 1, 2, 3, 7, 8, 16, 255, 256, 4095, 9_000, 20_000, 32_767, 32_768, 65_535,
              65_536, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0x7FFF_FFFF_FFFF_FFFF)  # fmt: skip
ODD_BYTES = (
    b"\0",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"\xff\xd9",
    b"\xff\xd8\xff",
    b"IDAT",
    b"IEND",
    b"\r\n",
)
REPAIRED_SHARE = 0.8
"""Of broken PNGs that get right checksums, so that the decoder behind the check is reached."""


@dataclass
class Wreck:
    """A file on its way down.

    Args:
        data: Its bytes so far.
        layout: Where its parts were while it was whole; a step that moves bytes makes it stale,
            which breaks the file all the more.
        other: Another whole file, to splice with.
    """

    data: bytearray
    layout: Layout
    other: bytes


Step = Callable[[Wreck, np.random.Generator], None]


def mutate(
    data: bytes, kind: str, generator: np.random.Generator, *, other: bytes
) -> tuple[bytes, list[str]]:
    """Break a picture file.

    Args:
        data: The whole file.
        kind: Its format, a key of ``layouts.FIND_PARTS``.
        generator: What everything follows from.
        other: Another whole file, of any format.

    Returns:
        The broken file, and the names of the steps that broke it.
    """
    wreck = Wreck(bytearray(data), FIND_PARTS[kind](data), other)
    broken, names = apply_steps(wreck, STEPS, generator)
    if kind == "PNG" and generator.random() < REPAIRED_SHARE:
        broken = _repaired_png(broken)
    return broken, names


def apply_steps(
    wreck: Wreck, steps: Mapping[str, Step], generator: np.random.Generator
) -> tuple[bytes, list[str]]:
    """Apply one to ``MOST_STEPS`` steps; return the broken file and their names."""
    names = generator.choice(list(steps), size=int(generator.integers(1, MOST_STEPS + 1)))
    for name in names:
        if wreck.data:
            steps[name](wreck, generator)
    return bytes(wreck.data), [str(name) for name in names]


def flip_bits(wreck: Wreck, generator: np.random.Generator) -> None:
    """Turn a few bits anywhere."""
    for _ in range(int(generator.integers(1, 9))):
        wreck.data[_below(generator, len(wreck.data))] ^= 1 << _below(generator, 8)


def set_bytes(wreck: Wreck, generator: np.random.Generator) -> None:
    """Write bytes that often mean something over what is there."""
    odd = ODD_BYTES[_below(generator, len(ODD_BYTES))]
    begin = _below(generator, len(wreck.data))
    wreck.data[begin : begin + len(odd)] = odd


def truncate(wreck: Wreck, generator: np.random.Generator) -> None:
    """Cut off the end, mostly near it."""
    share = generator.random() ** 0.3
    del wreck.data[max(1, int(share * len(wreck.data))) :]


def drop_range(wreck: Wreck, generator: np.random.Generator) -> None:
    """Take a few bytes out."""
    begin, end = _range(generator, len(wreck.data))
    del wreck.data[begin:end]


def repeat_range(wreck: Wreck, generator: np.random.Generator) -> None:
    """Put a few bytes in twice."""
    begin, end = _range(generator, len(wreck.data))
    wreck.data[end:end] = wreck.data[begin:end]


def insert_garbage(wreck: Wreck, generator: np.random.Generator) -> None:
    """Put noise in between."""
    begin = _below(generator, len(wreck.data))
    wreck.data[begin:begin] = generator.bytes(int(generator.integers(1, 64)))


def splice(wreck: Wreck, generator: np.random.Generator) -> None:
    """Go on with another file from somewhere on."""
    begin = len(wreck.data) // 4 + _below(generator, 1 + len(wreck.data) // 2)
    wreck.data[begin:] = wreck.other[begin % max(1, len(wreck.other)) :]


def zero_range(wreck: Wreck, generator: np.random.Generator) -> None:
    """Lose a block, as a broken disk does."""
    begin, end = _range(generator, len(wreck.data))
    wreck.data[begin:end] = bytes(end - begin)


def edit_length(wreck: Wreck, generator: np.random.Generator) -> None:
    """Let a chunk say a wrong length, or an offset point elsewhere."""
    _edit(wreck, wreck.layout.lengths, generator)


def edit_size(wreck: Wreck, generator: np.random.Generator) -> None:
    """Let the header say a wrong width, height, depth or kind."""
    _edit(wreck, wreck.layout.sizes, generator)


def repeat_part(wreck: Wreck, generator: np.random.Generator) -> None:
    """Put a chunk in twice, here or at another place."""
    begin, end = _part(wreck, generator)
    place = end if generator.random() < 0.5 else _part(wreck, generator)[0]
    wreck.data[place:place] = wreck.data[begin:end]


def drop_part(wreck: Wreck, generator: np.random.Generator) -> None:
    """Leave a chunk out."""
    begin, end = _part(wreck, generator)
    del wreck.data[begin:end]


def swap_parts(wreck: Wreck, generator: np.random.Generator) -> None:
    """Change two chunks for each other."""
    (begin, end), (other_begin, other_end) = sorted(
        [_part(wreck, generator), _part(wreck, generator)]
    )
    data = wreck.data
    if end <= other_begin:
        middle = data[other_begin:other_end] + data[end:other_begin] + data[begin:end]
        data[begin:other_end] = middle


def damage_metadata(wreck: Wreck, generator: np.random.Generator) -> None:
    """Turn bytes inside EXIF or text; elsewhere where there is none."""
    ranges = wreck.layout.metadata or [(0, len(wreck.data))]
    begin, end = ranges[_below(generator, len(ranges))]
    for _ in range(int(generator.integers(1, 9))):
        place = begin + _below(generator, max(1, end - begin))
        if place < len(wreck.data):
            wreck.data[place] = _below(generator, 256)


STEPS: dict[str, Step] = {
    step.__name__: step
    for step in (
        flip_bits, set_bytes, truncate, drop_range, repeat_range, insert_garbage, splice,
        zero_range, edit_length, edit_size, repeat_part, drop_part, swap_parts, damage_metadata,
    )
}  # fmt: skip


def _below(generator: np.random.Generator, end: int) -> int:
    return int(generator.integers(end))


def _range(generator: np.random.Generator, length: int) -> tuple[int, int]:
    begin = _below(generator, length)
    return begin, min(length, begin + int(generator.integers(1, 64)))


def _part(wreck: Wreck, generator: np.random.Generator) -> tuple[int, int]:
    parts = wreck.layout.parts or [(0, len(wreck.data))]
    begin, end = parts[_below(generator, len(parts))]
    return min(begin, len(wreck.data)), min(end, len(wreck.data))


def _edit(wreck: Wreck, numbers: Sequence[Number], generator: np.random.Generator) -> None:
    if not numbers:
        return
    number = numbers[_below(generator, len(numbers))]
    if number.end > len(wreck.data):
        return
    value = ODD_VALUES[_below(generator, len(ODD_VALUES))]
    if generator.random() < 0.4:
        # Near the truth: off by a little is what decoders check least.
        value = number.read(wreck.data) + int(generator.integers(-4, 5))
    number.write(wreck.data, value)


def _repaired_png(broken: bytes) -> bytes:
    """Return the file with right checksums on every chunk that can still be found."""
    data = bytearray(broken)
    place = 8
    while place + 12 <= len(data):
        end = place + 8 + int.from_bytes(data[place : place + 4], "big")
        if end + 4 > len(data):
            break
        data[end : end + 4] = zlib.crc32(data[place + 4 : end]).to_bytes(4, "big")
        place = end + 4
    return bytes(data)
