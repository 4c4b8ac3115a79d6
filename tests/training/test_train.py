import time
from pathlib import Path

import pytest
import torch

from training import data, train
from training.render import main as render
from training.shapes import SHAPES

pytestmark = [pytest.mark.torch, pytest.mark.slow]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for module in (data, train):
        monkeypatch.setattr(module, "SHARD", 64)
        monkeypatch.setattr(module, "WORDS_SHARD", 256)
    monkeypatch.setattr(train, "LOG_STEPS", 1)
    monkeypatch.setattr(train, "WORDS_FILES", 1)
    monkeypatch.setattr("training.render._TOKENIZER_CAPTIONS", 300)
    render(["--out", str(tmp_path), "--words", "1", "--pictures", "1"])
    return tmp_path


def run(folder: Path, stage: str, steps: int, whole: int) -> train.Run:
    """Take some steps of a plan of ``whole``, from the checkpoint if there is one."""
    made = train.Run(SHAPES["storybook-small"], folder, stage, seed=2, steps=whole)
    made.stop_after = steps
    train.train(made, num_files=1, until=time.time() + 100)
    return made


def test_a_resumed_run_is_the_run(folder: Path) -> None:
    for stage in ("look", "words", "both"):
        path = train.checkpoint_path(folder, "storybook-small", stage)
        straight = run(folder, stage, 3, 3)
        path.unlink()
        run(folder, stage, 1, 3)
        resumed = run(folder, stage, 3, 3)
        assert resumed.step == straight.step == 3
        for name, value in straight.whole.state_dict().items():
            assert torch.equal(value, resumed.whole.state_dict()[name]), name
    lines = (folder / "storybook-small.jsonl").read_text().splitlines()
    assert len(lines) == 9


def test_both_needs_its_towers(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(SystemExit, match="needs the checkpoint of stage words"):
        train.Run(SHAPES["storybook"], folder, "both", seed=2)
    assert tmp_path == folder
