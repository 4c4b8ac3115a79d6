import json
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, CLIPModel, SiglipModel

from training import train
from training.data import encode_captions
from training.evaluate import evaluate, load_embedder, load_model
from training.export import export
from training.shapes import SHAPES

pytestmark = [pytest.mark.torch, pytest.mark.slow]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    (folder / "data").mkdir()
    for shape in SHAPES.values():
        train.Run(shape, folder, "look", seed=0).save()
    return folder


@pytest.mark.parametrize("name", SHAPES)
def test_transformers_loads_what_was_trained(name: str, out: Path, tmp_path: Path) -> None:
    shape = SHAPES[name]
    export(shape, out, tmp_path / name, seed=0, stage="look")
    model = (CLIPModel if shape.family == "clip" else SiglipModel).from_pretrained(tmp_path / name)
    state = torch.load(train.checkpoint_path(out, name, "look"), weights_only=True)["average"]
    for key, value in model.state_dict().items():
        assert torch.equal(value.float(), state[f"model.{key}"].half().float()), key
    _, tokenizer, _ = load_model(tmp_path / name)
    texts = ["two red apples", "Zürich 😀"]
    theirs = AutoTokenizer.from_pretrained(tmp_path / name)(
        texts, padding="max_length", max_length=32, truncation=True
    )["input_ids"]
    assert encode_captions(tokenizer, texts, 32).tolist() == theirs
    ran = {
        runtime: evaluate(
            load_embedder(tmp_path / name, runtime=runtime, precision="fp32", threads=1),
            seed=3,
            num_pairs=40,
        )
        for runtime in ("transformers", "openvino", "torch")
    }
    assert 0 <= ran["transformers"]["auc"] <= 1
    assert json.dumps(ran)
    for runtime in ("openvino", "torch"):
        assert ran[runtime]["runtime"].startswith(runtime)
        assert ran[runtime]["auc"] == pytest.approx(ran["transformers"]["auc"], abs=1e-6)
