"""The section of the audit: whom the rule leaves out, the largest gaps first."""

from collections.abc import Sequence
from typing import Any

from pairsift.config import AuditConfig
from pairsift.curation.audit import AuditLine
from pairsift.curation.auditing import Audit, audit_run
from pairsift.errors import PairsiftError
from pairsift.report.cards import Column, Section, counted, missing, percent, table
from pairsift.report.charts import chart, legend, ranges
from pairsift.report.markup import Content, Markup, element, join, shorten
from pairsift.report.material import Material

ID = "audit"
TITLE = "Audit: whom the rule leaves out"
MAX_LINES = 15
MAX_NAME_LETTERS = 40

NUM_LANGUAGES = 20_000
"""Captions whose language is found: some ten seconds; ``pairsift audit`` looks at more."""


def audit_section(material: Material) -> Section:
    """Return the section.

    Args:
        material: Of the run.
    """
    cut = material.cut
    if cut is None:
        return missing(ID, TITLE, "No rule could be applied, so there is nothing to audit.")
    categories = material.categories
    groups = None if categories is None or "," in categories.name else categories.name
    try:
        found = audit_run(
            material.run, material.choice, AuditConfig(groups=groups, languages=NUM_LANGUAGES)
        )
    except (PairsiftError, OSError, IndexError) as error:
        return missing(ID, TITLE, f"The rows' own columns cannot be read: {error}")
    lines = found.lines
    if not lines:
        return missing(ID, TITLE, "All rows are of one kind, so no group can be left out.")
    gaps = [line for line in lines if line.is_significant]
    words = (
        f"{counted(len(gaps), 'group')} of {len(lines)} is"
        if len(gaps) == 1
        else (f"{counted(len(gaps), 'group')} of {len(lines)} are")
    )
    words += f" kept at a rate that differs by more than chance (rule {cut.rule})"
    findings = (f"{words}{_worst(gaps)}.",)
    body = join(
        element("p", findings[0]),
        element(
            "p",
            "Each group is held against all other rows of its kind; p-values are corrected for "
            "the number of groups. A line says that there is a gap, not why.",
            class_="aside",
        ),
        _sampled(found),
        chart(
            ranges([_drawn(line) for line in lines[:MAX_LINES]], title=_AXIS, rule=0.0),
            label="Gaps in keep rate with their 95 % intervals; the table has the numbers",
        ),
        legend(
            ("warm", "more than chance"), ("accent", "may be chance"), ("thin", "95 % interval")
        ),
        _table(lines),
    )
    return Section(ID, TITLE, body, findings if gaps else ())


_AXIS = "keep rate less that of the others, in points"


def _sampled(found: Audit) -> Markup | None:
    if found.num_languages is None:
        return None
    words = f"Languages are those of {found.num_languages:,} captions chosen at random."
    return element("p", words, class_="aside")


def _worst(gaps: Sequence[AuditLine]) -> str:
    if not gaps:
        return ""
    line = gaps[0]
    side = "below" if line.gap < 0 else "above"
    return f"; most of all {_name(line)}, {abs(100 * line.gap):.0f} points {side} the others"


def _name(line: AuditLine) -> str:
    return shorten(f"{line.dimension}: {line.group}", most=MAX_NAME_LETTERS)[0]


def _drawn(line: AuditLine) -> dict[str, Any]:
    return {
        "name": _name(line),
        "low": 100 * line.gap_low,
        "middle": 100 * line.gap,
        "high": 100 * line.gap_high,
        "is_marked": line.is_significant,
    }


def _table(lines: Sequence[AuditLine]) -> Content:
    columns = [
        Column("Group"),
        Column("Rows", is_number=True),
        Column("Kept", is_number=True),
        Column("95 % interval", is_number=True),
        Column("Gap, points", is_number=True),
        Column("Corrected p", is_number=True),
    ]
    rows: list[list[Content]] = [
        [
            element("bdi", _name(line), dir="auto"),
            f"{line.rows:,}",
            percent(line.rate),
            f"{percent(line.rate_low)} to {percent(line.rate_high)}",
            f"{100 * line.gap:+.1f}".replace("-", "\N{MINUS SIGN}"),
            _p_value(line.p_value),
        ]
        for line in lines[:MAX_LINES]
    ]
    words = "Groups, those beyond chance first, then by the size of the gap"
    if len(lines) > MAX_LINES:
        words += f"; the first {MAX_LINES} of {len(lines)} (pairsift audit lists all)"
    return table(words, columns, rows)


def _p_value(value: float | None) -> str:
    if value is None:
        return "too few rows"
    return "below 0.001" if value < 0.001 else f"{value:.3f}"
