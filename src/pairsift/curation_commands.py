"""``pairsift threshold`` and its neighbours: from a run folder to decisions."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypeVar

import typer

from pairsift.config import AuditConfig, ChoiceConfig, ExportConfig, ScoreConfig, TableConfig
from pairsift.options import Only, expand_options

if TYPE_CHECKING:
    from rich.console import Console

    from pairsift.runs import Run


class _Plain(Protocol):
    """Knows itself as plain data."""

    def to_json(self) -> dict[str, Any]:
        """Return everything but the rows."""


Answer = TypeVar("Answer", bound=_Plain)
_RUN = typer.Argument(
    metavar="RUN", help="The run folder, or the scored table; best with its run folder beside."
)
RunPath = Annotated[str, _RUN]
Columns = Annotated[TableConfig, Only(("image_column", "caption_column"))]
CURATE_OPTIONS = ("column_prefix", "overwrite", "image_column", "caption_column", "image_root")
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="OUTPUT", help="A line for every row: .parquet or .csv."
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the output.")]


def register_curation(app: typer.Typer) -> None:
    """Add the commands of curation to the command line."""
    for command in (threshold, audit, curate):
        app.command()(expand_options(command))


def threshold(
    run_path: RunPath,
    output: Output = None,
    *,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    config: ChoiceConfig,
    table_config: Columns,
) -> None:
    """Show what each threshold would keep, and write which rows a rule keeps.

    Nothing is deleted: the output has a line for every row, with `keep` and `drop_reasons`.
    """
    from pairsift.curation.choice import choose_rows
    from pairsift.curation.decisions import check_decision_path, write_decisions
    from pairsift.curation_summary import print_choice

    if output is not None:
        check_decision_path(output, overwrite=overwrite)
    choice = choose_rows(open_and_say(run_path, table_config), config)
    if output is not None:
        write_decisions(choice, output)
    answer(choice, print_choice, as_json=as_json)


def audit(
    run_path: RunPath,
    *,
    as_json: AsJson = False,
    choice_config: Annotated[ChoiceConfig, Only(("rule", "by", "score", "seed"))],
    config: AuditConfig,
    table_config: Columns,
) -> None:
    """Show whom a rule would leave out, before anything is written.

    Keep rates by language, length of the caption, size of the picture and any group given, with
    95 % intervals; p-values are corrected for the number of groups by Holm's method.
    """
    from rich.console import Console

    from pairsift.balance_summary import print_balance
    from pairsift.curation.auditing import audit_run
    from pairsift.curation.choice import choose_rows
    from pairsift.curation_summary import print_audit, print_kept, print_signs
    from pairsift.job import Progress
    from pairsift.progress import show_progress

    run = open_and_say(run_path, table_config)
    choice = choose_rows(run, replace(choice_config, examples=0))
    begin = time.perf_counter()
    with show_progress(Console(stderr=True), verb="reading") as show:
        found = audit_run(
            run,
            choice,
            config,
            seed=choice_config.seed,
            report=lambda done, total: show(Progress(done, total, 0, time.perf_counter() - begin)),
        )
    if as_json:
        plain = {"rule": str(choice.rule), "kept": choice.num_kept} | found.to_json()
        echo_json(plain)
        return
    console = Console()
    print_kept(choice, console)
    print_audit(found, console)
    for balance in found.balances:
        print_balance(balance, console)
    print_signs(found.signs, console, unknown=found.unknown)


def curate(
    run_path: Annotated[str | None, _RUN] = None,
    *,
    recipe_path: Annotated[
        Path | None,
        typer.Option("--recipe", metavar="FILE", help="The rules, in TOML (default: built in)."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Folder of decisions and exports."),
    ] = None,
    print_recipe: Annotated[
        bool, typer.Option("--print-recipe", help="Print the recipe and end.")
    ] = False,
    as_json: AsJson = False,
    export_config: ExportConfig,
    audit_config: AuditConfig,
    config: Annotated[ScoreConfig, Only(CURATE_OPTIONS)],
) -> None:
    """Decide about every row by a recipe, and write what was decided and why.

    Prints how many rows each rule drops and whom that leaves out; writes only with `--output`.
    """
    from rich.console import Console

    from pairsift.curation.curated import check_curation_path, write_curation
    from pairsift.curation.curating import curate_run
    from pairsift.curation.default_recipe import default_recipe
    from pairsift.curation.exports import check_exports
    from pairsift.curation.recipe import read_recipe
    from pairsift.curation.scored_tables import is_alone
    from pairsift.curation_summary import print_audit, print_curation, print_written
    from pairsift.errors import UsageError

    recipe = read_recipe(recipe_path)
    if print_recipe:
        typer.echo(recipe.text, nl=False)
        return
    if run_path is None:
        message = "name the run folder to curate"
        raise UsageError(message)
    if export_config.export and output is None:
        message = "--export needs a place: give --output DIR"
        raise UsageError(message)
    run = open_and_say(run_path, config.table)
    if recipe_path is None:
        recipe, left_out = default_recipe(run)
        # Of a table alone it has been said already.
        for words in [] if is_alone(run) else left_out:
            typer.echo(f"note: {words}", err=True)
    if output is not None:
        check_curation_path(output, overwrite=config.output.overwrite)
        check_exports(run, export_config, prefix=config.output.column_prefix)
    curation = curate_run(run, recipe, audit_config)
    console = Console(stderr=as_json)
    print_curation(curation, console)
    print_audit(curation.audit, console, most=10)
    record = curation.to_json()
    if output is not None:
        record = write_curation(
            curation,
            output,
            config=export_config,
            prefix=config.output.column_prefix,
            overwrite=config.output.overwrite,
        )
        print_written(output, record["exports"], console)
    if as_json:
        echo_json(record)


def open_and_say(run_path: str, table_config: TableConfig) -> "Run":
    """Open a run or a scored table, and say what a table without its run folder cannot give."""
    from pairsift.curation.scored_tables import open_scored, what_is_missing

    run = open_scored(run_path, table_config)
    words = what_is_missing(run)
    if words is not None:
        typer.echo(f"note: {words}", err=True)
    return run


def answer(found: Answer, show: Callable[[Answer, "Console"], None], *, as_json: bool) -> None:
    """Print what a command found, for people or for machines."""
    from rich.console import Console

    if as_json:
        echo_json(found.to_json())
    else:
        show(found, Console())


def echo_json(plain: Mapping[str, Any] | list[dict[str, Any]]) -> None:
    """Print plain data for machines."""
    typer.echo(json.dumps(plain, indent=2, ensure_ascii=False))
