"""The PyTorch encoder against the goldens and against the OpenVINO encoder."""

import importlib
import shutil
from typing import Any

import numpy as np
import pytest

from pairsift.config import ModelConfig
from pairsift.encoders.torch import TorchEncoder, open_encoder
from pairsift.errors import MissingExtraError, ModelError, UnknownNameError
from tests.encoders.goldens import (
    SAFETENSORS,
    TOLERANCE,
    Golden,
    image_rows,
    load,
    openvino,
    text_rows,
)


@pytest.fixture(scope="module", params=SAFETENSORS)
def golden(request: pytest.FixtureRequest) -> Golden:
    return load(request.param)


def encoder(golden: Golden, **config: Any) -> TorchEncoder:
    return TorchEncoder(golden.model, ModelConfig(device="cpu", threads=1, **config))


@pytest.mark.torch
def test_as_the_reference_and_as_openvino(golden: Golden) -> None:
    made, other = encoder(golden), openvino(golden.model)
    pairs = (
        (image_rows(made), golden.image_embeddings, image_rows(other)),
        (
            text_rows(made, golden.captions),
            golden.text_embeddings,
            text_rows(other, golden.captions),
        ),
    )
    for rows, reference, openvino_rows in pairs:
        assert np.abs(rows - reference).max() <= TOLERANCE
        assert np.abs(rows - openvino_rows).max() <= TOLERANCE


@pytest.mark.torch
def test_batches_and_order(golden: Golden) -> None:
    captions = golden.captions[::-1]
    small = text_rows(encoder(golden, batch_size=2), captions)
    assert np.abs(small[::-1] - golden.text_embeddings).max() <= TOLERANCE


@pytest.mark.torch
def test_lower_precision_runs_and_is_told() -> None:
    golden = load("clip-quick")
    made = encoder(golden, precision="bf16")
    assert made.provenance.precision == "bf16"
    difference = np.abs(image_rows(made) - golden.image_embeddings).max()
    assert TOLERANCE < difference < 0.1


@pytest.mark.torch
def test_what_there_is_not() -> None:
    golden = load("siglip")
    wrong: Any = "fp8"
    with pytest.raises(UnknownNameError, match="no device"):
        TorchEncoder(golden.model, ModelConfig(device="cuda:99"))
    with pytest.raises(UnknownNameError, match="fp8"):
        TorchEncoder(golden.model, ModelConfig(device="cpu", precision=wrong))
    with pytest.raises(ModelError, match="openvino"):
        TorchEncoder(load("clip-onnx").model, ModelConfig(device="cpu"))


def test_a_missing_extra_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(MissingExtraError, match=r'pip install "pairsift\[torch\]"'):
        TorchEncoder(load("siglip").model, ModelConfig(device="cpu"))


@pytest.mark.torch
def test_several_devices_are_one_encoder() -> None:
    golden = load("siglip2")
    both = open_encoder(golden.model, ModelConfig(device="cpu,cpu", threads=1))
    assert both.provenance.device == "cpu,cpu"
    assert np.abs(image_rows(both) - golden.image_embeddings).max() <= TOLERANCE
    assert np.abs(text_rows(both, golden.captions) - golden.text_embeddings).max() <= TOLERANCE
    one = open_encoder(golden.model, ModelConfig(device="cpu", threads=1))
    assert isinstance(one, TorchEncoder)


@pytest.mark.torch
def test_a_device_that_computes_something_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a card that takes TF32 for convolutions would."""
    monkeypatch.setattr("pairsift.encoders.torch.probe_precision", lambda *_: ("fp32", "tf32"))
    with pytest.raises(ModelError, match="precision fp32 was asked for, but cpu computes tf32"):
        TorchEncoder(load("siglip").model, ModelConfig(device="cpu"))


@pytest.mark.torch
def test_memory_that_does_not_suffice_costs_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    golden = load("clip-quick")
    made = encoder(golden)
    torch = importlib.import_module("torch")
    tower = made._towers.get_image_features

    def with_room_for_two(pixel_values: Any) -> Any:
        if len(pixel_values) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return tower(pixel_values=pixel_values)

    monkeypatch.setattr(made._towers, "get_image_features", with_room_for_two)
    assert np.abs(image_rows(made) - golden.image_embeddings).max() <= TOLERANCE
    assert made._images.batch_size == 2
    assert made._texts.batch_size == 32


@pytest.mark.torch
def test_weights_are_kept_in_the_asked_precision() -> None:
    golden = load("clip-gelu")
    for precision, size in (("fp32", 4), ("fp16", 2)):
        made = encoder(golden, precision=precision)
        sizes = {weight.element_size() for weight in made._towers.parameters()}
        assert sizes == {size}
        assert made._towers.config._attn_implementation == "sdpa"


@pytest.mark.slow
@pytest.mark.torch
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of PyTorch about itself
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a compiler here")
def test_compiled_towers_give_the_same_numbers() -> None:
    golden = load("clip-quick")
    made = encoder(golden, torch_compile=True)
    assert np.abs(image_rows(made) - golden.image_embeddings).max() <= TOLERANCE
    assert np.abs(text_rows(made, golden.captions) - golden.text_embeddings).max() <= TOLERANCE
