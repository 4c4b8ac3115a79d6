"""From a run folder to a report: what is needed is chosen, read once, and put on the page."""

from pathlib import Path

from pairsift import __version__
from pairsift.config import ReportConfig, TableConfig
from pairsift.curation.scored_tables import open_scored
from pairsift.errors import OutputExistsError
from pairsift.locks import write_whole
from pairsift.report.auditing import audit_section
from pairsift.report.copies import choose_copies, copies_section
from pairsift.report.examples import choose_examples, examples_section
from pairsift.report.failures import failures_section
from pairsift.report.findings import choose_wrong_pairs
from pairsift.report.grouping import categories_section
from pairsift.report.material import Material
from pairsift.report.overview import header, provenance_section, reproduce_section, tiles
from pairsift.report.page import render_page
from pairsift.report.pictures import load_pairs
from pairsift.report.spread import distribution_section
from pairsift.report.worth_a_look import choose_signs, signs_section
from pairsift.report.wrong_pairs import wrong_pairs_section
from pairsift.runs import Run
from pairsift.tables.outputs import check_local


def write_report(
    run_path: str | Path,
    output: Path,
    *,
    config: ReportConfig | None = None,
    table: TableConfig | None = None,
) -> Path:
    """Write a report of a run as one HTML file.

    Args:
        run_path: The run folder, or the enriched table beside it, or one without a run folder;
            the run need not be finished.
        output: The file; replaced if it is there.
        config: What to show.
        table: Columns and folder of a table without a run folder.

    Returns:
        The file.

    Raises:
        RunFolderError: There is no run folder, or it is damaged.
        UsageError: A rule or a column is not as it must be.
        OutputExistsError: The output is a folder, or its folder is missing.
    """
    check_local(output)
    if output.is_dir():
        message = f"{output} is a folder; name a file"
        raise OutputExistsError(message)
    if not output.parent.is_dir():
        message = f"no such folder: {output.parent}"
        raise OutputExistsError(message)
    run = open_scored(run_path, table, allow_partial=True)
    write_whole(output, make_report(run, config=config), replace=True)
    return output


def make_report(run: Run, *, config: ReportConfig | None = None) -> str:
    """Return a report of a run as HTML.

    Args:
        run: Opened.
        config: What to show.
    """
    material = Material(run, config or ReportConfig())
    examples = choose_examples(material)
    signs = choose_signs(material)
    wrong = choose_wrong_pairs(material)
    copies = choose_copies(material)
    wanted = [
        *examples.places,
        *wrong.places.values(),
        *copies.wanted,
        *(place for sign in signs for place in sign.places),
    ]
    keys = None if material.config.no_thumbnails else material.image_keys
    shown = load_pairs(run, material.rows, wanted, keys=keys)
    sections = [
        provenance_section(material),
        failures_section(run),
        distribution_section(material),
        categories_section(material),
        examples_section(material, examples, shown),
        wrong_pairs_section(wrong, shown),
        copies_section(copies, shown),
        audit_section(material),
        signs_section(material, signs, shown),
        reproduce_section(material),
    ]
    return render_page(
        title=f"{material.title}: pairsift report",
        header=header(material),
        tiles=tiles(material),
        sections=sections,
        footer=f"Made by pairsift {__version__}. This page loads nothing and runs nothing.",
    )
