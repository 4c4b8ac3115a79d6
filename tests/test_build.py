"""Who chooses: the runtime by the device, and how much is decoded ahead."""

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pytest

import pairsift
from pairsift import build
from pairsift.build import build_scorer, choose_runtime
from pairsift.config import ModelConfig, ScoreConfig
from pairsift.encoders.fake import FakeEncoder
from pairsift.encoders.torch import TorchEncoder
from pairsift.errors import UnknownNameError
from pairsift.measures import find_measure
from tests.engines.test_local import make_table


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "openvino"),
        ({"device": "cpu"}, "openvino"),
        ({"device": "cpu,cpu"}, "torch"),
        ({"device": "cuda"}, "torch"),
        ({"device": "cuda:0,cuda:3"}, "torch"),
        ({"device": "mps"}, "torch"),
        ({"torch_compile": True}, "torch"),
        ({"device": "cpu", "runtime": "torch"}, "torch"),
        ({"runtime": "fake"}, "fake"),
    ],
)
def test_the_runtime_follows_from_the_device(options: dict[str, Any], expected: str) -> None:
    assert choose_runtime(ModelConfig(**options)) == expected


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"device": "gpu"}, "several with commas"),
        ({"device": "auto,cpu"}, "unknown device"),
        ({"device": "cuda:0,gpu"}, "unknown device"),
        ({"runtime": "openvino", "device": "cuda"}, "not on cuda; use --runtime torch"),
        ({"runtime": "openvino", "device": "cpu,cpu"}, "not on cpu,cpu"),
        ({"runtime": "openvino", "torch_compile": True}, "not with torch.compile"),
        ({"runtime": "jax"}, "unknown runtime"),
    ],
)
def test_what_excludes_each_other(options: dict[str, Any], words: str) -> None:
    with pytest.raises(UnknownNameError, match=words):
        choose_runtime(ModelConfig(**options))


@pytest.mark.parametrize(
    ("device", "side", "expected"),
    [
        ("cpu", 224, 334),
        ("cpu", 32, 1024),
        ("cuda:0", 224, 1024),
        ("cuda:0,cuda:1", 224, 2048),
        ("cuda:0", 512, 256),
        ("cuda:0,cuda:1", 512, 512),
    ],
)
def test_accelerators_get_larger_batches(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, device: str, side: int, expected: int
) -> None:
    class There(FakeEncoder):
        provenance = SimpleNamespace(device=device, model="any")  # type: ignore[assignment]
        image_size = side

    encoder: Any = There()
    measure = find_measure("cosine", encoder.record)
    monkeypatch.setattr(build, "build_parts", lambda *_, **__: (encoder, measure))
    scorer = build_scorer(ScoreConfig(), tmp_path)
    assert scorer.batch_rows == expected
    scorer.close()


@pytest.mark.torch
def test_two_devices_score_a_table_as_one_runtime_does(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    threads: set[str] = set()
    encode = TorchEncoder.encode_images

    def watched(self: TorchEncoder, pixels: Any) -> Any:
        threads.add(threading.current_thread().name)
        return encode(self, pixels)

    monkeypatch.setattr(TorchEncoder, "encode_images", watched)
    table = make_table(tmp_path)
    scored = []
    for device in ("cpu", "cpu,cpu"):
        config = ScoreConfig(
            model=ModelConfig(model="storybook-small", device=device, precision="fp32", threads=1)
        )
        scored.append(pairsift.score_table(table, config=config))
    assert threads == {"pairsift-device_0", "pairsift-device_1"}
    one, two = (table["similarity"].to_numpy() for table in scored)
    assert pc.all(pc.equal(scored[0]["similarity_status"], "ok")).as_py()
    assert np.abs(one - two).max() < 1e-5
