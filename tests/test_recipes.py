"""config.json as transformers reads it."""

from pathlib import Path
from typing import Any

import pytest

from pairsift.errors import ModelRecipeError
from pairsift.recipes import read_config
from tests.tiny import write_checkpoint


def test_defaults_are_those_of_transformers(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "siglip", "text_config": null}')
    config = read_config(tmp_path)
    assert (config.width, config.text["max_position_embeddings"]) == (768, 64)
    assert config.vision["layer_norm_eps"] == 1e-6


def test_the_old_text_config_dict_wins(tmp_path: Path) -> None:
    old = {"text_config_dict": {"hidden_size": 64}}
    config = read_config(write_checkpoint(tmp_path, "clip", config=old))
    assert config.text["hidden_size"] == 64
    assert config.text["max_position_embeddings"] == 77  # its default, not text_config's 8


@pytest.mark.parametrize(
    ("family", "changes", "field"),
    [
        ("clip", {"config": {"model_type": "altclip"}}, "model_type"),
        ("clip", {"config": {"model_type": "siglip2"}}, "NaFlex"),
        ("clip", {"vision": {"image_size": [32, 16]}}, "image_size"),
        ("clip", {"vision": {"num_channels": 1}}, "num_channels"),
        ("siglip", {"vision": {"vision_use_head": False}}, "vision_use_head"),
        ("siglip", {"text": {"projection_size": 8}}, "projection_size"),
    ],
)
def test_what_is_not_built_is_named(
    tmp_path: Path, family: str, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(ModelRecipeError, match=field):
        read_config(write_checkpoint(tmp_path, family, **changes))


@pytest.mark.parametrize("content", ["", "[]", "{"])
def test_a_damaged_config(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(ModelRecipeError, match="JSON"):
        read_config(tmp_path)


def test_no_config(tmp_path: Path) -> None:
    with pytest.raises(ModelRecipeError, match=r"no config\.json"):
        read_config(tmp_path)
