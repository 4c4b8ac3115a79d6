"""``pairsift threshold`` and its neighbours: from a run folder to decisions."""

import json
from pathlib import Path
from typing import Annotated

import typer

from pairsift.config import ChoiceConfig
from pairsift.options import expand_options

RunPath = Annotated[
    Path, typer.Argument(metavar="RUN", help="The run folder, or the enriched table beside it.")
]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]


def register_curation(app: typer.Typer) -> None:
    """Add the commands of curation to the command line."""
    for command in (threshold,):
        app.command()(expand_options(command))


def threshold(
    run_path: RunPath,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="OUTPUT", help="Decisions: .parquet or .csv."),
    ] = None,
    *,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the output.")] = False,
    as_json: AsJson = False,
    config: ChoiceConfig,
) -> None:
    """Show what each threshold would keep, and write which rows a rule keeps.

    Nothing is deleted: the output has a line for every row, with `keep` and `drop_reasons`.
    """
    from rich.console import Console

    from pairsift.curation.choice import choose_rows
    from pairsift.curation.decisions import check_decision_path, write_decisions
    from pairsift.curation_summary import print_choice
    from pairsift.runs import open_run

    if output is not None:
        check_decision_path(output, overwrite=overwrite)
    choice = choose_rows(open_run(run_path), config)
    if output is not None:
        write_decisions(choice, output)
    if as_json:
        typer.echo(json.dumps(choice.to_json(), indent=2, ensure_ascii=False))
    else:
        print_choice(choice, Console())
