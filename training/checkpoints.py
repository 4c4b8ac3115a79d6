"""What a training run keeps on disk, so that it can be cut off at any moment."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import torch


class Averages:
    """Running averages of a network's weights, which score better than the last step's.

    Args:
        module: The network.
        decay: How much of the average each step keeps; less in the first steps.
    """

    def __init__(self, module: Any, decay: float = 0.998) -> None:
        self.decay = decay
        self.step = 0
        self.weights = {name: value.clone() for name, value in module.state_dict().items()}

    def update(self, module: Any) -> None:
        """Take in the weights after a step.

        Args:
            module: The network.
        """
        self.step += 1
        rate = 1 - min(self.decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for name, value in module.state_dict().items():
                if value.is_floating_point():
                    self.weights[name].lerp_(value, rate)
                else:
                    self.weights[name].copy_(value)


def save_state(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint whole or not at all.

    Args:
        path: The file.
        state: What ``torch.save`` can write.
    """
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def load_state(path: Path) -> dict[str, Any] | None:
    """Read a checkpoint.

    Args:
        path: The file.

    Returns:
        The state, or None when there is none.
    """
    if not path.exists():
        return None
    state: dict[str, Any] = torch.load(path, weights_only=True)
    return state


def append_log(path: Path, **entry: float | int | str) -> None:
    """Add a line to the log and show it.

    Args:
        path: The JSON Lines file.
        entry: What the line says; the time is added.
    """
    line = json.dumps({"time": round(time.time(), 1), **entry})
    with path.open("a") as file:
        file.write(line + "\n")
    print(line, flush=True)


def cut_log(path: Path, stage: str, step: int) -> None:
    """Drop a stage's log lines from after its checkpoint, which the resumed run says again.

    Args:
        path: The JSON Lines file.
        stage: The stage that is resumed.
        step: The step of its checkpoint.
    """
    if not path.exists():
        return
    lines = path.read_text().splitlines()
    entries = [(line, json.loads(line)) for line in lines]
    kept = [line for line, said in entries if said["stage"] != stage or said["step"] <= step]
    path.write_text("".join(f"{line}\n" for line in kept))
