"""The head of a report, what was scored with what, and how to do it again."""

import platform
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np

from pairsift import __version__, schema
from pairsift.config import ScoreConfig
from pairsift.curation.scored_tables import UNKNOWN, is_alone, lacks, what_is_missing
from pairsift.options import flags_of
from pairsift.report.cards import Column, Section, counted, facts, number, percent, table
from pairsift.report.markup import Content, Markup, element, join
from pairsift.report.material import Material
from pairsift.runs.manifest import describe_again

PROVENANCE_ID = "provenance"
REPRODUCE_ID = "reproduce"
MAX_INPUTS = 12


def header(material: Material) -> Markup:
    """Return what a reader sees first: what, how many, with what, when."""
    run, failed = material.run, material.num_failed
    words: list[Content] = [
        element("b", f"{material.num_scored:,} of {counted(material.num_rows, 'pair')}"),
        " scored",
    ]
    if failed:
        words += [", ", element("b", f"{failed:,} failed")]
    known = [word for word in (run.provenance.model, material.measure) if word != UNKNOWN]
    words += [" · ".join(["", *known, _day(run.info["created"])])]
    alerts = [
        element("p", sentence, class_="alert", role="note") for sentence in warnings(material)
    ]
    return element(
        "header",
        element("p", "pairsift report", class_="eyebrow"),
        element("h1", element("bdi", material.title, dir="auto")),
        element("p", words, class_="lead"),
        alerts,
    )


def tiles(material: Material) -> Markup:
    """Return the few numbers that a reader looks for."""
    cut, failed = material.cut, material.num_failed
    entries = [
        ("pairs", f"{material.num_rows:,}", ""),
        ("failed", f"{failed:,}", "bad" * (failed > 0)),
    ]
    if material.num_scored:
        middle = float(np.nanmedian(material.rows.similarities))
        entries.append(("median similarity", number(middle), ""))
    if cut is not None:
        entries.append((f"kept by {cut.rule}", f"{cut.num_kept:,}", ""))
    if material.scales is not None and material.scales.is_share_known:
        entries.append(("look like mismatches", percent(material.scales.share), ""))
    items = [
        element(
            "li",
            element("span", value, class_="value"),
            element("span", name, class_="name"),
            class_=kind or None,
        )
        for name, value, kind in entries
    ]
    return element("ul", items, class_="tiles")


def warnings(material: Material) -> list[str]:
    """Return what a reader must know before trusting the page."""
    words = what_is_missing(material.run)
    found = [] if words is None else [words[0].upper() + words[1:] + "."]
    if not material.run.is_finished:
        found.append(
            "This run is not finished: the page shows the rows that were scored so far. The same "
            "command again goes on where it stopped."
        )
    for item in material.run.info["inputs"]:
        path = Path(item["path"])
        now = describe_again(item)
        if now is None:
            found.append(
                f"{path.name} is no longer where it was, so captions and pictures of it are "
                "missing here."
            )
        elif now != item:
            found.append(
                f"{path.name} has changed since it was scored: the numbers are of the table as it "
                "was, captions and pictures of the table as it is."
            )
    summary = material.run.summary or {}
    found += [str(words) for words in summary.get("warnings", [])]
    return found


def provenance_section(material: Material) -> Section:
    """Return what was scored with what."""
    info, ran = material.run.info, material.run.provenance
    identity = info["score_identity"]
    if is_alone(material.run) and ran.model == UNKNOWN:
        return _table_alone(material)
    rows: list[tuple[str, Content]] = [
        ("Model", [ran.model, f" at {ran.revision}" if ran.revision else None]),
        ("Runs on", f"{ran.runtime}, {ran.precision} on {ran.device}"),
        ("Measure", _measure(material)),
        ("Pictures", ran.image_recipe),
        ("Captions", ran.text_recipe),
        ("Columns", f"image: {info['image_column']}, caption: {info['caption_column']}"),
        ("Rows", _rows(material)),
        ("Embeddings", _embeddings(info)),
        ("Scored", _moment(info["created"])),
    ]
    if identity.get("clean_captions"):
        rows.append(("Cleaned", "captions were repaired before they were read"))
    return Section(PROVENANCE_ID, "What was scored with what", join(_inputs(info), facts(rows)))


def _table_alone(material: Material) -> Section:
    """Return the section of a table that says nothing of its making."""
    info = material.run.info
    rows: list[tuple[str, Content]] = [
        ("Model", "not known: the table does not say it"),
        ("Columns", f"image: {info['image_column']}, caption: {info['caption_column']}"),
        ("Rows", _rows(material)),
        ("Table of", _moment(info["created"])),
    ]
    return Section(PROVENANCE_ID, "What was scored with what", join(_inputs(info), facts(rows)))


def reproduce_section(material: Material) -> Section:
    """Return the exact command, with the hashes and versions that its numbers hang on."""
    info, ran = material.run.info, material.run.provenance
    made = f"pairsift {__version__}, Python {platform.python_version()}, {_now()}"
    if is_alone(material.run):
        words = "The run folder knows the command that made the scores; this table does not."
        return Section(
            REPRODUCE_ID,
            "How to reproduce",
            join(element("p", words), facts([("This page", made)])),
        )
    rows: list[tuple[str, Content]] = [
        ("pairsift", info["version"]),
        ("Runtime", ran.runtime),
        ("Revision", ran.revision or "none: the model is built in or a local folder"),
        ("Weights", element("code", ran.weights_sha256 or "not known")),
        ("Configuration", element("code", info["score_identity_sha256"])),
        ("Run folder", element("code", material.run.location)),
        ("This page", made),
    ]
    body = join(
        element("p", "The same command on the same files gives the same numbers."),
        element("pre", element("code", command_line(info))),
        facts(rows),
    )
    return Section(REPRODUCE_ID, "How to reproduce", body)


def command_line(info: Mapping[str, Any]) -> str:
    """Return the command that made a run.

    Args:
        info: The content of run.json. Where no command line made it, the command that would is
            put together, with every option that is not the default.
    """
    if info.get("command"):
        return shlex.join(["pairsift", *info["command"]])
    inputs = [item["path"] for item in info["inputs"]]
    words = ["pairsift", "score", *inputs[:1]]
    if info.get("output"):
        words += ["-o", str(info["output"])]
    lines = [shlex.join(words)]
    for flag, value in _changed(ScoreConfig, info["config"]):
        lines.append(flag if value is True else f"{flag} {shlex.quote(str(value))}")
    command = " \\\n  ".join(lines)
    if len(inputs) > 1:
        command += f"\n# and {len(inputs) - 1:,} more tables, as listed above"
    return command


def _changed(config: type, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    hints = get_type_hints(config)
    for item in fields(config):
        value = values.get(item.name)
        if isinstance(value, Mapping):
            if isinstance(hints[item.name], type):
                yield from _changed(hints[item.name], value)
        elif (
            item.name in values
            and item.name != "overwrite"
            and _plain(value) != _plain(item.default)
        ):
            for one in value if isinstance(value, list | tuple) else [value]:
                yield flags_of(item)[0], one


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value  # JSON has no tuples


def _measure(material: Material) -> str:
    low, high = material.run.info["measure_range"]
    words = f"{material.measure}, from {low:g} to {high:g}"
    if material.run.info["is_distance"]:
        return f"{words}, in the column distance; similarity is the cosine"
    return words


def _embeddings(info: Mapping[str, Any]) -> str:
    kept = str(info["embeddings"])
    return kept if kept == "none" else f"{kept}, {info['width']} numbers each"


def _rows(material: Material) -> str:
    work = material.run.work
    words = f"{material.num_scored:,} scored of {material.num_rows:,}"
    if work.distinct_images and not lacks(material.run, schema.IMAGE_SHA256):
        words += f", with {counted(work.distinct_images, 'distinct picture')}"
    return words


def _inputs(info: Mapping[str, Any]) -> Markup:
    columns = [Column("Table"), Column("Format"), Column("Bytes", is_number=True)]
    inputs = info["inputs"]
    rows: list[list[Content]] = [
        [element("bdi", item["path"], dir="auto"), item["format"], f"{item['size']:,}"]
        for item in inputs[:MAX_INPUTS]
    ]
    words = (
        "Input"
        if len(inputs) <= MAX_INPUTS
        else f"The first {MAX_INPUTS} of {len(inputs):,} inputs"
    )
    return table(words, columns, rows)


def _day(moment: str) -> str:
    return datetime.fromisoformat(moment).strftime("%-d %B %Y")


def _moment(moment: str) -> str:
    return datetime.fromisoformat(moment).strftime("%-d %B %Y, %H:%M UTC")


def _now() -> str:
    return datetime.now(UTC).strftime("%-d %B %Y, %H:%M UTC")
