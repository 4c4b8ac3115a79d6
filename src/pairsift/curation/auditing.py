"""Auditing a choice of a run: its groups, its balance, and what is worth a look."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from pairsift.config import AuditConfig
from pairsift.curation.audit import AuditLine, Dimension, audit_filter, length_dimension
from pairsift.curation.balance import CategoryLine, category_lines, effective_categories
from pairsift.curation.categories import label_pictures, read_categories
from pairsift.curation.choice import Choice
from pairsift.curation.languages import language_dimension
from pairsift.curation.looking import find_run_signs, unknown_signs
from pairsift.curation.rows import (
    ScoredRows,
    as_text,
    own_columns,
    read_labels,
    require_columns,
)
from pairsift.curation.thumbnails import Report
from pairsift.curation.worth import Sign
from pairsift.runs import Run


@dataclass(frozen=True)
class Balance:
    """How even the scored rows and the kept ones are over the groups of a dimension.

    Args:
        dimension: Its name.
        lines: The groups, largest first.
        effective: Effective number of groups among the scored rows.
        effective_kept: Among the kept rows.
    """

    dimension: str
    lines: list[CategoryLine]
    effective: float
    effective_kept: float


@dataclass(frozen=True)
class Audit:
    """What a choice does to groups of rows.

    Args:
        lines: Keep rates, the largest gaps first, those that are more than chance before others.
        balances: Of each given grouping.
        signs: What is worth a look among all scored rows.
        unknown: Signs that cannot be told of such a run.
        num_languages: Captions whose language was found, where these are not all; else None.
    """

    lines: list[AuditLine]
    balances: list[Balance]
    signs: list[Sign]
    unknown: tuple[str, ...]
    num_languages: int | None

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {
            "lines": [
                asdict(line) | {"is_significant": line.is_significant} for line in self.lines
            ],
            "balance": [asdict(balance) for balance in self.balances],
            "worth_a_look": [asdict(sign) | {"rate": sign.rate} for sign in self.signs],
            "not_known": list(self.unknown),
            "languages_of": self.num_languages,
        }


def audit_run(
    run: Run,
    choice: Choice,
    config: AuditConfig,
    *,
    seed: int = 0,
    report: Report = lambda _done, _total: None,
) -> Audit:
    """Audit a choice, before anything is written.

    Args:
        run: The run.
        choice: What would be kept.
        config: Groups beside language, length of the caption and size of the picture.
        seed: Chooses the rows whose language is found.
        report: Told how many pictures were read, and of how many.

    Returns:
        The audit, of the rows that were scored.

    Raises:
        ColumnError: There is no such column.
        MissingExtraError: Languages are wanted, and py3langid is not installed.
    """
    return audit_rows(run, choice.rows, choice.keep, config, seed=seed, report=report)


def audit_rows(
    run: Run,
    rows: ScoredRows,
    keep: NDArray[np.bool_],
    config: AuditConfig,
    *,
    seed: int = 0,
    report: Report = lambda _done, _total: None,
) -> Audit:
    """Audit any selection of a run's rows; all else as in ``audit_run``.

    Args:
        run: The run.
        rows: Its rows.
        keep: Which of them would be kept, shape (N,).
        config: Groups beside language, length of the caption and size of the picture.
        seed: Chooses the rows whose language is found.
        report: Told how many pictures were read, and of how many.
    """
    columns = [name.strip() for name in (config.groups or "").split(",") if name.strip()]
    require_columns(run, columns)
    given = [read_labels(run, rows, column) for column in columns]
    if config.categories is not None:
        given.append(label_pictures(run, rows, read_categories(config.categories)))
    lengths, captions = _read_captions(run, rows, config.languages, seed=seed)
    sides = np.minimum(rows.widths, rows.heights).astype(np.float64)
    dimensions = [
        *given,
        language_dimension(captions),
        length_dimension(lengths, name="caption length", unit="characters"),
        length_dimension(
            np.where(sides > 0, sides, np.nan), name="picture's smaller side", unit="pixels"
        ),
    ]
    scored = rows.scored
    return Audit(
        lines=audit_filter(
            keep[scored], [Dimension(d.name, d.labels[scored], d.names) for d in dimensions]
        ),
        balances=[_balance(dimension, rows, keep) for dimension in given],
        signs=find_run_signs(run, rows, read=config.pixels, report=report),
        unknown=unknown_signs(run),
        num_languages=config.languages if 0 < config.languages < scored.sum() else None,
    )


def _read_captions(
    run: Run, rows: ScoredRows, num_languages: int, *, seed: int
) -> tuple[NDArray[np.float64], list[str | None]]:
    """Return the length of each caption, and the captions whose language is to be found."""
    scored = np.flatnonzero(rows.scored)
    if len(scored) > num_languages:
        generator = np.random.default_rng(seed)
        scored = generator.choice(scored, size=num_languages, replace=False)
    wanted = np.zeros(len(rows), dtype=bool)
    wanted[scored] = True
    lengths = np.full(len(rows), np.nan)
    captions: list[str | None] = [None] * len(rows)
    column = run.info["caption_column"]
    for places, batch in own_columns(run, rows, [column]):
        texts = as_text(batch.column(column), column)
        lengths[places] = pc.fill_null(pc.utf8_length(texts), 0).to_numpy(zero_copy_only=False)
        picked = np.flatnonzero(wanted[places])
        for place, text in zip(places[picked], texts.take(picked).to_pylist(), strict=True):
            captions[int(place)] = text
    lengths[~rows.scored] = np.nan
    return lengths, captions


def _balance(dimension: Dimension, rows: ScoredRows, keep: NDArray[np.bool_]) -> Balance:
    kept = dimension.labels[keep & (dimension.labels >= 0)]
    lines = category_lines(dimension.labels, dimension.names, rows.similarities)
    return Balance(
        dimension=dimension.name,
        lines=lines,
        effective=effective_categories([line.rows for line in lines]),
        effective_kept=effective_categories(np.bincount(kept)),
    )
