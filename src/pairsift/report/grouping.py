"""The section of categories: how many rows, how similar, how many kept in each."""

import math
from typing import Any

import numpy as np

from pairsift.curation.audit import Dimension
from pairsift.report.cards import Column, Section, missing, number, percent, table
from pairsift.report.charts import bar, chart, legend, ranges
from pairsift.report.markup import Content, element, join, shorten
from pairsift.report.material import Material

ID = "categories"
TITLE = "By category"
MAX_CATEGORIES = 20
MAX_NAME_LETTERS = 40
FRACTIONS = (0.05, 0.25, 0.5, 0.75, 0.95)


def categories_section(material: Material) -> Section:
    """Return the section.

    Args:
        material: Of the run.
    """
    categories = material.categories
    if categories is None:
        words = "No column looks like a category; --by COLUMN names one."
        if not material.column_names:
            words = "The input table cannot be read any more, so its categories are not known."
        return missing(ID, TITLE, words)
    sizes = np.bincount(categories.labels[categories.labels >= 0], minlength=1)
    largest = np.argsort(-sizes, kind="stable")[:MAX_CATEGORIES].tolist()
    lines = [_facts(material, categories, index) for index in largest if sizes[index]]
    scored = [line for line in lines if line["scored"]]
    column = shorten(categories.name, most=MAX_NAME_LETTERS)[0]
    heading = TITLE if column.lower() == "category" else f"By {column}"
    if not scored:
        return missing(ID, heading, "No row of any category has a similarity.")
    by_middle = sorted(scored, key=lambda line: float(line["middle"]))
    chosen = [{key: line[key] for key in _DRAWN} for line in by_middle]
    num_hidden = len(categories.names) - len(lines)
    hidden = f"; the {num_hidden:,} smaller ones are not shown" if num_hidden > 0 else ""
    lowest, highest = by_middle[0], by_middle[-1]
    findings: tuple[str, ...] = ()
    if len(scored) > 1:
        findings = (
            f"By {column}, {lowest['name']} has the lowest median ({number(lowest['middle'])}) and"
            f" {highest['name']} the highest ({number(highest['middle'])}).",
        )
    body = join(
        element("p", f"The least similar first{hidden}.", class_="aside"),
        chart(
            ranges(chosen, title="similarity", rule=None),
            label=f"Ranges of similarity of {len(scored)} categories; the table has the numbers",
        ),
        legend(("middle", "median"), ("accent", "middle half"), ("thin", "5 % to 95 %")),
        _table(material, lines),
    )
    return Section(ID, heading, body, findings)


_DRAWN = ("name", "low", "lower", "middle", "upper", "high", "is_marked")


def _facts(material: Material, categories: Dimension, index: int) -> dict[str, Any]:
    cut = material.cut
    inside = categories.labels == index
    values = material.rows.similarities[inside & material.rows.scored]
    facts: dict[str, Any] = {
        "name": shorten(categories.names[index], most=MAX_NAME_LETTERS)[0],
        "rows": int(inside.sum()),
        "scored": len(values),
        "kept": 0 if cut is None else int((inside & cut.keep).sum()),
        "is_marked": False,
    }
    if len(values):
        names = ("low", "lower", "middle", "upper", "high")
        facts |= dict(zip(names, np.quantile(values, FRACTIONS).tolist(), strict=True))
    return facts


def _table(material: Material, lines: list[dict[str, Any]]) -> Content:
    columns = [
        Column("Category"),
        Column("Rows", is_number=True),
        Column("Failed", is_number=True),
        Column("Median", is_number=True),
        Column("Kept", is_number=True),
    ]
    rows: list[list[Content]] = []
    for line in lines:
        kept: Content = "\N{EN DASH}"
        if material.cut is not None and line["scored"]:
            share = line["kept"] / line["scored"]
            kept = [percent(share), bar(share)]
        rows.append(
            [
                element("bdi", line["name"], dir="auto"),
                f"{line['rows']:,}",
                f"{line['rows'] - line['scored']:,}",
                number(line.get("middle", math.nan)),
                kept,
            ]
        )
    return table("Categories, the largest first; kept is of the scored rows", columns, rows)
