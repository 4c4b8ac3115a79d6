"""A model at int8: accepted, used, refused; the folder appears whole or not at all."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pairsift.api import load_calculator
from pairsift.cards import CARD_FILE, read_card
from pairsift.checking import check_model, open_encoder
from pairsift.config import ModelConfig, QuantizeConfig
from pairsift.errors import ModelError, OutputExistsError, UsageError, WeightsError
from pairsift.quantizing.making import split_pairs
from pairsift.quantizing.pairs import PreparedPairs
from pairsift.quantizing.reporting import QuantizeReport
from pairsift.weights import resolve_model
from tests.quantizing.books import LIMITS, quantize

pytestmark = pytest.mark.quantize


def test_it_is_accepted_with_its_figures(made: QuantizeReport) -> None:
    assert made.failed == ()
    assert made.towers == {"image": "int8", "text": "int8"}
    assert (made.num_calibration, made.drift.num_pairs) == (40, 90)
    assert made.drift.rank_agreement >= LIMITS.min_rank_agreement
    words = str(made)
    assert "Spearman" in words
    assert "sound" in words


def test_the_card_says_what_it_was_made_of(folder: Path) -> None:
    card = read_card(folder)
    assert card is not None
    source = resolve_model("storybook-small", config=ModelConfig())
    quantization = card["quantization"]
    assert quantization["source"]["weights_sha256"] == source.weights_sha256
    assert quantization["source"]["name"] == "storybook-small"
    assert set(quantization["drift"]) > {"shift_p99", "rank_agreement", "auc_int8"}
    assert quantization["calibration"]["pairs"] == 40
    assert quantization["made_with"]["nncf"]
    paths = {file["path"] for file in card["lock"]["files"]}
    assert {"int8/image_tower.bin", "int8/text_tower.xml", "tokenizer.json"} <= paths


def test_it_is_used_as_a_folder(folder: Path) -> None:
    calculator = load_calculator(str(folder), measure="logit")
    provenance = calculator.encoder.provenance
    assert (provenance.model, provenance.precision) == ("storybook-small-int8", "int8")
    assert provenance.weights_sha256
    exact = load_calculator("storybook-small", measure="logit")
    picture = np.full((96, 96, 3), (200, 30, 30), np.uint8)
    one, other = (c.calculate([picture], ["a red ball"])[0] for c in (calculator, exact))
    assert one == pytest.approx(other, abs=2.0)  # the scale came along


def test_models_check_accepts_it(folder: Path) -> None:
    config = ModelConfig(model=str(folder))
    report = check_model(resolve_model(str(folder), config=config), config)
    assert report.is_sound, str(report)
    assert report.precision == "int8"
    passed = {check.name for check in report.checks if check.outcome == "pass"}
    assert {"checksums", "recipe", "fingerprint", "canaries", "drift"} <= passed


def test_a_changed_tower_is_refused(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    weights = bytearray((copy / "int8/text_tower.bin").read_bytes())
    weights[len(weights) // 2] ^= 0x40
    (copy / "int8/text_tower.bin").write_bytes(bytes(weights))
    with pytest.raises(WeightsError, match=r"text_tower\.bin"):
        resolve_model(str(copy), config=ModelConfig())


def test_weights_of_another_calibration_are_noticed(folder: Path, tmp_path: Path) -> None:
    """Even where the checksums were made to fit, the fingerprint tells."""
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    path = copy / "int8/image_tower.bin"
    weights = np.frombuffer(path.read_bytes(), np.uint8).copy()
    weights[1000:9000] ^= 0x10
    path.write_bytes(weights.tobytes())
    card = json.loads((copy / CARD_FILE).read_text())
    (copy / CARD_FILE).unlink()
    found = resolve_model(str(copy), config=ModelConfig())
    pins = {f.path: f.sha256 for f in found.record.files}
    for file in card["lock"]["files"]:
        file["sha256"] = pins[file["path"]]
    (copy / CARD_FILE).write_text(json.dumps(card))
    config = ModelConfig(model=str(copy))
    report = check_model(resolve_model(str(copy), config=config), config)
    assert "fingerprint" in report.failed


def test_another_precision_is_refused(folder: Path) -> None:
    model = resolve_model(str(folder), config=ModelConfig())
    with pytest.raises(ModelError, match="int8 towers and no others, not bf16"):
        open_encoder(model, ModelConfig(precision="bf16"))


def test_what_drifts_too_far_leaves_nothing(book: str, tmp_path: Path) -> None:
    place = tmp_path / "sub" / "refused"
    strict = replace(LIMITS, max_similarity_shift=1e-6, towers="both")
    report = quantize("storybook-small", book, place, strict)
    assert report.failed == ("similarities",)
    assert report.folder is None
    assert report.drift.shift_p99 > 0
    assert list(place.parent.iterdir()) == []
    with pytest.raises(ModelError, match="refused, and nothing is written: similarities"):
        report.require_accepted()


def test_auto_leaves_the_text_tower_where_both_drift_too_far(
    made: QuantizeReport, book: str, tmp_path: Path
) -> None:
    alone = quantize("storybook-small", book, tmp_path / "a", replace(LIMITS, towers="image"))
    assert alone.drift.caption_distance == 0.0
    assert alone.drift.rank_agreement > made.drift.rank_agreement
    between = (alone.drift.rank_agreement + made.drift.rank_agreement) / 2
    limits = replace(LIMITS, min_rank_agreement=between)
    report = quantize("storybook-small", book, tmp_path / "b", limits)
    assert report.failed == ()
    assert report.towers == {"image": "int8", "text": "fp32"}
    assert report.drift == alone.drift


def test_a_folder_that_holds_something_is_kept(book: str, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(OutputExistsError, match="choose another"):
        quantize("storybook-small", book, tmp_path)


def test_int8_of_int8_is_refused(folder: Path, book: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="int8 already"):
        quantize(str(folder), book, tmp_path / "twice")


def test_too_few_pairs_are_refused() -> None:
    few = PreparedPairs([np.zeros((2, 2, 3), np.uint8)] * 40, [None] * 40, 60, {"image_null": 20})  # type: ignore[list-item]
    with pytest.raises(UsageError, match=r"40 readable pairs are too few.*20 image_null"):
        split_pairs(few, QuantizeConfig())
