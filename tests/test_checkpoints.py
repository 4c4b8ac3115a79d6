"""The safetensors reader, against the reference implementation and against damaged files."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from pairsift.checkpoints import map_checkpoint, map_file, weight_files
from pairsift.errors import WeightsError

ARRAYS: dict[str, NDArray[Any]] = {
    "f32": np.linspace(-2, 2, 6, dtype=np.float32).reshape(2, 3),
    "f16": np.linspace(-2, 2, 5).astype(np.float16),
    "scalar": np.array(3.5, dtype=np.float32),
    "ids": np.arange(3, dtype=np.int64),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save_file(ARRAYS, tmp_path / "model.safetensors", metadata={"format": "pt"})
    return tmp_path / "model.safetensors"


def test_every_type_as_the_reference_wrote_it(path: Path) -> None:
    tensors = map_file(path)
    assert set(tensors) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert tensors[name].shape == array.shape
        assert np.array_equal(tensors[name].to_float32(), array.astype(np.float32))


def test_bfloat16_is_the_upper_half_of_float32(tmp_path: Path) -> None:
    values = np.array([1.0, -2.5, 3.140625, 0.0], dtype=np.float32)  # exact in bfloat16
    header = b'{"w":{"dtype":"BF16","shape":[4],"data_offsets":[0,8]}}'
    bits = (values.view(np.uint32) >> 16).astype("<u2").tobytes()
    path = tmp_path / "model.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bits)
    assert np.array_equal(map_file(path)["w"].to_float32(), values)


def test_float32_is_not_copied(path: Path) -> None:
    tensor = map_file(path)["f32"]
    assert np.shares_memory(tensor.to_float32(), tensor.data)


def test_shards(tmp_path: Path) -> None:
    weight_map = {}
    for at, (name, array) in enumerate(ARRAYS.items()):
        weight_map[name] = f"model-{at}.safetensors"
        save_file({name: array}, tmp_path / weight_map[name])
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": weight_map}))
    assert set(map_checkpoint(tmp_path)) == set(ARRAYS)
    assert len(weight_files(tmp_path)) == len(ARRAYS)
    index.write_text(json.dumps({"weight_map": {"f32": "../model-0.safetensors"}}))
    with pytest.raises(WeightsError, match="names"):
        weight_files(tmp_path)


def test_no_weights(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"no model\.safetensors"):
        map_checkpoint(tmp_path)


def test_a_file_cut_short(path: Path) -> None:
    content = path.read_bytes()
    for length in (0, 4, 60, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(WeightsError, match=r"cut short|not a safetensors"):
            map_file(path)


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [-1], "data_offsets": [4, 0]},
        {"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]},
        {"dtype": "F32", "shape": [9], "data_offsets": [0, 36]},
        {"dtype": "U7", "shape": [1], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": "x", "data_offsets": [0, 4]},
        {"shape": [1], "data_offsets": [0, 4]},
    ],
)
def test_a_lying_header(tmp_path: Path, entry: dict[str, object]) -> None:
    header = json.dumps({"w": entry}).encode()
    path = tmp_path / "model.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 8)
    with pytest.raises(WeightsError, match="tensor w"):
        map_file(path)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"weight_map": ["a"]}'])
def test_a_malformed_index_is_said_to_be_one(tmp_path: Path, text: str) -> None:
    (tmp_path / "model.safetensors.index.json").write_text(text)
    with pytest.raises(WeightsError, match="is not an index"):
        weight_files(tmp_path)
