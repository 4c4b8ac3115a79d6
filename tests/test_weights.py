import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pairsift.config import ModelConfig
from pairsift.encoders.openvino import OpenVinoEncoder
from pairsift.errors import (
    ModelRecipeError,
    OfflineError,
    UnknownNameError,
    UsageError,
    WeightsError,
)
from pairsift.weights import pull_model, resolve_model
from tests.hub_mirror import COMMIT, HubMirror
from tests.tiny_checkpoint import write_checkpoint

# The client reads its environment when it is imported, so each pull has a process of its own.
PROGRAM = """
import json, sys
from pathlib import Path
from pairsift.config import ModelConfig
from pairsift.errors import PairsiftError
from pairsift.weights import pull_model, resolve_model

if {forbid}:
    def no_socket(event, arguments):
        if event in ("socket.connect", "socket.getaddrinfo"):
            raise RuntimeError("opened a socket: " + repr(arguments))
    sys.addaudithook(no_socket)
said = []
config = ModelConfig(cache_dir={cache!r}, offline={offline})
try:
    to = {to!r}
    if to:
        model = pull_model({spec!r}, to=Path(to), config=config, announce=said.append)
    else:
        model = resolve_model({spec!r}, config=config, announce=said.append)
    out = dict(folder=str(model.folder), revision=model.record.revision,
               sha256=model.weights_sha256, repo=model.record.repo)
except PairsiftError as error:
    out = dict(error=type(error).__name__, words=str(error))
print(json.dumps(out | dict(said=said)))
"""


def pull(
    cache: Path,
    url: str,
    *,
    spec: str = "hf:org/tiny",
    to: Path | None = None,
    offline: bool = False,
    forbid: bool = False,
) -> dict[str, Any]:
    program = PROGRAM.format(
        cache=str(cache),
        spec=spec,
        to="" if to is None else str(to),
        offline=offline,
        forbid=forbid,
    )
    environment = {
        **os.environ,
        "HF_ENDPOINT": url,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DOWNLOAD_TIMEOUT": "5",
        "HF_HOME": str(cache / "home"),
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_pulled_once_and_never_again(tmp_path: Path) -> None:
    with HubMirror(write_checkpoint(tmp_path / "repo")) as mirror:
        first = pull(tmp_path / "cache", mirror.url)
        url = mirror.url
    assert first["revision"] == COMMIT
    assert any("icence" in line for line in first["said"])
    # The mirror is gone, and any socket would be an error.
    second = pull(tmp_path / "cache", url, forbid=True)
    assert {**second, "said": []} == {**first, "said": []}
    assert second["said"] == []
    third = pull(tmp_path / "cache", url, offline=True, forbid=True)
    assert third["folder"] == first["folder"]


def test_a_moved_branch_changes_nothing(tmp_path: Path) -> None:
    with HubMirror(write_checkpoint(tmp_path / "repo")) as mirror:
        first = pull(tmp_path / "cache", mirror.url)
        mirror.commit = "f" * 40
        write_checkpoint(tmp_path / "repo", seed=1)
        assert pull(tmp_path / "cache", mirror.url)["sha256"] == first["sha256"]


def test_bytes_that_are_not_what_the_hub_says(tmp_path: Path) -> None:
    repo = write_checkpoint(tmp_path / "repo")
    with HubMirror(repo) as mirror:
        right = (repo / "model.safetensors").read_bytes()
        mirror.lie["model.safetensors"] = right[:-1] + bytes([right[-1] ^ 1])
        answer = pull(tmp_path / "cache", mirror.url)
        assert answer["error"] == "WeightsError"
        assert "checksum" in answer["words"]
        mirror.lie.clear()
        assert "error" not in pull(tmp_path / "cache", mirror.url)


def test_a_broken_connection_is_resumed(tmp_path: Path) -> None:
    # The client keeps what it got in steps of ten megabytes.
    repo = write_checkpoint(tmp_path / "repo", padding_bytes=24 << 20)
    with HubMirror(repo) as mirror:
        mirror.break_after = 15 << 20
        answer = pull(tmp_path / "cache", mirror.url)
        if "error" in answer:
            answer = pull(tmp_path / "cache", mirror.url)
    assert "error" not in answer
    assert mirror.ranges


def test_changed_files_are_noticed(tmp_path: Path) -> None:
    with HubMirror(write_checkpoint(tmp_path / "repo")) as mirror:
        folder = Path(pull(tmp_path / "cache", mirror.url)["folder"])
        weights = (folder / "model.safetensors").resolve()
        data = bytearray(weights.read_bytes())
        data[-1] ^= 1
        weights.write_bytes(bytes(data))
        answer = pull(tmp_path / "cache", mirror.url)
    assert answer["error"] == "WeightsError"


def test_offline_says_what_is_missing(tmp_path: Path) -> None:
    answer = pull(tmp_path / "cache", "http://127.0.0.1:9", offline=True, forbid=True)
    assert answer["error"] == "OfflineError"
    for word in ("config.json", "model.safetensors", "pairsift models pull hf:org/tiny"):
        assert word in answer["words"]


@pytest.mark.parametrize(
    ("spec", "words"),
    [("hf:org/other", "no repository"), ("hf:org/tiny@nowhere", "no revision")],
)
def test_what_the_hub_does_not_have(tmp_path: Path, spec: str, words: str) -> None:
    with HubMirror(write_checkpoint(tmp_path / "repo")) as mirror:
        answer = pull(tmp_path / "cache", mirror.url, spec=spec)
    assert answer["error"] == "ModelError"
    assert words in answer["words"]


def test_no_hub_at_all_is_one_clear_line(tmp_path: Path) -> None:
    answer = pull(tmp_path / "cache", "http://127.0.0.1:9")
    assert answer["error"] == "ModelError"
    assert "cannot fetch" in answer["words"]


def test_a_pulled_folder_needs_nothing_else(tmp_path: Path) -> None:
    with HubMirror(write_checkpoint(tmp_path / "repo")) as mirror:
        pull(tmp_path / "cache", mirror.url, to=tmp_path / "model")
    facts = json.loads((tmp_path / "model" / "pairsift.json").read_text(encoding="utf-8"))
    assert facts["lock"]["revision"] == COMMIT
    assert not any(path.is_symlink() for path in (tmp_path / "model").rglob("*"))
    model = resolve_model(str(tmp_path / "model"), config=ModelConfig(offline=True))
    assert model.record.revision == COMMIT
    encoder = OpenVinoEncoder(model, ModelConfig())
    assert encoder.encode_texts(encoder.prepare_captions(["a b"])).shape == (1, 16)
    (tmp_path / "model" / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(WeightsError, match="pinned"):
        resolve_model(str(tmp_path / "model"), config=ModelConfig())
    (tmp_path / "model" / "config.json").unlink()
    with pytest.raises(WeightsError, match=r"lacks config\.json"):
        resolve_model(str(tmp_path / "model"), config=ModelConfig())


def test_folders_and_names(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "mine")
    model = resolve_model(str(folder), config=ModelConfig())
    assert model.record.name == "mine"
    assert model.weights_sha256 is not None
    with pytest.raises(UsageError, match="exists"):
        pull_model(str(folder), to=folder, config=ModelConfig())
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(ModelRecipeError, match="image_processor_type"):
        resolve_model(str(folder), config=ModelConfig())
    for spec in ("clip-vit-base-patch23", "nowhere/at/all", "hf:", "hf:a", "hf:a/b/c"):
        with pytest.raises(UsageError):
            resolve_model(spec, config=ModelConfig())
    with pytest.raises(UnknownNameError, match="clip-vit-base-patch32"):
        resolve_model("clip-vit-base-patch23", config=ModelConfig())


def test_a_known_model_offline(tmp_path: Path) -> None:
    config = ModelConfig(offline=True, cache_dir=str(tmp_path))
    with pytest.raises(OfflineError, match="pairsift models pull siglip2-base-patch32-256"):
        resolve_model("siglip2-base-patch32-256", config=config)
