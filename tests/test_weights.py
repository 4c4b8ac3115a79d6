"""Naming a model, and every later use of it: no socket, no changed byte."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pairsift.config import ModelConfig
from pairsift.encoders.openvino import OpenVinoEncoder
from pairsift.errors import ModelRecipeError, UnknownNameError, UsageError, WeightsError
from pairsift.hub import snapshot_folder
from pairsift.locks import hash_file
from pairsift.records import ModelFile
from pairsift.weights import pull_model, resolve_model, weights_digest
from tests.hub_mirror import FIRST, REPO, Mirror, ask, running, tiny_files

SPEC = f"hf:{REPO}"
OFFLINE = ModelConfig(offline=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    for path, content in tiny_files(tmp_path / "made").items():
        folder.mkdir(exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


@pytest.fixture
def pulled(tmp_path: Path) -> Iterator[tuple[Mirror, Path]]:
    cache = tmp_path / "cache"
    with running(Mirror()) as mirror:
        mirror.put(FIRST, tiny_files(tmp_path / "made"))
        assert ask(SPEC, cache=cache, url=mirror.url)["revision"] == FIRST
        mirror.connections = 0
        mirror.requests.clear()
        yield mirror, cache


def test_the_second_use_opens_no_socket(pulled: tuple[Mirror, Path]) -> None:
    mirror, cache = pulled
    for offline in (False, True):
        found = ask(SPEC, cache=cache, url=mirror.url, offline=offline, forbid_sockets=True)
        assert (found["revision"], found["hub_imported"], found["told"]) == (FIRST, False, [])
    assert mirror.connections == 0


def test_the_second_use_needs_no_hub(pulled: tuple[Mirror, Path]) -> None:
    _, cache = pulled
    assert ask(SPEC, cache=cache)["revision"] == FIRST  # nothing listens there


def test_a_lost_file_is_fetched_again_alone(pulled: tuple[Mirror, Path]) -> None:
    mirror, cache = pulled
    path = snapshot_folder(cache, REPO, FIRST) / "tokenizer.json"
    path.resolve().unlink()
    path.unlink()
    found = ask(SPEC, cache=cache, offline=True, forbid_sockets=True)
    assert found["error"] == "OfflineError"
    assert [line.strip() for line in found["message"].splitlines()[1:-1]] == ["tokenizer.json"]
    assert f"pairsift models pull {SPEC}@main" in found["message"]
    assert ask(SPEC, cache=cache, url=mirror.url)["revision"] == FIRST
    assert mirror.fetched() == ["tokenizer.json"]


def test_a_changed_byte_is_refused(pulled: tuple[Mirror, Path]) -> None:
    _, cache = pulled
    path = snapshot_folder(cache, REPO, FIRST) / "model.safetensors"
    before = hash_file(path)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.resolve().write_bytes(content)
    found = ask(SPEC, cache=cache, offline=True)
    assert found["error"] == "WeightsError"
    assert before in found["message"]
    assert hash_file(path) in found["message"]


def test_a_folder_with_everything(pulled: tuple[Mirror, Path], tmp_path: Path) -> None:
    mirror, cache = pulled
    first = ask(SPEC, cache=cache, url=mirror.url, to=tmp_path / "out" / "model")
    shutil.rmtree(cache)
    moved = tmp_path / "elsewhere"
    shutil.copytree(tmp_path / "out" / "model", moved)
    found = ask(str(moved), cache=cache, offline=True, forbid_sockets=True)
    assert (found["revision"], found["sha256"]) == (FIRST, first["sha256"])
    assert found["name"] == SPEC
    encoder = OpenVinoEncoder(resolve_model(str(moved), config=OFFLINE), OFFLINE)
    assert encoder.encode_texts(encoder.prepare_captions(["a b"])).shape == (1, encoder.width)
    assert not any(path.is_symlink() for path in moved.rglob("*"))
    assert {path.name for path in moved.iterdir()} == {*found["files"], "pairsift.json"}


def test_a_folder_of_ones_own(folder: Path) -> None:
    model = resolve_model(str(folder), config=OFFLINE)
    assert model.record.name == "mine"
    assert model.weights_sha256 == hash_file(folder / "model.safetensors")
    assert all(file.sha256 and file.size for file in model.record.files)


def test_a_pulled_folder_that_was_changed_is_refused(folder: Path, tmp_path: Path) -> None:
    model = pull_model(str(folder), config=OFFLINE, to=tmp_path / "copy")
    assert model.folder == tmp_path / "copy"
    assert resolve_model(str(tmp_path / "copy"), config=OFFLINE) == model
    with (tmp_path / "copy" / "config.json").open("ab") as file:
        file.write(b" ")
    with pytest.raises(WeightsError, match=r"config\.json"):
        resolve_model(str(tmp_path / "copy"), config=OFFLINE)
    (tmp_path / "copy" / "config.json").unlink()
    with pytest.raises(WeightsError, match=r"lacks config\.json"):
        resolve_model(str(tmp_path / "copy"), config=OFFLINE)


def test_names_that_are_nothing(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="clip-vit-base-patch32"):
        resolve_model("clip-vit-base-patch23", config=OFFLINE)
    with pytest.raises(UsageError, match="no model folder"):
        resolve_model(str(tmp_path / "none"), config=OFFLINE)
    for spec in ("hf:name", "hf:a/b/c", "hf:../..", "hf:a/b@../x", "hf:"):
        with pytest.raises(UsageError, match="hf:ORG/NAME"):
            resolve_model(spec, config=OFFLINE)
    with pytest.raises(ModelRecipeError, match=r"config\.json"):
        resolve_model(str(tmp_path), config=OFFLINE)


def test_several_weight_files_have_one_digest() -> None:
    one = ModelFile("model.safetensors", "a" * 64)
    assert weights_digest((one, ModelFile("config.json", "b" * 64))) == "a" * 64
    two = (ModelFile("onnx/b.onnx", "a" * 64), ModelFile("onnx/a.onnx", "b" * 64))
    assert weights_digest(two) == weights_digest(two[::-1])
    assert weights_digest(two) not in (None, "a" * 64, "b" * 64)
    assert weights_digest((ModelFile("model.safetensors"),)) is None
