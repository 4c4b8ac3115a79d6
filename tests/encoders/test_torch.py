"""The PyTorch encoder against the goldens and against the OpenVINO encoder."""

import importlib
from typing import Any

import numpy as np
import pytest

from pairsift.config import ModelConfig
from pairsift.encoders.torch import TorchEncoder
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
    with pytest.raises(MissingExtraError, match=r"pip install 'pairsift\[torch\]'"):
        TorchEncoder(load("siglip").model, ModelConfig(device="cpu"))
