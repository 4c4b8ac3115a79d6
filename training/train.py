"""Trains a built-in model: ``python -m training.train --config storybook --out DIR``.

The stages are those of ``training.stages``: ``look`` and ``words`` train one tower each and run
side by side, one core each; ``both`` puts them together. The run follows from its seed, saves
itself every few minutes, and goes on where it stopped when the same command is given again.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import nn

from training.checkpoints import Averages, append_log, cut_log, load_state, save_state
from training.data import NUM_VIEWS, SHARD, WORDS_SHARD, View, read_view, read_words
from training.render import load_tokenizers
from training.shapes import SHAPES, Shape
from training.stages import both_loss, build_helpers, look_loss, words_loss
from training.tokenizer import special_ids
from training.towers import build_config, build_model

SAVE_SECONDS: Final = 180
LOG_STEPS: Final = 50
_WARMUP: Final = 100
WORDS_FILES: Final = 60


@dataclass(frozen=True)
class Stage:
    """How one stage is trained.

    Attributes:
        loss: The function of ``training.stages``.
        batch: Scenes in a step.
        rate: The highest learning rate of vectors, embeddings and heads (AdamW).
        matrix_rate: The same of the matrices inside the towers' layers (Muon).
        cooldown: The share of the steps, at the end, in which the rate falls to nothing.
        steps: How many.
    """

    loss: Any
    batch: int
    rate: float
    matrix_rate: float
    cooldown: float
    steps: int


STAGES: Final = {
    "look": Stage(look_loss, 64, 1.5e-3, 4e-3, 0.15, 6_500),
    "words": Stage(words_loss, 256, 1e-3, 3e-3, 0.4, 1_200),
    "both": Stage(both_loss, 64, 5e-4, 1.5e-3, 0.8, 4_000),
}


class Run:
    """One stage of one model's training: everything that is saved and resumed.

    Args:
        shape: Which model.
        out: The folder of the run.
        stage: Which stage.
        seed: The seed of the whole run.
        steps: How many steps instead of the stage's own; 0: those.
    """

    def __init__(self, shape: Shape, out: Path, stage: str, *, seed: int, steps: int = 0) -> None:
        torch.manual_seed(seed)
        self.shape, self.out, self.stage, self.seed = shape, out, stage, seed
        self.plan = STAGES[stage]
        self.steps = steps or self.plan.steps
        tokenizer = load_tokenizers(out / "data", seed)[shape.family]
        config = build_config(
            shape, vocabulary_size=tokenizer.get_vocab_size(), special_ids=special_ids(tokenizer)
        )
        self.model = build_model(shape, config)
        self.helpers = build_helpers(shape, config)
        self.whole = nn.ModuleDict({"model": self.model, "helpers": self.helpers})
        if stage == "both":
            self._join_towers()
        self.averages = Averages(self.whole)
        self.optimizers = build_optimizers(self.whole, self.plan)
        self.step = 0
        self.stop_after = self.steps
        self.path = checkpoint_path(out, shape.name, stage)
        state = load_state(self.path)
        if state is not None:
            self.step = state["step"]
            self.whole.load_state_dict(state["weights"])
            self.averages.weights, self.averages.step = state["average"], state["averaged"]
            for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
                optimizer.load_state_dict(saved)

    def _join_towers(self) -> None:
        """Start from what the two single stages learnt."""
        weights = self.whole.state_dict()
        for stage, parts in (
            ("words", ("model.text", "helpers.scene", "helpers.text", "helpers.log", "helpers.b")),
            ("look", ("model.vision", "helpers.image", "helpers.patch")),
        ):
            state = load_state(checkpoint_path(self.out, self.shape.name, stage))
            if state is None:
                raise SystemExit(f"stage both needs the checkpoint of stage {stage} first")
            weights.update(
                {name: value for name, value in state["average"].items() if name.startswith(parts)}
            )
        self.whole.load_state_dict(weights)
        with torch.no_grad():
            self.model.logit_scale.copy_(self.helpers.log_scale)
            if self.shape.family == "siglip":
                self.model.logit_bias.copy_(self.helpers.bias)

    def save(self) -> None:
        """Write the checkpoint."""
        save_state(
            self.path,
            {
                "step": self.step,
                "weights": self.whole.state_dict(),
                "average": self.averages.weights,
                "averaged": self.averages.step,
                "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            },
        )

    def share_of_rate(self) -> float:
        """This step's share of the highest rates: a warm-up, a plateau, a cosine to nothing."""
        left = (self.steps - self.step) / max(1.0, self.plan.cooldown * self.steps)
        fall = 0.5 - 0.5 * math.cos(math.pi * min(1.0, left))
        return min(1.0, (self.step + 1) / _WARMUP) * fall

    def update(self, loss: torch.Tensor) -> None:
        """Take one step along the loss.

        Args:
            loss: A scalar with a gradient.
        """
        share = self.share_of_rate()
        for optimizer, rate in zip(
            self.optimizers, (self.plan.rate, self.plan.matrix_rate), strict=True
        ):
            for group in optimizer.param_groups:
                group["lr"] = rate * share
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.whole.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
        self.step += 1
        self.averages.update(self.whole)


def build_optimizers(whole: nn.Module, plan: Stage) -> tuple[torch.optim.Optimizer, ...]:
    """Make the two optimizers: Muon for the matrices inside the towers' layers, AdamW for the rest.

    Over the first 40,000 pictures of stage ``look`` Muon needed two thirds of AdamW's samples.

    Args:
        whole: The model and its helpers.
        plan: The stage.

    Returns:
        AdamW, then Muon.

    Source:
        Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks"; the rate's
        scale is that of Liu et al. 2025, "Muon is scalable for LLM training".
    """
    matrices: list[Any] = []
    tables: list[Any] = []
    vectors: list[Any] = []
    for name, parameter in whole.named_parameters():
        if parameter.ndim == 2 and ".layers." in name:
            matrices.append(parameter)
        else:
            (tables if parameter.ndim > 1 else vectors).append(parameter)
    adam = torch.optim.AdamW(
        [{"params": tables, "weight_decay": 0.05}, {"params": vectors}],
        lr=plan.rate,
        betas=(0.9, 0.98),
        weight_decay=0.0,
    )
    muon = torch.optim.Muon(
        matrices, lr=plan.matrix_rate, weight_decay=0.05, adjust_lr_fn="match_rms_adamw"
    )
    return adam, muon


def checkpoint_path(out: Path, name: str, stage: str) -> Path:
    """Say where a stage keeps its checkpoint.

    Args:
        out: The folder of the run.
        name: The model's name.
        stage: The stage's name.

    Returns:
        The path.
    """
    return out / f"{name}-{stage}.pt"


def batches(run: Run, num_files: int) -> Iterator[Any]:
    """Read batches from the run's step on, waiting for files that are not made yet.

    Args:
        run: The run.
        num_files: How many picture files there are to be.

    Yields:
        What the stage's loss takes.
    """
    folder, size = run.out / "data", run.plan.batch
    # The files of stage both come in another order, so that it sees the last ones first.
    shift = num_files // 2 if run.stage == "both" else 0
    per_file = (WORDS_SHARD if run.stage == "words" else SHARD) // size
    while True:
        number, first = divmod(run.step, per_file)
        order = np.random.default_rng([run.seed, number]).permutation(per_file * size)
        if run.stage == "words":
            arrays = read_words(folder, number % WORDS_FILES, run.shape.family)
        else:
            lap, file = divmod(number, num_files)
            file = (file + shift) % num_files
            while not (folder / f"pictures-{file:05d}.npz").exists():
                time.sleep(1)
            side = (lap + bool(shift)) % NUM_VIEWS
            view = read_view(folder, file, side, run.shape.family, seed=run.seed)
            arrays = tuple(vars(view).values())
        for part in range(first, per_file):
            chosen = order[part * size : (part + 1) * size]
            rows = tuple(array[chosen] for array in arrays)
            yield rows if run.stage == "words" else View(*rows)


def train(run: Run, *, num_files: int, until: float) -> None:
    """Run a stage to its last step or the deadline, logging and saving on the way.

    Args:
        run: The run.
        num_files: How many picture files there are to be.
        until: When to stop, in seconds of ``time.time``.
    """
    log = run.out / f"{run.shape.name}.jsonl"
    cut_log(log, run.stage, run.step)
    saved = time.time()
    window: list[dict[str, float]] = []
    for batch in batches(run, num_files):
        if run.step >= run.stop_after or time.time() > until:
            break
        random = np.random.default_rng([run.seed, run.step, 1])
        loss, told = run.plan.loss(run.model, run.shape, run.helpers, batch, random)
        run.update(loss)
        window.append({"loss": float(loss.detach()), **told})
        if run.step % LOG_STEPS == 0:
            means = {name: float(np.mean([one[name] for one in window])) for name in window[0]}
            rounded = {name: round(mean, 4) for name, mean in means.items()}
            append_log(
                log,
                stage=run.stage,
                step=run.step,
                rate=round(run.plan.rate * run.share_of_rate(), 7),
                **rounded,
            )
            window = []
        if time.time() - saved > SAVE_SECONDS:
            run.save()
            saved = time.time()
    run.save()


def _run_both_towers(options: argparse.Namespace, arguments: list[str]) -> None:
    """Run the two single stages side by side, each on its own core, and the renderer with them."""
    render = [sys.executable, "-m", "training.render", "--out", str(options.out)]
    render += ["--seed", str(options.seed), "--words", str(WORDS_FILES)]
    render += ["--pictures", str(options.files), "--parent", str(os.getpid())]
    renderer = subprocess.Popen(render)
    try:
        while not (options.out / "data" / f"words-{WORDS_FILES - 1:05d}.npz").exists():
            time.sleep(1)
        command = [sys.executable, "-m", "training.train", *arguments, "--threads", "1"]
        stages = [subprocess.Popen([*command, "--stage", name]) for name in ("look", "words")]
        codes = [process.wait() for process in stages]
        if any(codes):
            raise SystemExit("a stage failed; its message is above")
    finally:
        renderer.terminate()
        renderer.wait()


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", choices=sorted(SHAPES), default="storybook")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--files", type=int, default=200, help="files of 2048 pictures")
    parser.add_argument("--stage", choices=["all", *STAGES], default="all")
    parser.add_argument("--steps", type=int, default=0, help="instead of the stage's own number")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--minutes", type=float, default=1e6, help="stop and save after these")
    options = parser.parse_args(arguments)
    (options.out / "data").mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(options.threads)
    torch.set_flush_denormal(True)
    load_tokenizers(options.out / "data", options.seed)
    if options.stage == "all":
        _run_both_towers(options, arguments)
    stage = "both" if options.stage == "all" else options.stage
    run = Run(SHAPES[options.config], options.out, stage, seed=options.seed, steps=options.steps)
    train(run, num_files=options.files, until=time.time() + 60 * options.minutes)


if __name__ == "__main__":
    main(sys.argv[1:])
