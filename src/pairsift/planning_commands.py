"""``pairsift plan``: what a whole set will take, before it runs."""

import json
from dataclasses import fields
from functools import partial
from typing import Annotated

import typer

from pairsift.config import PlanConfig, ScoreConfig
from pairsift.model_commands import say
from pairsift.options import Only, expand_options, options_of

OF_A_RUN = (
    "limit",
    "sample",
    "seed",
    "strict",
    "from_embeddings",
    "details",
    "overwrite",
    "max_failed",
    "run",
    "retry",
    "log_json",
)
"""Options of `score` that change nothing about what a whole run takes."""

MEASURED = tuple(name for name in options_of(ScoreConfig) if name not in OF_A_RUN)


def register_planning(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(expand_options(plan))


def plan(
    input_path: Annotated[
        str,
        typer.Argument(
            metavar="TABLE", help="A table, a folder, a glob, or a range such as {000..099}.csv."
        ),
    ],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    goal_config: PlanConfig,
    config: Annotated[ScoreConfig, Only(MEASURED)],
) -> None:
    """Say what a whole set will take, from a sample scored on this machine.

    Hours here and on more machines, memory, disk, network and cost, with the uncertainty; which
    stage is the limit, and what would help. Leaves nothing behind.
    """
    from rich.console import Console

    from pairsift.build import build_scorer
    from pairsift.planning.amounts import parse_amount
    from pairsift.planning.measuring import measure_table
    from pairsift.planning.predicting import Goal, predict
    from pairsift.planning_summary import print_prediction, show_steps

    if goal_config.pairs is not None:
        parse_amount(goal_config.pairs)  # so that a slip is said before the work
    names = [item.name for item in fields(Goal)]
    goal = Goal(**{name: getattr(goal_config, name) for name in names})
    with show_steps(Console(stderr=True)) as on_progress:
        measurement = measure_table(
            config,
            input_path,
            build=partial(build_scorer, announce=say),
            sample_seconds=goal_config.sample_seconds,
            seed=goal_config.sample_seed,
            on_progress=on_progress,
        )
    prediction = predict(measurement, goal)
    if as_json:
        typer.echo(json.dumps(prediction.to_json(), indent=2, ensure_ascii=False))
    else:
        print_prediction(prediction, Console())
