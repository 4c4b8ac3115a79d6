import json
from pathlib import Path

import pytest
import torch

from training.checkpoints import Averages, append_log, cut_log, load_state, save_state

pytestmark = pytest.mark.torch


def test_a_state_comes_back_whole(tmp_path: Path) -> None:
    path = tmp_path / "run.pt"
    assert load_state(path) is None
    save_state(path, {"step": 3, "weights": {"a": torch.arange(3)}})
    state = load_state(path)
    assert state is not None
    assert state["step"] == 3
    assert [file.name for file in tmp_path.iterdir()] == ["run.pt"]


def test_averages_follow_the_weights_slowly() -> None:
    module = torch.nn.Linear(1, 1, bias=False)
    averages = Averages(module, decay=0.5)
    start = averages.weights["weight"].item()
    with torch.no_grad():
        module.weight.fill_(start + 1)
    averages.update(module)
    assert start < averages.weights["weight"].item() < start + 1
    for _ in range(60):
        averages.update(module)
    assert averages.weights["weight"].item() == pytest.approx(start + 1)


def test_a_resumed_log_does_not_say_things_twice(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    for step in (50, 100, 150):
        append_log(path, stage="look", step=step, loss=1.0)
    append_log(path, stage="words", step=150, loss=1.0)
    cut_log(path, "look", 100)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["stage"], line["step"]) for line in lines] == [
        ("look", 50),
        ("look", 100),
        ("words", 150),
    ]
