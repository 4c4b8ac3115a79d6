import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from pairsift import hub
from pairsift.errors import ModelError
from pairsift.hub import RemoteFile


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"HF_HOME": "/a"},
        {"XDG_CACHE_HOME": "/b"},
        {"HUGGINGFACE_HUB_CACHE": "/c"},
        {"HF_HUB_CACHE": "~/d", "HF_HOME": "/a"},
    ],
)
def test_the_cache_lies_where_the_client_has_it(
    settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    probe = "from huggingface_hub import constants; print(constants.HF_HUB_CACHE)"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert str(hub.cache_root(None)) == done.stdout.strip()


def test_a_chosen_cache_wins(tmp_path: Path) -> None:
    assert hub.cache_root(str(tmp_path)) == tmp_path


@pytest.mark.parametrize(("value", "expected"), [("1", True), ("yes", True), ("0", False)])
def test_the_environment_can_switch_it_off(
    value: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", value)
    assert hub.is_offline() is expected


def test_bytes_are_held_against_both_kinds_of_checksum(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"abc")
    sha256 = hashlib.sha256(b"abc").hexdigest()
    # `printf abc | git hash-object --stdin`
    blob = "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f"
    for etag in (sha256, blob, "opaque", None):
        assert hub.differs(path, RemoteFile("x", 3, etag)) is None
    for etag in ("0" * 64, "0" * 40):
        assert "checksum" in str(hub.differs(path, RemoteFile("x", 3, etag)))
    assert "4" in str(hub.differs(path, RemoteFile("x", 4, sha256)))


def test_a_download_that_cannot_fit_is_refused_before_it_begins(tmp_path: Path) -> None:
    hub.require_space(tmp_path / "new" / "folder", [RemoteFile("x", 10, None)])
    with pytest.raises(ModelError, match="--cache-dir"):
        hub.require_space(tmp_path / "new", [RemoteFile("x", 10**18, None)])


def test_the_commit_of_a_branch_that_others_fetched(tmp_path: Path) -> None:
    assert hub.cached_revision(tmp_path, "org/name", "main") is None
    reference = hub.repo_folder(tmp_path, "org/name") / "refs" / "main"
    reference.parent.mkdir(parents=True)
    reference.write_text("a" * 40)
    assert hub.cached_revision(tmp_path, "org/name", "main") == "a" * 40
    assert hub.cached_revision(tmp_path, "org/name", "b" * 40) == "b" * 40
    reference.write_text("../../etc")
    assert hub.cached_revision(tmp_path, "org/name", "main") is None
