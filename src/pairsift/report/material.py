"""What the sections of a report are made from, found once: rows, cut, null, categories."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pairsift.config import ChoiceConfig, ReportConfig
from pairsift.curation.audit import Dimension
from pairsift.curation.choice import Choice, choose_rows
from pairsift.curation.rows import ScoredRows, read_labels, require_columns
from pairsift.curation.rules import parse_rule
from pairsift.curation.scales import Scales
from pairsift.errors import ColumnError, PairsiftError, UsageError
from pairsift.report.selecting import ImageKeys, read_image_keys
from pairsift.runs import Run

CATEGORY_NAMES = (
    *("category", "categories", "class", "label", "topic", "genre"),
    *("language", "lang", "source", "domain", "dataset"),
)
"""Columns that are taken for a category where nobody names one, in this order."""

KEEP_ALL = "top:100%"


@dataclass(frozen=True)
class Cut:
    """Which rows a rule keeps.

    Args:
        rule: In words.
        keep: Of each row.
        similarity: The lowest that is kept; NaN where nothing is.
        cosine: Likewise.
    """

    rule: str
    keep: NDArray[np.bool_]
    similarity: float
    cosine: float

    @property
    def num_kept(self) -> int:
        """Rows that are kept."""
        return int(self.keep.sum())


@dataclass(frozen=True)
class Material:
    """A run with what a report needs to know of it.

    Args:
        run: Opened.
        config: What the caller wants to see.
    """

    run: Run
    config: ReportConfig

    @cached_property
    def choice(self) -> Choice:
        """The rule applied; where it cannot be, every scored row is kept."""
        parse_rule(self.config.rule)  # what is no rule at all is the caller's mistake
        try:
            return choose_rows(self.run, ChoiceConfig(rule=self.config.rule, examples=0))
        except UsageError:
            return choose_rows(self.run, ChoiceConfig(rule=KEEP_ALL, examples=0))

    @property
    def rows(self) -> ScoredRows:
        """The scores as arrays; a row's place in them is how a report names it."""
        return self.choice.rows

    @property
    def num_rows(self) -> int:
        """Rows that are finished."""
        return len(self.rows)

    @cached_property
    def num_scored(self) -> int:
        """Rows that have a similarity."""
        return int(self.rows.scored.sum())

    @property
    def num_failed(self) -> int:
        """Rows that have none."""
        return self.num_rows - self.num_scored

    @cached_property
    def image_keys(self) -> ImageKeys:
        """What tells the rows' pictures apart."""
        return read_image_keys(self.run)

    @property
    def scales(self) -> Scales | None:
        """The rows beside mismatched pairs, or None where there are no embeddings for that."""
        return self.choice.scales if self.num_scored and self.choice.scales.has_null else None

    @cached_property
    def cut(self) -> Cut | None:
        """What the rule keeps, or None where it cannot be applied."""
        if self.num_scored == 0 or self.choice.rule != parse_rule(self.config.rule):
            return None
        keep = self.choice.keep
        lowest = [
            float(values[keep].min()) if keep.any() else float("nan")
            for values in (self.rows.similarities, self.rows.cosines)
        ]
        return Cut(str(self.choice.rule), keep, *lowest)

    @cached_property
    def categories(self) -> Dimension | None:
        """The rows by category, or None where no column looks like one.

        Raises:
            ColumnError: A column was named that is not there, or whose cells are no text.
        """
        names = self.column_names
        if self.config.by is not None and names:
            require_columns(self.run, [self.config.by])
        column = self.config.by or _usual(names)
        if column is None or not names or self.num_rows == 0:
            return None
        try:
            return read_labels(self.run, self.rows, column)
        except ColumnError:
            if self.config.by is not None:
                raise
            return None
        except (PairsiftError, OSError, IndexError):
            return None  # an input among several is gone or has changed

    @cached_property
    def column_names(self) -> tuple[str, ...]:
        """The user's columns, or none where the table cannot be read any more."""
        try:
            return self.run.open_input(0).column_names
        except (PairsiftError, OSError, IndexError):
            return ()

    @property
    def measure(self) -> str:
        """Name of the measure."""
        return str(self.run.info["measure"])

    @property
    def is_cosine(self) -> bool:
        """Whether ``similarity`` holds the cosine itself."""
        return bool(self.run.info["is_distance"]) or self.measure == "cosine"

    @property
    def title(self) -> str:
        """The name of the table, or how many there are."""
        inputs = self.run.info["inputs"]
        name = Path(inputs[0]["path"]).name if inputs else "nothing"
        return name if len(inputs) == 1 else f"{len(inputs):,} tables, from {name} on"


def _usual(names: tuple[str, ...]) -> str | None:
    lowered = {name.lower(): name for name in reversed(names)}
    return next((lowered[name] for name in CATEGORY_NAMES if name in lowered), None)
