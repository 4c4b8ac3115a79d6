"""The section of the rows that have no similarity: how many, why, and which."""

from collections import Counter, defaultdict

import pyarrow.compute as pc

from pairsift import schema
from pairsift.curation.rows import FILE, ROW
from pairsift.report.cards import Column, Section, counted, missing, percent, table
from pairsift.report.charts import bar
from pairsift.report.markup import Content, element, shorten
from pairsift.runs import Run
from pairsift.statuses import STATUS_MEANINGS

ID = "failures"
TITLE = "Failures by reason"
NUM_EXAMPLES = 3
MAX_REASON_LETTERS = 160

Example = tuple[int, int, str]
"""File, row and reason."""


def failures_section(run: Run) -> Section:
    """Return the section: a line a status, the most frequent first, with examples.

    Args:
        run: Opened.
    """
    counts, examples = find_failures(run)
    failed = sum(counts.values())
    if failed == 0:
        return missing(ID, TITLE, "Every row has a similarity." if run.num_rows else "No rows.")
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    has_files = len(run.info["inputs"]) > 1
    lines: list[list[Content]] = [
        [
            [element("code", status), element("small", _meaning(status))],
            f"{count:,}",
            [percent(count / failed), bar(count / failed, kind="warm")],
            [_example(example, has_files=has_files) for example in examples[status]],
        ]
        for status, count in ordered
    ]
    columns = [
        Column("Reason"),
        Column("Rows", is_number=True),
        Column("Of the failed", is_number=True),
        Column("Examples"),
    ]
    words = (
        f"{counted(failed, 'row')} of {run.num_rows:,} ({percent(failed / run.num_rows)}) "
        f"failed, most often because {_meaning(ordered[0][0])}."
    )
    body = table(
        f"{counted(failed, 'row')} without a similarity, by status", columns, lines, is_stacked=True
    )
    return Section(ID, TITLE, body, (words,))


def find_failures(run: Run) -> tuple[Counter[str], dict[str, list[Example]]]:
    """Return the failed rows by status, and the first few of each.

    Args:
        run: Opened.
    """
    counts: Counter[str] = Counter()
    examples: dict[str, list[Example]] = defaultdict(list)
    for batch in run.iter_scores([FILE, ROW, schema.STATUS, schema.ERROR]):
        failed = batch.filter(pc.not_equal(batch.column(schema.STATUS), "ok"))
        statuses = failed.column(schema.STATUS)
        for entry in statuses.value_counts().to_pylist():
            status = entry["values"]
            counts[status] += entry["counts"]
            wanted = NUM_EXAMPLES - len(examples[status])
            if wanted > 0:
                first = failed.filter(pc.equal(statuses, status)).slice(0, wanted).to_pylist()
                examples[status] += [(r[FILE], r[ROW], r[schema.ERROR] or "") for r in first]
    return counts, examples


def _example(example: Example, *, has_files: bool) -> Content:
    file, row, reason = example
    place = f"row {row + 1:,}" + (f" of input {file + 1:,}" if has_files else "")
    shown, rest = shorten(reason, most=MAX_REASON_LETTERS)
    return element("div", f"{place}: ", element("bdi", shown + "…" * bool(rest), dir="auto"))


def _meaning(status: str) -> str:
    # A newer version may have written a status that this one does not know.
    known = {str(status): words for status, words in STATUS_MEANINGS.items()}
    return known.get(status, status)
