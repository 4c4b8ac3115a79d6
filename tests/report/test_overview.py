"""What was scored with what, and how to do it again."""

from pathlib import Path

import pytest
from typer.main import get_command

from pairsift import open_run
from pairsift.cli import app
from pairsift.config import ReportConfig
from pairsift.report.material import Material
from pairsift.report.overview import command_line, reproduce_section, warnings


@pytest.fixture
def info(run: Path) -> dict[str, object]:
    return open_run(run).info


def test_the_command_names_what_is_not_the_default(info: dict, run: Path) -> None:  # type: ignore[type-arg]
    table = str(run.parent / "pairs.csv")
    assert command_line(info) == f"pairsift score {table}"
    info["output"] = "a b.csv"
    info["config"]["model"]["model"] = "storybook"
    info["config"]["table"]["caption_column"] = "the text"
    info["config"]["output"]["details"] = True
    info["config"]["output"]["overwrite"] = True
    assert command_line(info).split(" \\\n  ") == [
        f"pairsift score {table} -o 'a b.csv'",
        "--model storybook",
        "--caption-column 'the text'",
        "--details",
    ]


def test_the_command_is_the_one_that_was_typed(info: dict) -> None:  # type: ignore[type-arg]
    info["command"] = ["score", "my pairs.csv", "-o", "x.csv"]
    assert command_line(info) == "pairsift score 'my pairs.csv' -o x.csv"


def test_every_option_of_the_command_exists(info: dict) -> None:  # type: ignore[type-arg]
    for part in info["config"].values():
        if isinstance(part, dict):
            part.update({name: "other" for name, value in part.items() if value is None})
    known = {
        option
        for parameter in get_command(app).commands["score"].params  # type: ignore[attr-defined]
        for option in parameter.opts
    }
    used = [line.split()[0] for line in command_line(info).split(" \\\n  ")[1:]]
    assert used
    assert set(used) <= known


def test_hashes_are_on_the_page(run: Path) -> None:
    material = Material(open_run(run), ReportConfig())
    assert str(material.run.info["score_identity_sha256"]) in reproduce_section(material).body.text


def test_nothing_to_warn_of(run: Path) -> None:
    assert warnings(Material(open_run(run), ReportConfig())) == []


def test_warnings_of_the_job_are_repeated(run: Path) -> None:
    (run / "summary.json").write_text('{"warnings": ["the pictures are not of its world"]}')
    found = warnings(Material(open_run(run), ReportConfig()))
    assert found == ["the pictures are not of its world"]
