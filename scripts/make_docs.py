#!/usr/bin/env python3
"""Write the generated parts of docs/ from the code; with --check only compare.

A page is either generated whole (docs/cli.md) or has parts between
``<!-- generated: NAME -->`` and ``<!-- end -->``.
"""

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args, get_origin

import pyarrow as pa
import typer
from typer.models import ArgumentInfo, OptionInfo

from pairsift import schema
from pairsift.cli import app
from pairsift.measures import MEASURES, find_measure
from pairsift.model_commands import known_models
from pairsift.models import BUILT_IN
from pairsift.statuses import STATUS_MEANINGS
from pairsift.storybook.faults import DEFAULT_RATES, FAULT_MEANINGS

DOCS = Path(__file__).resolve().parents[1] / "docs"


class AnyModel(NamedTuple):
    """Numbers that every measure can be bound to."""

    name: str = "any"
    logit_scale: float = 1.0
    logit_bias: float = 0.0


def named_measures(*, distances: bool) -> str:
    """Return the measures beside the cosine: those that are distances, or the others."""
    names = [
        f"`{name}`"
        for name in MEASURES
        if name != "cosine" and find_measure(name, AnyModel()).is_distance == distances
    ]
    return f"{', '.join(names[:-1])} or {names[-1]}"


VALUES = {str: "TEXT", int: "N", float: "N", bool: "", Path: "PATH"}
COLUMN_MEANINGS = {
    schema.SIMILARITY: "how well the caption fits the image; higher is always closer; null where"
    " the row failed",
    schema.DISTANCE: f"only with `--measure` {named_measures(distances=True)}: lower is closer;"
    " `similarity` then holds the cosine",
    schema.COSINE: f"only with `--measure` {named_measures(distances=False)}: the cosine",
    schema.STATUS: "`ok`, or why the row has no number; see the list below",
    schema.ERROR: "the reason in words; null for `ok`",
    schema.CAPTION_TOKENS: "`--details`: tokens of the caption before cutting",
    schema.CAPTION_TRUNCATED: "`--details`: whether the caption was cut to the context length",
    schema.IMAGE_WIDTH: "`--details`: pixels, after EXIF orientation",
    schema.IMAGE_HEIGHT: "`--details`: pixels, after EXIF orientation",
    schema.IMAGE_FORMAT: "`--details`: as found in the file, whatever its name",
    schema.IMAGE_SHA256: "`--details`: of the file's bytes",
}


def cli_page() -> str:
    lines = [
        "# The command line",
        "",
        "Generated from the program by `scripts/make_docs.py`; a test holds them equal.",
        "",
    ]
    for path, command in commands(app, "pairsift"):
        lines += command_section(path, command)
    return "\n".join(lines).rstrip() + "\n"


def commands(group: typer.Typer, path: str) -> Iterator[tuple[str, Callable[..., None]]]:
    for command in group.registered_commands:
        yield f"{path} {command.name or command.callback.__name__}", command.callback
    for inner in group.registered_groups:
        yield from commands(inner.typer_instance, f"{path} {inner.name}")


def command_section(path: str, command: Callable[..., None]) -> list[str]:
    # The signature, not Typer's parsed objects: those change between its versions.
    parameters = inspect.signature(command, eval_str=True).parameters.values()
    arguments = [p for p in parameters if isinstance(info_of(p), ArgumentInfo)]
    options = [p for p in parameters if isinstance(info_of(p), OptionInfo)]
    required = [p for p in options if p.default is inspect.Parameter.empty]
    usage = " ".join(
        [path, *(info_of(p).metavar for p in arguments)]
        + [f"{flags_of(p)[0]} {info_of(p).metavar}" for p in required]
        + ["[OPTIONS]"]
    )
    lines = [f"## {path}", "", inspect.getdoc(command) or "", "", "```", usage, "```", ""]
    for parameter in arguments:
        lines += [f"`{info_of(parameter).metavar}`: {clean(info_of(parameter).help)}", ""]
    if options:
        lines += table(("option", "default", "meaning"), [option_row(p) for p in options])
    return lines


def info_of(parameter: inspect.Parameter) -> Any:
    """Return what Typer is told about a parameter."""
    return get_args(parameter.annotation)[1]


def flags_of(parameter: inspect.Parameter) -> tuple[str, ...]:
    info = info_of(parameter)
    given = (info.default, *(info.param_decls or ()))
    flags = tuple(flag for flag in given if isinstance(flag, str) and flag.startswith("-"))
    return flags or ("--" + parameter.name.replace("_", "-"),)


def option_row(parameter: inspect.Parameter) -> tuple[str, ...]:
    info, kind = info_of(parameter), get_args(parameter.annotation)[0]
    choices = [k for k in (kind, *get_args(kind)) if get_origin(k) is Literal]
    if choices:
        value = " / ".join(get_args(choices[0]))
    else:
        kinds = [inner for inner in get_args(kind) or (kind,) if inner is not type(None)]
        value = info.metavar or VALUES[kinds[0]]
    flags = ", ".join(flags_of(parameter))
    default = parameter.default
    if default is inspect.Parameter.empty:
        shown = "required"
    else:
        shown = "" if default is None or default is False or default in ("", ()) else f"`{default}`"
    return f"`{flags} {value}`".replace(" `", "`"), shown, clean(info.help)


def columns_part() -> str:
    every = pa.unify_schemas(
        [
            schema.output_schema(is_distance=True, is_cosine=False, details=True),
            schema.output_schema(is_distance=False, is_cosine=False, details=True),
        ]
    )
    ordered = [name for name in COLUMN_MEANINGS if name in every.names]
    if set(ordered) != set(every.names):
        raise SystemExit(f"no meaning for the columns {set(every.names) - set(ordered)}")
    rows = [(f"`{name}`", str(every.field(name).type), COLUMN_MEANINGS[name]) for name in ordered]
    return "\n".join(table(("column", "type", "meaning"), rows))


def statuses_part() -> str:
    rows = [(f"`{status}`", meaning) for status, meaning in STATUS_MEANINGS.items()]
    return "\n".join(table(("status", "meaning"), rows))


def measures_part() -> str:
    rows = [
        (f"`{entry.name}`", f"`{entry.formula}`", entry.range, entry.meaning)
        for entry in MEASURES.values()
    ]
    return "\n".join(table(("measure", "formula", "range", "when to take it"), rows))


def models_part() -> str:
    headings = ("model", "side", "width", "tokens", "ImageNet", "COCO t→i", "COCO i→t", "licence")
    rows = [
        (f"`{row['name']}`", *("-" if row[key] is None else str(row[key]) for key in list(row)[1:]))
        for row in known_models()
        if row["name"] not in BUILT_IN  # the text below the list says what they are
    ]
    return "\n".join(table(headings, rows))


def table(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    lines = ["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return [*lines, ""]


def clean(text: str) -> str:
    return text.replace("\\[", "[").strip()


def faults_part() -> str:
    rows = [
        (f"`{name}`", f"{DEFAULT_RATES[name]:g}", FAULT_MEANINGS[name]) for name in FAULT_MEANINGS
    ]
    return "\n".join(table(("fault", "default rate", "what is planted"), rows))


PARTS: dict[str, Callable[[], str]] = {
    "columns": columns_part,
    "statuses": statuses_part,
    "measures": measures_part,
    "models": models_part,
    "faults": faults_part,
}
PAGES = ["docs/columns.md", "docs/measures.md", "docs/models.md", "docs/storybook.md", "README.md"]


def generated(page: str) -> str:
    def fill(found: "re.Match[str]") -> str:
        name = found[1]
        return f"<!-- generated: {name} -->\n{PARTS[name]().strip()}\n<!-- end -->"

    text = (DOCS.parent / page).read_text(encoding="utf-8")
    return re.sub(r"<!-- generated: (\w+) -->\n.*?<!-- end -->", fill, text, flags=re.DOTALL)


def main() -> int:
    wanted = {"docs/cli.md": cli_page()} | {page: generated(page) for page in PAGES}
    stale = []
    for page, text in wanted.items():
        path = DOCS.parent / page
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(page)
        if "--check" not in sys.argv:
            path.write_text(text, encoding="utf-8")
    if stale:
        print("stale:" if "--check" in sys.argv else "wrote:", ", ".join(stale))
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
