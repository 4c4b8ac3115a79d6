"""What ``scripts/check_wheel.py`` holds against the declared extras; it needs a package index."""

import shlex
from pathlib import Path

import pytest
import typer.main

from pairsift.cli import app
from scripts.check_wheel import SCORE, SMOKES, declared_extras, size_mb


def test_every_extra_has_commands_that_show_it_works() -> None:
    assert set(declared_extras()) <= set(SMOKES)


@pytest.mark.parametrize("extra", declared_extras())
def test_the_commands_are_there(extra: str) -> None:
    known = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for command in (SCORE, *SMOKES[extra].commands, SMOKES[extra].without):
        name, *rest = shlex.split(command)
        if name == "python":
            continue
        assert name in known
        options = {flag for parameter in known[name].params for flag in parameter.opts}
        group = getattr(known[name], "commands", None)
        if group is None:
            assert {word for word in rest if word.startswith("--")} <= options


def test_the_size_counts_a_linked_file_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(1 << 20))
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    assert 1.0 <= size_mb(tmp_path) < 1.1
