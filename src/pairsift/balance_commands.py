"""``pairsift balance`` and ``pairsift calibrate``: a more even set, and scores on one scale."""

import typer

from pairsift.config import BalanceConfig, CalibrationConfig
from pairsift.curation_commands import (
    AsJson,
    Columns,
    Output,
    Overwrite,
    RunPath,
    answer,
    open_and_say,
)
from pairsift.options import expand_options


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
    from pairsift.balance_summary import print_draw
    from pairsift.curation.balancing import draw_balanced
    from pairsift.curation.decisions import check_decision_path, draw_table, write_table

    if output is not None:
        check_decision_path(output, overwrite=overwrite)
    draw = draw_balanced(open_and_say(run_path, table_config), config)
    if output is not None:
        write_table(draw_table(draw), output)
    answer(draw, print_draw, as_json=as_json)


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
    from pairsift.curation.calibrating import calibrate_run
    from pairsift.curation.decisions import calibration_table, check_decision_path, write_table
    from pairsift.curation_summary import print_calibration

    if output is not None:
        check_decision_path(output, overwrite=overwrite)
    found = calibrate_run(open_and_say(run_path, table_config), config)
    if output is not None:
        write_table(calibration_table(found), output)
    answer(found, print_calibration, as_json=as_json)
