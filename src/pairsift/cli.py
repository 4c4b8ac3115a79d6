"""The command line: each command is a few lines over the library.

Data goes to standard output, everything else to standard error. A command imports what it runs
when it runs, so that ``--help`` is quick.
"""

import json
import sys
import time
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from pairsift import __version__
from pairsift.balance_commands import register_balance
from pairsift.config import ScoreConfig
from pairsift.curation_commands import register_curation
from pairsift.errors import PairsiftError, TooManyFailuresError
from pairsift.finding_commands import register_findings
from pairsift.interrupts import EXIT_INTERRUPTED, EXIT_TERMINATED, handle_interrupts
from pairsift.model_commands import models_app, say
from pairsift.options import Only, expand_options
from pairsift.planning_commands import register_planning
from pairsift.report.command import report

EXIT_FAILED = 1

_TYPED: ContextVar[tuple[str, ...]] = ContextVar("typed", default=())

app = typer.Typer(
    name="pairsift",
    help="Score how well each caption fits its image, as a column in your own table.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(models_app, name="models")


def _print_version(value: bool) -> None:  # noqa: FBT001 - Typer's callback
    if value:
        typer.echo(f"pairsift {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Say the version."),
    ] = False,
) -> None:
    del version


@app.command()
@expand_options
def score(
    input_path: Annotated[
        str,
        typer.Argument(
            metavar="INPUT", help="A table, a folder, a glob, or a range such as {000..099}.csv."
        ),
    ],
    output_path: Annotated[
        str,
        typer.Option(
            "--output", "-o", metavar="OUTPUT", help="The enriched table; - for standard output."
        ),
    ],
    *,
    config: ScoreConfig,
) -> None:
    """Write a table again, with a similarity for every pair of image and caption.

    Rows that cannot be scored keep their place, with a status and a reason.
    """
    from rich.console import Console

    from pairsift.api import score_file
    from pairsift.progress import show_progress
    from pairsift.summary import print_summary

    console = Console(stderr=True)
    output = None if output_path == "-" else Path(output_path)
    try:
        with show_progress(console) as on_progress:
            summary = score_file(
                input_path,
                output,
                config=config,
                on_progress=on_progress,
                announce=lambda words: console.print(words, highlight=False, markup=False),
                command=_TYPED.get(),
            )
    except (KeyboardInterrupt, SystemExit):
        _say_how_to_resume(config.run.run or f"{output_path.rstrip('/')}.pairsift")
        raise
    print_summary(summary, console)
    allowed = config.output.max_failed
    if allowed is not None and summary.num_failed > allowed:
        message = f"{summary.num_failed:,} rows failed; --max-failed allows {allowed:,}"
        raise TooManyFailuresError(message)


def _say_how_to_resume(folder: str) -> None:
    from pairsift.errors import RunFolderError
    from pairsift.runs import open_run
    from pairsift.runs.status import resume_command

    try:
        num_rows = open_run(folder, allow_partial=True).num_rows
    except RunFolderError:
        return
    say(f"{num_rows:,} rows are kept in {folder}; go on with:\n  {resume_command(_TYPED.get())}")


@app.command()
def status(
    run_path: Annotated[
        Path, typer.Argument(metavar="RUN", help="A run folder, or the table beside it.")
    ],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Say how far a run is: rows done and failed, the rate, what is left, how to go on."""
    from rich.console import Console

    from pairsift.runs.status import look_at
    from pairsift.summary import print_state

    state = look_at(run_path)
    if as_json:
        typer.echo(json.dumps(state.to_json(), indent=2))
    else:
        print_state(state, Console())


@app.command()
@expand_options
def demo(
    folder: Annotated[
        Path, typer.Argument(metavar="[DIR]", help="A new folder, or that of an earlier demo.")
    ] = Path("pairsift-demo"),
    *,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Which pairs are drawn.")] = 7,
    config: Annotated[ScoreConfig, Only(("runtime", "precision", "threads"))],
) -> None:
    """Draw 300 pairs, plant mistakes in them, score them, and show what came out."""
    from rich.console import Console

    from pairsift.demo import run_demo

    config = replace(config, model=replace(config.model, model="storybook"))
    run_demo(folder, config=config, console=Console(stderr=True), seed=seed)


@app.command()
def storybook(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    *,
    num_pairs: Annotated[int, typer.Option("--pairs", min=1, help="How many pairs.")] = 1000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Same seed, same set.")] = 0,
    faults: Annotated[
        str,
        typer.Option(
            metavar="default|NAME=RATE,…",
            help="Mistakes to plant, such as swap=0.025,word=0.025 (docs/storybook.md).",
        ),
    ] = "none",
    table_format: Annotated[
        Literal["csv", "jsonl", "parquet", "webdataset"],
        typer.Option("--format", help="Of the table; webdataset is a tar with the pictures."),
    ] = "csv",
    image_format: Annotated[Literal["jpg", "png"], typer.Option(help="Of the pictures.")] = "jpg",
    side: Annotated[int, typer.Option(min=32, help="Of the pictures, in pixels.")] = 128,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier set.")] = False,
) -> None:
    """Draw a set of pairs whose truth is known: pictures, a table, and truth.csv."""
    from rich.console import Console

    from pairsift.job import Progress
    from pairsift.progress import show_progress
    from pairsift.storybook.writing import write_storybook

    begin = time.perf_counter()
    with show_progress(Console(stderr=True), verb="drawing") as show:
        written = write_storybook(
            folder,
            num_pairs=num_pairs,
            seed=seed,
            faults=faults,
            table_format=table_format,
            image_format=image_format,
            side=side,
            overwrite=overwrite,
            progress=lambda done, total: show(
                Progress(done, total, 0, time.perf_counter() - begin)
            ),
        )
    planted = ", ".join(f"{count:,} {name}" for name, count in written.num_faults.items())
    say(f"{written.num_pairs:,} pairs in {written.table}; planted: {planted or 'nothing'}")


@app.command()
def measures(
    *, as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False
) -> None:
    """List the measures: what the number in `similarity` can be."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from pairsift.measures import MEASURES

    fields = ("name", "formula", "range", "meaning")
    rows = [{field: getattr(entry, field) for field in fields} for entry in MEASURES.values()]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    table = Table.grid(padding=(0, 2))
    for row in rows:
        table.add_row(Text(row["name"], style="bold"), row["formula"], row["range"])
    console = Console()
    console.print(table)
    for row in rows:
        console.print(Text.assemble("\n", (row["name"], "bold"), ": ", row["meaning"]), end="")
    console.print()


# Last, so that --help begins with scoring.
register_curation(app)
register_balance(app)
register_findings(app)
register_planning(app)
app.command()(report)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; nothing but a bug shows a traceback.

    Args:
        arguments: As typed after ``pairsift``.

    Returns:
        0 done, 1 failed, 2 wrong usage, 3 too many failed rows, 130 interrupted.
    """
    _TYPED.set(tuple(arguments))
    try:
        app(list(arguments), prog_name="pairsift")
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else EXIT_FAILED * bool(ended.code)
        if code in (EXIT_INTERRUPTED, EXIT_TERMINATED):
            say("interrupted; files are written whole or not at all")
        return code
    except PairsiftError as error:
        say(f"error: {error}")
        return error.exit_code
    except OSError as error:
        if error.filename is None:
            raise
        say(f"error: {error.filename}: {error.strerror}")
        return EXIT_FAILED
    return 0


def main() -> None:
    """Run the command line of this process."""
    handle_interrupts()
    sys.exit(run(sys.argv[1:]))
