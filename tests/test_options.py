"""The command line and the config classes are one list of options."""

import inspect
from collections import Counter
from dataclasses import dataclass, fields, is_dataclass
from typing import Annotated, Any, get_type_hints

import pytest
import typer.main

from pairsift.cli import app
from pairsift.config import ModelConfig, ScoreConfig
from pairsift.options import Only, build_config, defaults_of, expand_options, flags_of, options_of

OWN_OF_SCORE = {"input_path", "output_path"}


def leaves(config: type) -> list[Any]:
    found: list[Any] = []
    hints = get_type_hints(config)
    for item in fields(config):
        found += leaves(hints[item.name]) if is_dataclass(hints[item.name]) else [item]
    return found


def command(name: str) -> Any:
    return typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]


def test_the_score_command_has_exactly_the_options_of_the_config() -> None:
    typed = {parameter.name: parameter for parameter in command("score").params}
    assert set(typed) - OWN_OF_SCORE - {"help"} == {item.name for item in leaves(ScoreConfig)}
    for item in leaves(ScoreConfig):
        assert tuple(typed[item.name].opts) == flags_of(item), item.name
        assert typed[item.name].default == item.default, item.name
        assert typed[item.name].help.replace("\\[", "[") == item.metadata["help"], item.name


def test_no_name_or_flag_stands_twice() -> None:
    flags = [flag for parameter in command("score").params for flag in parameter.opts]
    names = [item.name for item in leaves(ScoreConfig)]
    assert [name for name, count in Counter(flags + names).items() if count > 1] == []


def test_every_option_explains_itself_in_a_sentence() -> None:
    for item in leaves(ScoreConfig):
        assert item.metadata["help"].rstrip("…").strip()
        assert len(item.metadata["help"]) <= 90, item.name


def test_typed_values_reach_their_place() -> None:
    config = build_config(ScoreConfig, {"limit": 5, "model": "storybook", "details": True})
    assert (config.table.limit, config.model.model, config.output.details) == (5, "storybook", True)
    assert config.measure == "cosine"


def test_nothing_typed_is_the_default_config() -> None:
    assert build_config(ScoreConfig, {}) == ScoreConfig()
    assert build_config(ScoreConfig, defaults_of(ScoreConfig)) == ScoreConfig()


def test_only_takes_some_options() -> None:
    seen = []

    def fetch(name: str, *, config: Annotated[ModelConfig, Only(("offline",))]) -> None:
        seen.append((name, config))

    flat = expand_options(fetch)
    assert list(inspect.signature(flat).parameters) == ["name", "offline"]
    flat(name="x", offline=True)
    assert seen == [("x", ModelConfig(offline=True))]
    assert list(options_of(ModelConfig, Only(("offline",)))) == ["offline"]


@dataclass(frozen=True)
class Undecided:
    number: int


def test_a_field_without_default_cannot_be_an_option() -> None:
    with pytest.raises(TypeError, match=r"Undecided\.number has no default"):
        options_of(Undecided)
