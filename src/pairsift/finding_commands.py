"""``pairsift mismatches`` and ``pairsift duplicates``: what is wrong with a scored table."""

import time
from pathlib import Path
from typing import Annotated

import typer

from pairsift.curation_commands import AsJson, Overwrite, echo_json
from pairsift.errors import UsageError

RunPath = Annotated[
    Path, typer.Argument(metavar="RUN", help="The run folder, or the enriched table beside it.")
]


def register_findings(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (mismatches, duplicates):
        app.command()(command)


def mismatches(
    run_path: RunPath,
    *,
    fix: Annotated[
        str | None,
        typer.Option("--fix", metavar="swaps,shift", help="What the corrected table corrects."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="OUTPUT", help="The corrected table; a folder of several."
        ),
    ] = None,
    overwrite: Overwrite = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of all that is drawn.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Find wrong pairs: swapped and shifted captions, boilerplate, file names, suspects.

    Each finding has its evidence; all are kept in the run folder as derived/mismatches.parquet.
    """
    from rich.console import Console

    from pairsift.curation.fixing import check_fixable, parse_fixes, plan_fixes, write_fixed
    from pairsift.curation.searching import search_mismatches
    from pairsift.finding_summary import print_mismatches
    from pairsift.runs import open_run

    run = open_run(run_path)
    if (fix is None) != (output is None):
        raise UsageError("--fix and --output go together: what to correct, and where it goes")
    fixes = parse_fixes(fix) if fix is not None else ()
    if output is not None:
        check_fixable(run, output, overwrite=overwrite)
    found = search_mismatches(run, seed=seed)
    if as_json:
        echo_json(found.to_arrow().to_pylist())
    else:
        print_mismatches(found, Console())
    if output is not None:
        sources = plan_fixes(found, fixes)
        moved = write_fixed(run, sources, output)
        left = len(sources) - moved
        words = f"; {left:,} stay: a row between has no sound caption" if left else ""
        typer.echo(f"{moved:,} captions moved in {output}{words}", err=True)


def duplicates(
    run_path: RunPath,
    *,
    exact_only: Annotated[
        bool, typer.Option("--exact-only", help="Compare bytes; read no picture again.")
    ] = False,
    all_captions: Annotated[
        bool, typer.Option("--all-captions", help="Collect a group's captions at the kept row.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Find pictures that stand more than once: equal bytes, or the same to a person.

    Of a group the best-scored row is kept. All is written to the run folder as
    derived/duplicates.parquet; the pictures' hashes are kept there for the next time.
    """
    from rich.console import Console

    from pairsift.curation.searching import search_duplicates
    from pairsift.finding_summary import print_duplicates
    from pairsift.job import Progress
    from pairsift.progress import show_progress
    from pairsift.runs import open_run

    run = open_run(run_path)
    begin = time.perf_counter()
    errors = Console(stderr=True)
    with show_progress(errors, verb="reading") as show:
        found = search_duplicates(
            run,
            exact_only=exact_only,
            all_captions=all_captions,
            report=lambda done, total: show(Progress(done, total, 0, time.perf_counter() - begin)),
            announce=lambda words: errors.print(f" {words}", style="dim", highlight=False),
        )
    if as_json:
        echo_json(found.to_arrow().to_pylist())
    else:
        print_duplicates(found, Console())
