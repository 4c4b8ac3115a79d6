"""Int8 towers: the same bits whatever the batch, and proof that int8 is what runs."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import openvino as ov
import pytest

from pairsift.config import ModelConfig, ScoreConfig
from pairsift.encoders import int8
from pairsift.encoders.graph import build_image_tower
from pairsift.encoders.openvino import OpenVinoEncoder, choose_precision
from pairsift.errors import ModelError, ModelRecipeError, UnknownNameError, WeightsError
from pairsift.models import DATA, LocalModel, find_record
from pairsift.quantizing import folders
from pairsift.quantizing.making import int8_towers
from pairsift.quantizing.pairs import PairSample, PreparedPairs, prepare_pairs
from pairsift.weights import resolve_model
from tests.quantizing.books import draw_book

pytestmark = pytest.mark.quantize

ROOT = Path(__file__).parents[2]
Made = tuple[LocalModel, PreparedPairs]


@pytest.fixture(scope="module")
def storybook(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The larger built-in model, a CLIP with trimmed captions, at int8 without a gate."""
    home = tmp_path_factory.mktemp("storybook")
    table = draw_book(home / "book", num=72)
    source = resolve_model("storybook", config=ModelConfig())
    encoder = OpenVinoEncoder(source, ModelConfig(precision="fp32"))
    pairs = prepare_pairs(PairSample(table, ScoreConfig(), num=72, seed=0), encoder, ScoreConfig())
    few = replace(pairs, pixels=pairs.pixels[:24], captions=pairs.captions[:24])
    images, texts = int8_towers(source, few)
    stage = home / "int8"
    stage.mkdir()
    folders.copy_recipes(source, stage)
    folders.write_towers(stage, images=images, texts=texts)
    folders.write_int8_card(stage, source, {})
    return resolve_model(str(stage), config=ModelConfig()), pairs


Way = Callable[[LocalModel, PreparedPairs], tuple[np.ndarray, np.ndarray]]


def whole(model: LocalModel, pairs: PreparedPairs, **changes: int) -> tuple[np.ndarray, np.ndarray]:
    encoder = OpenVinoEncoder(model, replace(ModelConfig(), **changes))  # type: ignore[arg-type]
    return encoder.encode_images(pairs.pixels), encoder.encode_texts(pairs.captions)


def alone(model: LocalModel, pairs: PreparedPairs) -> tuple[np.ndarray, np.ndarray]:
    encoder = OpenVinoEncoder(model, ModelConfig())
    return (
        np.concatenate([encoder.encode_images([picture]) for picture in pairs.pixels]),
        np.concatenate([encoder.encode_texts([caption]) for caption in pairs.captions]),
    )


def turned(model: LocalModel, pairs: PreparedPairs) -> tuple[np.ndarray, np.ndarray]:
    encoder = OpenVinoEncoder(model, ModelConfig())
    return (
        encoder.encode_images(pairs.pixels[::-1])[::-1],
        encoder.encode_texts(pairs.captions[::-1])[::-1],
    )


WAYS: dict[str, Way] = {
    "alone": alone,
    "turned": turned,
    "batch of 7": lambda model, pairs: whole(model, pairs, batch_size=7),
    "one thread": lambda model, pairs: whole(model, pairs, threads=1),
}


@pytest.mark.parametrize("way", list(WAYS))
def test_rows_are_the_same_bits(way: str, storybook: Made) -> None:
    model, pairs = storybook
    for one, other in zip(whole(model, pairs), WAYS[way](model, pairs), strict=True):
        assert np.array_equal(one, other)


def test_what_runs_is_int8(storybook: Made) -> None:
    model, _ = storybook
    assert OpenVinoEncoder(model, ModelConfig(precision="int8")).provenance.precision == "int8"
    core = ov.Core()
    tower = int8.read_towers(core, model.folder, model.record)[0]
    found = int8.executed_products(core.compile_model(tower, "CPU"))
    assert found["i8"] + found["u8"] > 0.9 * found.total()


def test_a_float_tower_is_no_int8() -> None:
    core = ov.Core()
    tower = build_image_tower(DATA / "storybook", find_record("storybook"))
    assert not int8.is_quantized(tower)
    with pytest.raises(ModelError, match="does not run the int8 towers in int8"):
        int8.require_int8(core, core.compile_model(tower, "CPU"))


def test_a_processor_that_cuts_off_sums_is_refused(storybook: Made) -> None:
    """As one without VNNI would: oneDNN can be told to do without."""
    if not int8.sums_exactly(ov.Core()):
        pytest.skip("this processor is such a one")
    command = [sys.executable, "-m", "pairsift", "models", "check", str(storybook[0].folder)]
    environment = {
        **os.environ,
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "PYTHONPATH": str(ROOT / "src"),
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "cuts off sums of int8 products" in done.stderr


def test_int8_of_a_float_model_says_how_to_make_it() -> None:
    with pytest.raises(UnknownNameError, match="models quantize"):
        choose_precision("int8")


def test_a_tower_of_another_shape_is_refused(storybook: Made) -> None:
    model, _ = storybook
    wrong = replace(model.record, image=replace(model.record.image, size=112))
    with pytest.raises(ModelRecipeError, match="image_tower"):
        int8.read_towers(ov.Core(), model.folder, wrong)


def test_damaged_files_are_told(storybook: Made, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="not there"):
        int8.read_towers(ov.Core(), tmp_path, storybook[0].record)
    (tmp_path / "int8").mkdir()
    for name in ("image_tower.xml", "text_tower.xml"):
        (tmp_path / "int8" / name).write_text("<net>")
    with pytest.raises(WeightsError, match="cannot be read"):
        int8.read_towers(ov.Core(), tmp_path, storybook[0].record)
