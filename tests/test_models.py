"""Records of known models, and the record of any folder."""

import math
import pickle
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from pairsift.errors import ModelRecipeError, UnknownNameError
from pairsift.models import RECORDS, bind_record, derive_record, find_record
from tests.tiny import write_checkpoint

NAMES = (
    "siglip2-base-patch32-256",
    "siglip2-base-patch16-224",
    "siglip-base-patch16-224",
    "clip-vit-base-patch32",
    "clip-vit-base-patch16",
    "clip-vit-large-patch14",
)


def with_weights(folder: Path, family: str) -> Path:
    write_checkpoint(folder, family)
    tensors = {"logit_scale": np.array(math.log(50), dtype=np.float32)}
    if family == "siglip":
        tensors["logit_bias"] = np.array([-9.5], dtype=np.float32)
    save_file(tensors, folder / "model.safetensors")
    return folder


def test_the_promised_names_are_there() -> None:
    assert set(NAMES) <= set(RECORDS)
    assert all(find_record(name).name == name for name in RECORDS)


@pytest.mark.parametrize("name", list(RECORDS))
def test_a_record_is_sound(name: str) -> None:
    record = RECORDS[name]
    assert pickle.loads(pickle.dumps(record)) == record  # noqa: S301 - our own bytes
    assert hash(record) == hash(replace(record))
    assert record.text.trim_exact == (record.family == "clip")
    assert record.revision is None or re.fullmatch("[0-9a-f]{40}", record.revision)
    for file in record.files:
        assert file.sha256 is None or re.fullmatch("[0-9a-f]{64}", file.sha256)
    assert {"config.json", "tokenizer.json"} <= {file.path for file in record.files}
    assert record.image.describe()
    assert record.text.describe()


def test_an_unknown_name_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="siglip2-base-patch32-256"):
        find_record("siglip2-base-patch32")
    with pytest.raises(UnknownNameError, match="storybook"):
        find_record("zzz")


def test_a_clip_folder(tmp_path: Path) -> None:
    record = derive_record(with_weights(tmp_path, "clip"), name="mine")
    assert (record.name, record.family, record.width) == ("mine", "clip", 16)
    assert record.logit_scale == pytest.approx(50, rel=1e-6)
    assert record.logit_bias is None
    assert "model.safetensors" in {file.path for file in record.files}


def test_a_siglip_folder(tmp_path: Path) -> None:
    record = derive_record(with_weights(tmp_path, "siglip"), name="mine")
    assert (record.family, record.width, record.logit_bias) == ("siglip", 32, -9.5)


def test_onnx_files_are_the_second_way(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, "clip")
    with pytest.raises(ModelRecipeError, match="`weights`"):
        derive_record(tmp_path, name="mine")
    (tmp_path / "onnx").mkdir()
    (tmp_path / "onnx" / "text_model.onnx").touch()
    (tmp_path / "onnx" / "vision_model.onnx").touch()
    record = derive_record(tmp_path, name="mine")
    assert record.is_onnx
    assert record.logit_scale is None


def test_binding_fills_in_what_the_weights_know(tmp_path: Path) -> None:
    folder = with_weights(tmp_path, "siglip")
    found = derive_record(folder, name="mine")
    known = replace(found, logit_scale=None, logit_bias=None, repo="o/n", licence="MIT")
    assert bind_record(known, folder) == replace(found, repo="o/n", licence="MIT")


@pytest.mark.parametrize("field", ["image", "text", "width", "family"])
def test_binding_refuses_another_recipe(tmp_path: Path, field: str) -> None:
    folder = with_weights(tmp_path, "siglip")
    found = derive_record(folder, name="mine")
    other: dict[str, Any] = {
        "image": replace(found.image, resample="bilinear"),
        "text": replace(found.text, pad_id=2),
        "width": 31,
        "family": "clip",
    }
    with pytest.raises(ModelRecipeError, match=f"`{field}`"):
        bind_record(replace(found, **{field: other[field]}), folder)
