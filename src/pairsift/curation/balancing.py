"""A more even set drawn from a run: how many rows of each category, and which."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairsift.config import BalanceConfig, ChoiceConfig
from pairsift.curation.audit import Dimension
from pairsift.curation.balance import (
    balanced_sample,
    effective_categories,
    exact_size,
    parse_target,
)
from pairsift.curation.categories import label_pictures, read_categories
from pairsift.curation.choice import Choice, choose_rows
from pairsift.curation.rows import read_labels
from pairsift.errors import UsageError
from pairsift.runs import Run

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class CategoryDraw:
    """What is drawn of one category.

    Args:
        name: Of the category.
        rows: That could be drawn.
        share: Of all that could be drawn.
        target: Share that is wanted.
        drawn: Rows of the new set, repeats counted.
        drawn_share: Of the new set.
        distinct: Different rows among them.
    """

    name: str
    rows: int
    share: float
    target: float
    drawn: int
    drawn_share: float
    distinct: int


@dataclass(frozen=True)
class Draw:
    """A more even set.

    Args:
        choice: The rule that rows had to meet, with the run's rows.
        dimension: Category of each row.
        size: Rows that were asked for.
        repeats: How often each row is taken, shape (N,), int64; 0 leaves it out.
        lines: What is drawn of each category, the largest first.
        warning: What to know of repeats, or None where no row is repeated.
    """

    choice: Choice
    dimension: Dimension
    size: int
    repeats: IntArray
    lines: list[CategoryDraw]
    warning: str | None

    @property
    def num_drawn(self) -> int:
        """Rows of the new set, repeats counted."""
        return int(self.repeats.sum())

    @property
    def num_without(self) -> int:
        """Rows that the rule keeps and that have no category: they are never taken."""
        return int((self.choice.keep & (self.dimension.labels < 0)).sum())

    def effective(self) -> tuple[float, float]:
        """Return the effective number of categories before and after."""
        before = effective_categories([line.rows for line in self.lines])
        return before, effective_categories([line.drawn for line in self.lines])

    def to_json(self) -> dict[str, Any]:
        """Return everything but the rows as plain data."""
        before, after = self.effective()
        return {
            "by": self.dimension.name,
            "rule": str(self.choice.rule),
            "size": self.size,
            "drawn": self.num_drawn,
            "distinct": int((self.repeats > 0).sum()),
            "most_repeats": int(self.repeats.max(initial=0)),
            "without_category": self.num_without,
            "effective_categories": before,
            "effective_categories_drawn": after,
            "categories": [vars(line) for line in self.lines],
            "warning": self.warning,
        }


def draw_balanced(run: Run, config: BalanceConfig) -> Draw:
    """Draw a more even set from a run.

    Args:
        run: Opened.
        config: Categories, size, target and cap.

    Returns:
        What is drawn; nothing is written.

    Raises:
        UsageError: Neither a column nor categories are given, or both; or the target is none.
        ColumnError: There is no such column.
    """
    if (config.by is None) == (config.categories is None):
        message = "give either --by COLUMN or --categories, to say what is to be even"
        raise UsageError(message)
    choice = choose_rows(run, ChoiceConfig(rule=config.rule, seed=config.seed, examples=0))
    if config.by is not None:
        dimension = read_labels(run, choice.rows, config.by)
    else:
        dimension = label_pictures(run, choice.rows, read_categories(config.categories or ""))
    labels = np.where(choice.keep, dimension.labels, -1)
    target = _target(config.target, dimension, labels)
    size = config.size or exact_size(labels, target, max_repeats=config.max_repeats)
    repeats, warning = np.zeros(len(labels), dtype=np.int64), None
    if size and (labels >= 0).any():
        sample = balanced_sample(
            labels,
            size=size,
            generator=np.random.default_rng(config.seed),
            target=target,
            max_repeats=config.max_repeats,
        )
        repeats, warning = sample.repeats, sample.warning
    lines = _lines(dimension, labels, target, repeats)
    return Draw(choice, dimension, size, repeats, lines, warning)


def _target(text: str | None, dimension: Dimension, labels: IntArray) -> NDArray[np.float64]:
    """Return the share of each category; without a target those that have rows are alike."""
    if text is not None:
        return parse_target(text, dimension.names)
    is_there = np.bincount(labels[labels >= 0], minlength=len(dimension.names)) > 0
    return is_there / max(int(is_there.sum()), 1)


def _lines(
    dimension: Dimension, labels: IntArray, target: NDArray[np.float64], repeats: IntArray
) -> list[CategoryDraw]:
    inside = labels >= 0
    num = len(dimension.names)
    rows = np.bincount(labels[inside], minlength=num)
    drawn = np.bincount(labels[inside], weights=repeats[inside], minlength=num).astype(np.int64)
    distinct = np.bincount(labels[inside & (repeats > 0)], minlength=num)
    lines = [
        CategoryDraw(
            name=name,
            rows=int(rows[label]),
            share=float(rows[label] / max(rows.sum(), 1)),
            target=float(target[label]),
            drawn=int(drawn[label]),
            drawn_share=float(drawn[label] / max(drawn.sum(), 1)),
            distinct=int(distinct[label]),
        )
        for label, name in enumerate(dimension.names)
    ]
    return sorted(lines, key=lambda line: (-line.rows, line.name))
