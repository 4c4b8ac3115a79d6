"""What `models check` refuses, each fault planted into a model that was right."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from pairsift.cards import CARD_FILE, make_card, read_card
from pairsift.checking import CheckReport, check_model, record_figures, write_card
from pairsift.config import ModelConfig
from pairsift.errors import ModelError
from pairsift.invariants import Outcome
from pairsift.models import BUILT_IN, DATA
from pairsift.records import LocalModel
from pairsift.weights import resolve_model
from tests.word_checkpoint import write_word_checkpoint

CONFIG = ModelConfig(precision="fp32")
TRAINED = [name for name in BUILT_IN if (DATA / name / "model.safetensors").is_file()]
MODELS = ["clip", "siglip", *TRAINED]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a folder with a model that is right, and its card, made once."""
    made: dict[str, Path] = {}

    def make(name: str) -> Path:
        if name not in made:
            folder = tmp_path_factory.mktemp("sound") / name
            if name in TRAINED:
                shutil.copytree(DATA / name, folder)
                assert (folder / CARD_FILE).is_file(), "run scripts/record_fingerprint.py"
            else:
                write_word_checkpoint(folder, name)
                model = resolve_model(str(folder), config=CONFIG)
                write_card(folder, record_figures(model, CONFIG))
            made[name] = folder
        return made[name]

    return make


def check(folder: Path, config: ModelConfig = CONFIG) -> CheckReport:
    return check_model(resolve_model(str(folder), config=config), config)


def outcomes(report: CheckReport) -> dict[str, Outcome]:
    return {item.name: item.outcome for item in report.checks}


def edit(folder: Path, name: str, **changes: Any) -> None:
    content = json.loads((folder / name).read_text())
    (folder / name).write_text(json.dumps(content | changes))


def wrong_pad(folder: Path) -> None:
    words = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    now = json.loads((folder / "tokenizer_config.json").read_text()).get("pad_token")
    now = now.get("content") if isinstance(now, dict) else now
    other = next(word for word, index in words.items() if index > 10 and word != now)
    edit(folder, "tokenizer_config.json", pad_token=other)
    (folder / "special_tokens_map.json").unlink(missing_ok=True)


def swapped_mean_and_std(folder: Path) -> None:
    stated = json.loads((folder / "preprocessor_config.json").read_text())
    edit(
        folder,
        "preprocessor_config.json",
        image_mean=stated.get("image_std", [0.5] * 3),
        image_std=stated.get("image_mean", [0.5] * 3),
    )


def other_resize_mode(folder: Path) -> None:
    stated = json.loads((folder / "preprocessor_config.json").read_text())
    bicubic = stated.get("resample", 3) == 3
    edit(folder, "preprocessor_config.json", resample=2 if bicubic else 3)


def noise(folder: Path) -> None:
    generator = np.random.default_rng(5)
    tensors = load_file(folder / "model.safetensors")
    for name, tensor in tensors.items():
        spread = 0.1 * float(tensor.astype(np.float32).std())
        noisy = np.asarray(tensor + generator.normal(0, spread, tensor.shape))
        tensors[name] = noisy.astype(tensor.dtype)
    save_file(tensors, folder / "model.safetensors")


def replaced_tower(folder: Path) -> None:
    generator = np.random.default_rng(6)
    tensors = load_file(folder / "model.safetensors")
    for name, tensor in tensors.items():
        if name.startswith("text_model"):
            mixed = generator.permutation(tensor.reshape(-1)).reshape(tensor.shape)
            tensors[name] = np.ascontiguousarray(mixed)
    save_file(tensors, folder / "model.safetensors")


FAULTS = [wrong_pad, swapped_mean_and_std, other_resize_mode, noise, replaced_tower]


def with_fault(sound: Path, to: Path, fault: Callable[[Path], None], *, sums: bool) -> Path:
    """Copy a sound model, plant a fault, and give the card the new checksums if asked."""
    shutil.copytree(sound, to)
    card = read_card(to)
    assert card is not None
    (to / CARD_FILE).unlink()  # or the changed checksum is refused before anything else
    fault(to)
    if sums:
        card["lock"] = make_card(resolve_model(str(to), config=CONFIG))["lock"]
    (to / CARD_FILE).write_text(json.dumps(card))
    return to


@pytest.mark.parametrize("name", MODELS)
def test_a_sound_model_passes(name: str, sound: Callable[[str], Path]) -> None:
    report = check(sound(name))
    assert report.is_sound, str(report)
    report.require_sound()
    found = outcomes(report)
    assert found.pop("drift") is Outcome.NOT_CHECKED
    assert set(found.values()) == {Outcome.PASS}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
@pytest.mark.parametrize("name", MODELS)
def test_a_fault_is_refused_whatever_the_checksums_say(
    name: str, fault: Callable[[Path], None], sound: Callable[[str], Path], tmp_path: Path
) -> None:
    if name in TRAINED and fault is swapped_mean_and_std and _is_symmetric(sound(name)):
        fault = _shifted_mean
    report = check(with_fault(sound(name), tmp_path / "faulty", fault, sums=True))
    assert outcomes(report)["checksums"] is Outcome.PASS
    assert not report.is_sound, str(report)
    expected = "recipe" if fault in FAULTS[:3] or fault is _shifted_mean else "fingerprint"
    assert expected in report.failed
    # Padding changes nothing in a causal tower: there only the recipe can tell.
    if not (fault is wrong_pad and _is_clip(sound(name))):
        assert "fingerprint" in report.failed, str(report)
    with pytest.raises(ModelError, match="refused"):
        report.require_sound()


def _is_clip(folder: Path) -> bool:
    return bool(json.loads((folder / "config.json").read_text())["model_type"] == "clip")


def _is_symmetric(folder: Path) -> bool:
    """Whether mean and std are the same numbers, so that swapping them is no fault."""
    stated = json.loads((folder / "preprocessor_config.json").read_text())
    return bool(stated.get("image_mean") == stated.get("image_std"))


def _shifted_mean(folder: Path) -> None:
    edit(folder, "preprocessor_config.json", image_mean=[0.48, 0.46, 0.41])


@pytest.mark.parametrize("name", MODELS)
def test_squash_for_shortest_and_back_is_refused(
    name: str, sound: Callable[[str], Path], tmp_path: Path
) -> None:
    def other_resize(folder: Path) -> None:
        path = folder / "preprocessor_config.json"
        stated = json.loads(path.read_text())
        side = stated["size"].get("height") or stated["size"]["shortest_edge"]
        if "shortest_edge" in stated["size"]:
            stated |= {
                "image_processor_type": "SiglipImageProcessor",
                "size": {"height": side, "width": side},
                "do_center_crop": False,
            }
            del stated["crop_size"]
        else:
            stated |= {
                "image_processor_type": "CLIPImageProcessor",
                "size": {"shortest_edge": side},
                "crop_size": {"height": side, "width": side},
                "do_center_crop": True,
            }
        path.write_text(json.dumps(stated))

    report = check(with_fault(sound(name), tmp_path / "faulty", other_resize, sums=True))
    assert {"recipe", "fingerprint"} <= set(report.failed), str(report)


def test_a_changed_byte_is_refused_by_its_checksum(
    sound: Callable[[str], Path], tmp_path: Path
) -> None:
    model = resolve_model(str(sound("clip")), config=CONFIG)
    folder = with_fault(sound("clip"), tmp_path / "faulty", noise, sums=False)
    report = check_model(LocalModel(model.record, folder), CONFIG)
    assert "checksums" in report.failed


def test_a_record_that_is_not_the_files_is_refused(sound: Callable[[str], Path]) -> None:
    model = resolve_model(str(sound("siglip")), config=CONFIG)
    text = replace(model.record.text, trim_exact=True)  # the encoder itself pads all the same
    wrong = replace(model, record=replace(model.record, text=text))
    report = check_model(wrong, CONFIG)
    assert "recipe" in report.failed
    assert "trim_exact is True, but False" in str(report)


def test_weights_that_overflow_are_refused(tmp_path: Path) -> None:
    folder = write_word_checkpoint(tmp_path / "mine", "clip")
    tensors = load_file(folder / "model.safetensors")
    tensors["text_projection.weight"][:] = np.inf
    save_file(tensors, folder / "model.safetensors")
    report = check(folder)
    assert report.failed == ("runs",)
    assert "not finite" in str(report)


@pytest.mark.parametrize("family", ["clip", "siglip"])
def test_random_weights_pass_and_are_told_what_was_not_checked(family: str, tmp_path: Path) -> None:
    report = check(write_word_checkpoint(tmp_path / "mine", family, seed=3))
    found = outcomes(report)
    assert report.is_sound, str(report)
    for name in ("checksums", "fingerprint", "drift"):
        assert found.pop(name) is Outcome.NOT_CHECKED
    assert found.pop("canaries") in (Outcome.WARN, Outcome.PASS)
    assert set(found.values()) == {Outcome.PASS}
    assert "on record" in str(report)


def test_the_report_reads_as_words(sound: Callable[[str], Path]) -> None:
    report = check(sound("clip"))
    text = str(report)
    assert text.splitlines()[0] == "clip at fp32"
    assert len(text.splitlines()) == len(report.checks) + 2
    assert "[" not in text  # a rich console would take it for markup


@pytest.mark.torch
def test_another_precision_is_held_against_fp32(sound: Callable[[str], Path]) -> None:
    config = ModelConfig(runtime="torch", device="cpu", precision="bf16")
    report = check(sound("siglip"), config)
    assert report.precision == "bf16"
    assert outcomes(report)["drift"] is Outcome.PASS, str(report)
    assert report.is_sound, str(report)
    drift = next(item for item in report.checks if item.name == "drift")
    assert drift.numbers["distance"] > 1e-4
