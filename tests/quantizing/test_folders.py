"""Folders appear whole or not at all, and say what they were made of."""

from pathlib import Path

import pytest

from pairsift.config import ModelConfig
from pairsift.errors import OutputExistsError
from pairsift.quantizing import folders
from pairsift.weights import resolve_model


def test_a_stage_is_removed_unless_it_is_published(tmp_path: Path) -> None:
    place = tmp_path / "new" / "model"
    with folders.staged(place) as stage:
        (stage / "half").write_text("half")
    assert list(place.parent.iterdir()) == []
    with folders.staged(place) as stage:
        (stage / "whole").write_text("whole")
        folders.publish(stage, place)
    assert [path.name for path in place.parent.iterdir()] == ["model"]
    assert (place / "whole").read_text() == "whole"


def test_an_empty_folder_may_be_there(tmp_path: Path) -> None:
    folders.check_place(tmp_path)
    (tmp_path / "x").touch()
    for place in (tmp_path, tmp_path / "x"):
        with pytest.raises(OutputExistsError):
            folders.check_place(place)


def test_recipes_come_along_and_weights_do_not(tmp_path: Path) -> None:
    model = resolve_model("storybook", config=ModelConfig())
    folders.copy_recipes(model, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "config.json",
        "preprocessor_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    assert folders.describe_source(model)["weights_sha256"] == model.weights_sha256
