import json
from pathlib import Path

import pytest

from pairsift.cards import CARD_FILE, card_lock, copy_model, make_card, read_card
from pairsift.config import ModelConfig
from pairsift.errors import OutputExistsError, WeightsError
from pairsift.records import LocalModel
from pairsift.weights import resolve_model
from tests.hub_mirror import tiny_files


@pytest.fixture
def model(tmp_path: Path) -> LocalModel:
    (tmp_path / "model").mkdir()
    for path, content in tiny_files(tmp_path / "made").items():
        (tmp_path / "model" / path).write_bytes(content)
    return resolve_model(str(tmp_path / "model"), config=ModelConfig())


def test_a_card_names_every_file(model: LocalModel) -> None:
    card = json.loads(json.dumps(make_card(model, requested="main")))
    lock = card_lock(card, model.folder)
    assert {file.path: file.sha256 for file in lock.files} == {
        file.path: file.sha256 for file in model.record.files
    }
    assert card["record"]["text"]["pad_id"] == model.record.text.pad_id


def test_no_card_is_none_and_another_file_is_an_error(tmp_path: Path) -> None:
    assert read_card(tmp_path) is None
    for text in ("[]", "{}", "{", '{"record": {}}'):
        (tmp_path / CARD_FILE).write_text(text)
        with pytest.raises(WeightsError, match=r"pairsift\.json"):
            read_card(tmp_path)


def test_a_copy_again_is_no_work_and_another_folder_is_safe(
    model: LocalModel, tmp_path: Path
) -> None:
    to = tmp_path / "out"
    to.mkdir()
    copy_model(model, to, requested=None)
    seen = {path.name: path.stat().st_mtime_ns for path in to.iterdir()}
    copy_model(model, to, requested=None)
    assert {path.name: path.stat().st_mtime_ns for path in to.iterdir()} == seen
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "diary.txt").write_text("mine")
    for target in (tmp_path / "taken", tmp_path / "taken" / "diary.txt"):
        with pytest.raises(OutputExistsError, match="choose another"):
            copy_model(model, target, requested=None)
    assert (tmp_path / "taken" / "diary.txt").read_text() == "mine"


def test_nothing_is_left_of_a_copy_that_fails(model: LocalModel, tmp_path: Path) -> None:
    (model.folder / "model.safetensors").write_bytes(b"changed meanwhile")
    with pytest.raises(WeightsError, match="not copied as it was"):
        copy_model(model, tmp_path / "out" / "model", requested=None)
    assert list((tmp_path / "out").iterdir()) == []
