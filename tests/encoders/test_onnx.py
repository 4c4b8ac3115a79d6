"""ONNX files of other layouts are refused by name; the numbers are held in test_openvino."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from pairsift.encoders.onnx import build_image_tower, build_text_tower
from pairsift.errors import ModelRecipeError, WeightsError
from pairsift.models import derive_record
from tests.encoders.goldens import FOLDER


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FOLDER / "clip-onnx", tmp_path / "model"))


def test_shapes(folder: Path) -> None:
    record = derive_record(folder, name="x")
    assert record.is_onnx
    assert str(build_image_tower(folder, record).input(0).partial_shape) == "[?,30,30,3]"
    assert str(build_text_tower(folder, record).input(0).partial_shape) == "[?,?]"


def test_a_missing_or_damaged_file(folder: Path) -> None:
    record = derive_record(folder, name="x")
    path = folder / "onnx" / "text_model.onnx"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(WeightsError, match="cannot be read as ONNX"):
        build_text_tower(folder, record)
    path.unlink()
    with pytest.raises(WeightsError, match=r"no onnx/text_model\.onnx"):
        build_text_tower(folder, record)


def test_towers_in_each_others_place(folder: Path) -> None:
    record = derive_record(folder, name="x")
    onnx = folder / "onnx"
    shutil.copy(onnx / "vision_model.onnx", onnx / "text_model.onnx")
    with pytest.raises(ModelRecipeError, match="pixel_values"):
        build_text_tower(folder, record)


def test_another_width_than_recorded(folder: Path) -> None:
    record = replace(derive_record(folder, name="x"), width=512)
    with pytest.raises(ModelRecipeError, match="512"):
        build_image_tower(folder, record)
