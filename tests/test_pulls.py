"""The first pull, with the real client against a hub on loopback."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pairsift.hub import repo_folder, snapshot_folder
from pairsift.models import RECORDS
from tests.hub_mirror import FIRST, REPO, SECOND, Mirror, ask, finish, running, start_client
from tests.hub_mirror import tiny_files as make_files

SPEC = f"hf:{REPO}"


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    with running(Mirror()) as mirror:
        mirror.put(FIRST, make_files(tmp_path / "made"))
        yield mirror


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def test_only_what_is_needed_is_fetched_and_the_licence_is_shown(
    mirror: Mirror, cache: Path
) -> None:
    mirror.put(FIRST, {"pytorch_model.bin": b"pickle", "README.md": b"#", "flax.msgpack": b"x"})
    found = ask(SPEC, cache=cache, url=mirror.url)
    assert found["revision"] == FIRST
    assert sorted(mirror.fetched()) == sorted(found["files"])
    assert sorted(found["files"]) == [
        "config.json",
        "model.safetensors",
        "preprocessor_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    assert [REPO in line and "licence" in line for line in found["told"]] == [True]


def test_a_broken_connection_goes_on_where_it_stopped(
    mirror: Mirror, cache: Path, tmp_path: Path
) -> None:
    # The client writes in chunks of 10 MiB: what came before the last whole one is kept.
    files = make_files(tmp_path / "large", padding_bytes=14 << 20)
    mirror.put(SECOND, files)
    mirror.break_after["model.safetensors"] = 12_000_000
    found = ask(SPEC, cache=cache, url=mirror.url)
    assert found["revision"] == SECOND
    ranges = [wanted for method, path, wanted in mirror.requests if method == "GET" and wanted]
    assert ranges == [f"bytes={10 * 1024 * 1024}-"]
    folder = snapshot_folder(cache, REPO, SECOND)
    assert (folder / "model.safetensors").read_bytes() == files["model.safetensors"]


@pytest.mark.parametrize("path", ["model.safetensors", "tokenizer.json"])
def test_wrong_bytes_are_refused_and_not_kept(mirror: Mirror, cache: Path, path: str) -> None:
    mirror.corrupt.add(path)
    found = ask(SPEC, cache=cache, url=mirror.url)
    assert (found["error"], path in found["message"]) == ("WeightsError", True)
    assert not (snapshot_folder(cache, REPO, FIRST) / path).exists()
    assert not list(repo_folder(cache, REPO).glob("pairsift/*"))
    mirror.corrupt.clear()
    assert ask(SPEC, cache=cache, url=mirror.url)["revision"] == FIRST


def test_a_disk_that_takes_no_more_leaves_nothing_half_written(mirror: Mirror, cache: Path) -> None:
    size = len(mirror.files[REPO, FIRST, "model.safetensors"])
    found = ask(SPEC, cache=cache, url=mirror.url, max_file_bytes=size - 1)
    assert found["error"] == "ModelError"
    assert "model.safetensors" in found["message"]
    assert not (snapshot_folder(cache, REPO, FIRST) / "model.safetensors").exists()
    assert not list(cache.rglob("*.incomplete"))
    mirror.requests.clear()
    assert ask(SPEC, cache=cache, url=mirror.url)["revision"] == FIRST
    assert mirror.fetched() == ["model.safetensors"]  # what was finished stays


def test_bytes_that_are_not_those_on_record_are_refused(mirror: Mirror, cache: Path) -> None:
    record = RECORDS["clip-vit-base-patch32"]
    assert record.repo is not None
    assert record.revision is not None
    files = dict.fromkeys(("config.json", "preprocessor_config.json", "tokenizer.json"), b"{}")
    files |= {"onnx/text_model.onnx": b"x", "onnx/vision_model.onnx": b"y"}
    mirror.put(record.revision, files, repo=record.repo)
    found = ask(record.name, cache=cache, url=mirror.url)
    on_record = next(file.sha256 for file in record.files if file.path == "tokenizer.json")
    assert found["error"] == "WeightsError"
    assert f"{on_record} is on record" in found["message"]


def test_what_the_hub_does_not_have_is_named(mirror: Mirror, cache: Path) -> None:
    del mirror.files[REPO, FIRST, "model.safetensors"]
    mirror.put(FIRST, {"pytorch_model.bin": b"pickle"})
    for spec, words in {
        SPEC: ["model.safetensors", "pickled"],
        "hf:tiny/none": ["tiny/none"],
        f"{SPEC}@v9": ["v9"],
    }.items():
        found = ask(spec, cache=cache, url=mirror.url)
        assert found["error"] == "ModelError", found
        assert all(word in found["message"] for word in words), found
    assert "pytorch_model.bin" not in mirror.fetched()


def test_without_a_hub_it_is_one_clear_line(cache: Path) -> None:
    found = ask(SPEC, cache=cache)
    assert found["error"] == "ModelError"
    assert "HF_ENDPOINT" in found["message"]


def test_shards_are_found_through_their_index(mirror: Mirror, cache: Path) -> None:
    weights = mirror.files.pop((REPO, FIRST, "model.safetensors"))
    shard = "model-00001-of-00001.safetensors"
    index = {"weight_map": {"logit_scale": shard, "noise": shard}}
    mirror.put(FIRST, {shard: weights, "model.safetensors.index.json": json.dumps(index).encode()})
    found = ask(SPEC, cache=cache, url=mirror.url)
    assert {shard, "model.safetensors.index.json"} <= set(found["files"])


def test_an_index_cannot_name_files_elsewhere(mirror: Mirror, cache: Path) -> None:
    del mirror.files[REPO, FIRST, "model.safetensors"]
    index = {"weight_map": {"noise": "../../evil.safetensors"}}
    mirror.put(FIRST, {"model.safetensors.index.json": json.dumps(index).encode()})
    found = ask(SPEC, cache=cache, url=mirror.url)
    assert (found["error"], "evil" in found["message"]) == ("WeightsError", True)


def test_offline_with_nothing_names_every_file_and_the_line(cache: Path) -> None:
    found = ask("siglip2-base-patch32-256", cache=cache, offline=True, forbid_sockets=True)
    folder = cache / "models--google--siglip2-base-patch32-256"
    assert f"missing in {folder}:\n" in found["message"]
    assert found["error"] == "OfflineError"
    assert "pairsift models pull siglip2-base-patch32-256" in found["message"]
    listed = found["message"].splitlines()[1:-1]
    assert [line.strip() for line in listed] == [
        "config.json",
        "preprocessor_config.json",
        "tokenizer.json",
        "model.safetensors",
    ]
    assert not found["hub_imported"]


def test_offline_takes_what_another_program_fetched(mirror: Mirror, cache: Path) -> None:
    assert ask(SPEC, cache=cache, url=mirror.url)["revision"] == FIRST
    for lock in repo_folder(cache, REPO).glob("pairsift/*"):
        lock.unlink()
    reference = repo_folder(cache, REPO) / "refs" / "main"
    reference.parent.mkdir(parents=True, exist_ok=True)
    reference.write_text(FIRST)
    found = ask(SPEC, cache=cache, offline=True, forbid_sockets=True)
    assert found["revision"] == FIRST


def test_two_pulls_at_once_end_well(mirror: Mirror, cache: Path) -> None:
    clients = [start_client(SPEC, cache=cache, url=mirror.url) for _ in range(2)]
    found = [finish(client) for client in clients]
    assert [answer["revision"] for answer in found] == [FIRST] * 2
    assert len(list(repo_folder(cache, REPO).glob("pairsift/*.json"))) == 1
    assert not list(cache.rglob("*.incomplete"))


def test_a_moved_branch_stays_pinned_and_a_pull_names_both(
    mirror: Mirror, cache: Path, tmp_path: Path
) -> None:
    assert ask(SPEC, cache=cache, url=mirror.url)["revision"] == FIRST
    mirror.put(SECOND, make_files(tmp_path / "second", seed=1))
    assert ask(SPEC, cache=cache, url=mirror.url)["revision"] == FIRST
    found = ask(SPEC, cache=cache, url=mirror.url, pull=True)
    assert found["error"] == "WeightsError"
    assert FIRST in found["message"]
    assert SECOND in found["message"]
    assert ask(f"{SPEC}@{SECOND}", cache=cache, url=mirror.url)["revision"] == SECOND
    # Without the hub a pull keeps to the pin, and says so.
    found = ask(SPEC, cache=cache, pull=True)
    assert found["revision"] == FIRST
    assert FIRST in found["told"][0]
