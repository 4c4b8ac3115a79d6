"""``pairsift models …``: which models there are, where they lie, and whether to trust them."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from pairsift.config import CompareConfig, ModelConfig, QuantizeConfig, ScoreConfig
from pairsift.options import Only, expand_options

PAIR_OPTIONS = (
    *("image_column", "caption_column", "image_root", "delimiter", "clean_captions"),
    *("allow_urls", "allow_host", "allow_bucket", "contact", "offline", "cache_dir", "threads"),
)
"""Options of commands that read a sample of the user's pairs."""

CHECK_OPTIONS = ("runtime", "device", "precision", "threads", "offline", "cache_dir")

models_app = typer.Typer(help="List, show, pull and check models.", no_args_is_help=True)

Spec = Annotated[
    str,
    typer.Argument(metavar="MODEL", help="A name from the list, a folder, or hf:ORG/NAME\\[@REV]."),
]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]


@models_app.command("list")
def list_models(*, as_json: AsJson = False) -> None:
    """List the models that are known by name."""
    from rich.console import Console
    from rich.table import Table

    rows = known_models()
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 1, 0, 0))
    for heading in rows[0]:
        table.add_column(heading, no_wrap=True)
    for row in rows:
        table.add_row(*("-" if value is None else str(value) for value in row.values()))
    console = Console()
    console.print(table)
    console.print(
        "\nin: ImageNet-1k zero-shot top 1; t→i, i→t: COCO recall at 1, caption to picture"
        "\nand picture to caption; per cent, as published. Any folder or hf:ORG/NAME of the"
        "\nCLIP and SigLIP families works too.",
        soft_wrap=True,
        highlight=False,
        style="dim",
    )


@models_app.command("show")
def show_model(model: Spec, *, as_json: AsJson = False) -> None:
    """Show the record of a model: files, recipes, scale, licence."""
    from rich.console import Console
    from rich.table import Table

    from pairsift.models import derive_record, find_record

    folder = Path(model)
    record = derive_record(folder, name=model) if folder.is_dir() else find_record(model)
    plain = asdict(record)
    if as_json:
        typer.echo(json.dumps(plain, indent=2))
        return
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in plain.items():
        table.add_row(name, _words(value))
    Console().print(table)


@models_app.command("pull")
@expand_options
def pull(
    model: Spec,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="DIR", help="One folder with everything, for --model DIR."),
    ] = None,
    *,
    config: Annotated[ModelConfig, Only(("offline", "cache_dir"))],
) -> None:
    """Fetch a model's files, check them, and pin what was fetched."""
    from pairsift.weights import pull_model

    local = pull_model(model, config=config, to=to, announce=say)
    typer.echo(local.folder)


@models_app.command("check")
@expand_options
def check(
    model: Spec,
    *,
    config: Annotated[ModelConfig, Only(CHECK_OPTIONS)],
) -> None:
    """Prove a model on this machine: checksums, invariants, fingerprint, canaries, drift.

    What refuses a model ends with exit code 1; what could not be checked is told.
    """
    from pairsift.checking import check_model
    from pairsift.weights import resolve_model

    config = replace(config, model=model)
    report = check_model(resolve_model(model, config=config, announce=say), config)
    typer.echo(str(report))
    report.require_sound()


@models_app.command("quantize")
@expand_options
def quantize(
    model: Spec,
    table: Annotated[
        str,
        typer.Option("--calibrate", metavar="TABLE", help="Pairs like those that will be scored."),
    ],
    to: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="DIR", help="A new folder, for --model DIR."),
    ],
    *,
    config: Annotated[ScoreConfig, Only(PAIR_OPTIONS)],
    limits: QuantizeConfig,
) -> None:
    """Make an int8 copy of a model, with ranges from your own pairs.

    It is judged on pairs that took no part in it, and by `models check`. What is refused leaves
    nothing behind and ends with exit code 1.
    """
    from pairsift.quantizing.making import quantize_model

    report = quantize_model(model, table, to, config=config, limits=limits, announce=say)
    typer.echo(str(report))
    report.require_accepted()
    say(f"written: {to} (use it with --model {to})")


@models_app.command("compare")
@expand_options
def compare(
    table: Annotated[
        str, typer.Argument(metavar="TABLE", help="Your pairs; a sample of them is taken.")
    ],
    models: Annotated[
        str,
        typer.Option("--models", metavar="A,B,…", help="Names, folders or hf:ORG/NAME."),
    ],
    plot: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="PLOT", help="The front as .png or .svg."),
    ] = None,
    *,
    as_json: AsJson = False,
    config: Annotated[ScoreConfig, Only(PAIR_OPTIONS)],
    compare_config: CompareConfig,
) -> None:
    """Compare models on your own pairs, without labels: would the smaller one do?

    Speed, memory, how well true and mismatched pairs are told apart, agreement in ranks and in
    what each would keep. Everything but speed and memory follows from --seed.
    """
    from rich.console import Console

    from pairsift.comparing.job import compare_models, split_models
    from pairsift.comparing.plot import check_plot, draw_plot
    from pairsift.comparing.tables import print_comparison

    if plot is not None:
        check_plot(plot)
    found = compare_models(
        table, split_models(models), config=config, compare=compare_config, announce=say
    )
    if plot is not None:
        draw_plot(found.figures, plot)
    if as_json:
        typer.echo(json.dumps(found.to_plain(), indent=2, ensure_ascii=False))
    else:
        print_comparison(found, Console())


def say(words: str) -> None:
    """Tell the user something that is not data; names out of tables and files are not trusted."""
    from pairsift.summary import printable

    typer.echo("\n".join(map(printable, words.split("\n"))), err=True)


def known_models() -> list[dict[str, Any]]:
    """Return what the list of models shows, a dict a model, in the order of the list."""
    from pairsift.models import BUILT_IN, DATA, RECORDS, find_record

    rows = []
    built_in = [name for name in BUILT_IN if (DATA / name).is_dir()]
    for name in (*RECORDS, *built_in):
        record = find_record(name)
        published = record.accuracy
        rows.append(
            {
                "name": name,
                "side": record.image.size,
                "width": record.width,
                "tokens": record.text.context_length,
                "in": published and published.imagenet,
                "t→i": published and published.coco_text_to_image,
                "i→t": published and published.coco_image_to_text,
                "licence": record.licence,
            }
        )
    return rows


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{name} {_words(inner)}" for name, inner in value.items())
    if isinstance(value, list | tuple):
        if value and isinstance(value[0], dict):  # files
            return "\n".join(
                " ".join(str(part) for part in item.values() if part is not None) for item in value
            )
        return ", ".join(_words(inner) for inner in value)
    return "-" if value is None else str(value)
