"""``pairsift balance`` and ``pairsift calibrate``: a more even set, and scores on one scale."""

import json
from pathlib import Path
from typing import Annotated

import typer

from pairsift.config import BalanceConfig, CalibrationConfig
from pairsift.curation_commands import AsJson, Columns, RunPath, say_what_is_missing
from pairsift.options import expand_options

Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="OUTPUT", help="A .parquet or .csv.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the output.")]


def register_balance(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (balance, calibrate):
        app.command()(expand_options(command))


def balance(
    run_path: RunPath,
    output: Output = None,
    *,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    config: BalanceConfig,
    table_config: Columns,
) -> None:
    """Draw rows towards a target for each category, and show what that takes.

    A category that cannot fill its share gives all it has. The output has a line for every row,
    with `keep`, `repeats` and `drop_reasons`; nothing is deleted.
    """
    from rich.console import Console

    from pairsift.curation.balancing import draw_balanced
    from pairsift.curation.decisions import check_decision_path, draw_table, write_table
    from pairsift.curation.scored_tables import open_scored
    from pairsift.curation_summary import print_draw

    if output is not None:
        check_decision_path(output, overwrite=overwrite)
    run = open_scored(run_path, table_config)
    say_what_is_missing(run)
    draw = draw_balanced(run, config)
    if output is not None:
        write_table(draw_table(draw), output)
    if as_json:
        typer.echo(json.dumps(draw.to_json(), indent=2, ensure_ascii=False))
    else:
        print_draw(draw, Console())


def calibrate(
    run_path: RunPath,
    output: Output = None,
    *,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    config: CalibrationConfig,
    table_config: Columns,
) -> None:
    """Hold every pair against mismatched pairs of the same data.

    The output has a line for every row: its percentile, its p-value, how likely it is a match, and
    the negative CLIP loss where that is asked for.
    """
    from rich.console import Console

    from pairsift.curation.calibrating import calibrate_run
    from pairsift.curation.decisions import calibration_table, check_decision_path, write_table
    from pairsift.curation.scored_tables import open_scored
    from pairsift.curation_summary import print_calibration

    if output is not None:
        check_decision_path(output, overwrite=overwrite)
    run = open_scored(run_path, table_config)
    say_what_is_missing(run)
    found = calibrate_run(run, config)
    if output is not None:
        write_table(calibration_table(found), output)
    if as_json:
        typer.echo(json.dumps(found.to_json(), indent=2, ensure_ascii=False))
    else:
        print_calibration(found, Console())
