"""The graph builder's errors; its numbers are held to transformers' in test_openvino."""

import json
import shutil
from pathlib import Path

import pytest
from safetensors.numpy import load_file, save_file

from pairsift.encoders.graph import build_image_tower, build_text_tower
from pairsift.errors import ModelRecipeError, WeightsError
from pairsift.models import derive_record
from tests.encoders.goldens import FOLDER


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FOLDER / "clip-quick", tmp_path / "model"))


def test_shapes_are_told_by_the_graph(folder: Path) -> None:
    record = derive_record(folder, name="x")
    image, text = build_image_tower(folder, record), build_text_tower(folder, record)
    assert str(image.input(0).partial_shape) == "[?,32,32,3]"
    assert str(image.output(0).partial_shape) == f"[?,{record.width}]"
    assert str(text.input(0).partial_shape) == "[?,?]"
    assert str(text.output(0).partial_shape) == f"[?,{record.width}]"


def test_an_unknown_activation_is_named(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["vision_config"]["hidden_act"] = "relu6"
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelRecipeError, match=r"hidden_act.*relu6"):
        build_image_tower(folder, derive_record(folder, name="x"))


def test_heads_that_do_not_divide_are_named(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["num_attention_heads"] = 5
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelRecipeError, match="5 heads"):
        build_text_tower(folder, derive_record(folder, name="x"))


def test_a_missing_tensor_is_named(folder: Path) -> None:
    path = folder / "model.safetensors"
    tensors = load_file(path)
    del tensors["visual_projection.weight"]
    save_file(tensors, path)
    with pytest.raises(WeightsError, match=r"visual_projection\.weight"):
        build_image_tower(folder, derive_record(folder, name="x"))
