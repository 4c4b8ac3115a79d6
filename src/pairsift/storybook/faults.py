"""Planning the faults that are planted in a set: which row gets which, and from where.

A plan is data that follows from (seed, number of pairs, rates). Every row has one fault at most,
so that the truth of a row is one line. ``planting`` carries the plan out.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pairsift.errors import UsageError
from pairsift.storybook.captions import Caption, is_true, make_caption, wrong_caption
from pairsift.storybook.rng import Draws
from pairsift.storybook.scenes import Scene, category_of, make_scene
from pairsift.storybook.vocabulary import CATEGORIES

# Share of the rows for each fault when the caller asks for "default". For ``vague`` it is the
# share of one category's rows.
DEFAULT_RATES: Final[dict[str, float]] = {
    "swap": 0.025,
    "shift": 0.02,
    "word": 0.025,
    "boilerplate": 0.01,
    "copy": 0.01,
    "near-copy": 0.02,
    "recaption": 0.02,
    "imbalance": 0.05,
    "vague": 0.3,
    "broken-image": 0.01,
    "broken-caption": 0.01,
}
FAULT_MEANINGS: Final[dict[str, str]] = {
    "swap": "two pairs have each other's caption",
    "shift": "one block of rows has the captions of the row before or after",
    "word": "one fact of the caption is wrong",
    "boilerplate": "a caption that says nothing, on many pictures",
    "copy": "the same picture bytes and caption as another row",
    "near-copy": "another row's picture, re-encoded, resized, cropped, brighter or darker",
    "recaption": "another row's picture file with a vaguer, another or a fuller caption",
    "imbalance": "a scene of one favoured category instead of the row's own",
    "vague": "one category's captions say less; the rate is the share of that category",
    "broken-image": "a picture that is missing, damaged or unusual",
    "broken-caption": "a caption that is empty, invalid, far too long or in another script",
}
WORD_ATTRIBUTES: Final = ("colour", "kind", "count", "place", "relation")
BOILERPLATE: Final = ("Image may contain text", "click to enlarge", "stock photo, untitled")
NEAR_COPY_METHODS: Final = ("re-encoded", "resized", "cropped", "brighter", "darker")
RECAPTION_DETAILS: Final = ("vague", "usual", "full")
BROKEN_IMAGES: Final = (
    "missing", "directory", "empty", "text", "truncated", "one pixel", "huge header", "cmyk",
    "16 bit", "animated", "svg", "outside",
)  # fmt: skip
BROKEN_CAPTIONS: Final = (
    "empty", "whitespace", "10000 words", "invalid utf-8", "nul", "emoji", "right to left",
    "too many cells", "too few cells",
)  # fmt: skip
_MOST_FAULTY: Final = 0.9  # copies need rows to copy from
_SHORTEST_SHIFT: Final = 3
# Scenes for ``imbalance`` are looked for here, far from the indices of ordinary rows.
_SPARE_INDEX: Final = 1 << 48
_SPARE_STEP: Final = 1 << 12


@dataclass(frozen=True, slots=True)
class Fault:
    """What is planted in one row.

    Attributes:
        name: One of ``DEFAULT_RATES``.
        detail: Which sort of it: the wrong attribute, the method of a near copy, +1 or -1 for a
            shift, the favoured category, the sort of breakage.
        partner: The row that the caption or the picture is taken from, if there is one.
    """

    name: str
    detail: str = ""
    partner: int | None = None


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """All faults of a set.

    Attributes:
        seed: Seed of the set.
        num_pairs: How many rows it has.
        faults: The fault of each faulty row.
    """

    seed: int
    num_pairs: int
    faults: dict[int, Fault]

    def pair_index(self, row: int) -> int:
        """Say which pair of the world a row shows.

        Args:
            row: A row of the set.

        Returns:
            The row itself, unless the fault replaces the scene.
        """
        fault = self.faults.get(row)
        if fault is None or fault.name != "imbalance":
            return row
        index = _SPARE_INDEX + row * _SPARE_STEP
        while category_of(make_scene(self.seed, index)) != fault.detail:
            index += 1
        return index


def parse_faults(text: str) -> dict[str, float]:
    """Read rates as the command line gives them.

    Args:
        text: ``default``, ``none``, or a list such as ``swap=0.025,word=0.025``.

    Returns:
        The rate of each named fault.

    Raises:
        UsageError: An unknown fault, or a rate that is no number from 0 to 1.

    Example:
        >>> parse_faults("swap=0.025, word=0.01")
        {'swap': 0.025, 'word': 0.01}
    """
    if text.strip() == "default":
        return dict(DEFAULT_RATES)
    rates: dict[str, float] = {}
    if text.strip() in ("none", ""):
        return rates
    for item in text.split(","):
        name, _, number = (part.strip() for part in item.partition("="))
        if name in rates:
            raise UsageError(f"fault `{name}` is given twice in `{text}`")
        try:
            rates[name] = float(number)
        except ValueError:
            raise UsageError(
                f"cannot read `{item.strip()}`; faults look like swap=0.025,word=0.01, "
                "or are `default` or `none`"
            ) from None
    check_rates(rates)
    return rates


def check_rates(rates: Mapping[str, float]) -> None:
    """Refuse rates that cannot be planted.

    Args:
        rates: The rate of each fault.

    Raises:
        UsageError: An unknown fault, a rate outside [0, 1], or more faulty rows than 90 %.
    """
    for name, rate in rates.items():
        if name not in DEFAULT_RATES:
            near = difflib.get_close_matches(name, DEFAULT_RATES, n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise UsageError(f"no fault `{name}`{hint}; there are: {', '.join(DEFAULT_RATES)}")
        if not 0.0 <= rate <= 1.0:
            raise UsageError(f"the rate of `{name}` must be from 0 to 1, got {rate:g}")
    total = sum(rate for name, rate in rates.items() if name != "vague")
    if total > _MOST_FAULTY:
        raise UsageError(
            f"faults on {total:.0%} of the rows leave too few sound ones to copy from; "
            f"at most {_MOST_FAULTY:.0%} together"
        )


def plan_faults(seed: int, num_pairs: int, rates: Mapping[str, float]) -> FaultPlan:
    """Decide which rows get which faults.

    Args:
        seed: Seed of the set.
        num_pairs: How many rows it has.
        rates: Share of the rows for each fault, rounded to whole rows; see ``DEFAULT_RATES``.

    Returns:
        The plan.

    Raises:
        UsageError: Rates that cannot be planted.

    Example:
        >>> plan = plan_faults(3, 200, {"swap": 0.02, "boilerplate": 0.01})
        >>> sorted(fault.name for fault in plan.faults.values())
        ['boilerplate', 'boilerplate', 'swap', 'swap', 'swap', 'swap']
    """
    check_rates(rates)
    return _Planner(seed, num_pairs, rates).plan()


class _Planner:
    """Hands out rows, fault by fault; each fault has draws of its own."""

    def __init__(self, seed: int, num_pairs: int, rates: Mapping[str, float]) -> None:
        self._seed = seed
        self._num_pairs = num_pairs
        self._rates = rates
        self._faults: dict[int, Fault] = {}
        self._free: list[int] = []  # rows that have no fault, in a random order
        self._favoured, self._blurred = Draws(seed, 0, "fault categories").shuffled(
            tuple(CATEGORIES)
        )[:2]

    def plan(self) -> FaultPlan:
        self._plan_shift()
        rows = [row for row in range(self._num_pairs) if row not in self._faults]
        self._free = self._draws("rows").shuffled(rows)
        self._plan_swaps()
        self._plan_words()
        self._plan_simple("boilerplate", BOILERPLATE)
        self._plan_simple("imbalance", (self._favoured,))
        self._plan_simple("broken-image", BROKEN_IMAGES)
        self._plan_simple("broken-caption", BROKEN_CAPTIONS)
        taken = {
            name: self._take(name, options)
            for name, options in (
                ("copy", ("",)),
                ("near-copy", NEAR_COPY_METHODS),
                ("recaption", RECAPTION_DETAILS),
            )
        }
        self._plan_vague()
        for name, rows_and_details in taken.items():
            draws = self._draws(name)
            for row, detail in rows_and_details:
                self._faults[row] = Fault(name, detail, draws.choose(self._free))
        return FaultPlan(self._seed, self._num_pairs, dict(sorted(self._faults.items())))

    def _draws(self, name: str) -> Draws:
        return Draws(self._seed, self._num_pairs, f"fault {name}")

    def _num(self, name: str) -> int:
        return int(self._rates.get(name, 0.0) * self._num_pairs + 0.5)

    def _pair(self, row: int) -> tuple[Scene, Caption]:
        scene = make_scene(self._seed, row)
        return scene, make_caption(scene, self._seed, row)

    def _take(self, name: str, details: tuple[str, ...]) -> list[tuple[int, str]]:
        """Rows for a fault, with the sorts of it in turn."""
        rows = [self._free.pop() for _ in range(self._num(name))]
        return [(row, details[n % len(details)]) for n, row in enumerate(rows)]

    def _plan_simple(self, name: str, details: tuple[str, ...]) -> None:
        for row, detail in self._take(name, details):
            self._faults[row] = Fault(name, detail)

    def _plan_shift(self) -> None:
        length = self._num("shift")
        if length < _SHORTEST_SHIFT:
            return
        draws = self._draws("shift")
        start = draws.between(0, self._num_pairs - length)
        direction = draws.choose((-1, 1))
        for place in range(length):
            # The end of the block takes what the other end has left over.
            partner = start + (place + direction) % length
            self._faults[start + place] = Fault("shift", f"{direction:+d}", partner)

    def _plan_swaps(self) -> None:
        for _ in range(self._num("swap") // 2):
            one = self._free.pop()
            scene, caption = self._pair(one)
            # Two captions that would both fit are no fault; nearly always the first will do.
            for place in range(len(self._free) - 1, -1, -1):
                other_scene, other_caption = self._pair(self._free[place])
                if not (
                    is_true(caption.claims, other_scene) or is_true(other_caption.claims, scene)
                ):
                    break
            else:
                self._free.insert(0, one)
                return
            other = self._free.pop(place)
            self._faults[one] = Fault("swap", partner=other)
            self._faults[other] = Fault("swap", partner=one)

    def _plan_words(self) -> None:
        draws = self._draws("word")
        for row, _ in self._take("word", ("",)):
            scene, caption = self._pair(row)
            for attribute in draws.shuffled(WORD_ATTRIBUTES):
                if wrong_caption(caption, scene, attribute, self._seed, row) is not None:
                    self._faults[row] = Fault("word", attribute)
                    break

    def _plan_vague(self) -> None:
        rate = self._rates.get("vague", 0.0)
        if rate == 0.0:
            return
        rows = [
            row for row in self._free if category_of(make_scene(self._seed, row)) == self._blurred
        ]
        chosen = set(rows[: int(rate * len(rows) + 0.5)])
        self._faults |= {row: Fault("vague", self._blurred) for row in chosen}
        self._free = [row for row in self._free if row not in chosen]
