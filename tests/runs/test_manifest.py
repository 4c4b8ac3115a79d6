"""A run goes on only with the model that made it, whatever its recipes say in words."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pairsift.build import build_scorer
from pairsift.config import ModelConfig, RunConfig, ScoreConfig
from pairsift.engines.local import run_folder, score_file
from pairsift.errors import RunFolderError
from pairsift.job import Progress
from pairsift.models import DATA
from pairsift.runs.manifest import differences
from tests.bad_inputs import encoded, picture


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    shutil.copytree(DATA / "storybook-small", folder)
    (folder / "pairsift.json").unlink()  # a checkpoint as anybody has one
    return folder


@pytest.fixture
def table(tmp_path: Path) -> Path:
    (tmp_path / "0.png").write_bytes(encoded(picture(0), "PNG"))
    path = tmp_path / "pairs.csv"
    path.write_text("image,caption\n" + "".join(f"0.png,a red fox {n}\n" for n in range(9)))
    return path


def change(path: Path, **facts: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | facts))


def score(table: Path, model: Path, *, stop_after: int | None = None) -> None:
    def watch(progress: Progress) -> None:
        if progress.rows_done == stop_after:
            raise KeyboardInterrupt

    config = ScoreConfig(model=ModelConfig(model=str(model)), run=RunConfig(shard_rows=3))
    score_file(
        config,
        table,
        output_path=table.with_name("out.csv"),
        build=build_scorer,
        on_progress=watch,
    )


def test_a_changed_file_of_the_model_is_refused_by_name(table: Path, model: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        score(table, model, stop_after=6)
    change(model / "config.json", torch_dtype="float16")
    with pytest.raises(RunFolderError, match=r"model_files: config\.json changed"):
        score(table, model)


def test_a_run_of_an_earlier_version_goes_on(table: Path, model: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        score(table, model, stop_after=6)
    path = run_folder(table.with_name("out.csv")) / "run.json"
    manifest = json.loads(path.read_text())
    del manifest["score_identity"]["model_files"]
    path.write_text(json.dumps(manifest))
    score(table, model)


def test_differences_are_named() -> None:
    before = {"model": "a", "model_files": {"x": "1", "y": "2"}, "limit": None}
    now = {"model": "a", "model_files": {"x": "1", "z": "3"}, "limit": 5, "new": 1}
    assert differences(before, now) == [
        "model_files: y, z changed",
        "limit was not set, now 5",
    ]
    assert differences(before, before) == []
