import json
import os
from pathlib import Path

import pytest

from pairsift.errors import WeightsError
from pairsift.locks import (
    ModelLock,
    hash_file,
    lock_from_plain,
    missing_files,
    pin_file,
    read_lock,
    verify_files,
    write_lock,
    write_whole,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "onnx").mkdir()
    (tmp_path / "config.json").write_bytes(b"{}")
    (tmp_path / "onnx" / "text.onnx").write_bytes(b"weights")
    return tmp_path


@pytest.fixture
def lock(folder: Path) -> ModelLock:
    pins = (pin_file(folder, "config.json"), pin_file(folder, "onnx/text.onnx"))
    return ModelLock("org/name", "main", "a" * 40, pins)


def test_round_trip(folder: Path, lock: ModelLock) -> None:
    assert write_lock(folder / "lock.json", lock)
    assert read_lock(folder / "lock.json") == lock
    assert read_lock(folder / "none.json") is None


def test_the_first_writer_wins(folder: Path, lock: ModelLock) -> None:
    other = ModelLock("org/name", "main", "b" * 40, lock.files)
    assert write_lock(folder / "lock.json", lock)
    assert not write_lock(folder / "lock.json", other)
    assert read_lock(folder / "lock.json") == lock
    assert write_lock(folder / "lock.json", other, replace=True)
    assert read_lock(folder / "lock.json") == other
    assert [path.name for path in folder.glob(".*")] == []


def test_other_users_of_a_cache_can_read_a_lock(folder: Path, lock: ModelLock) -> None:
    before = os.umask(0o022)
    try:
        write_lock(folder / "lock.json", lock)
    finally:
        os.umask(before)
    assert (folder / "lock.json").stat().st_mode & 0o777 == 0o644


def test_untouched_files_are_not_hashed_again(folder: Path, lock: ModelLock) -> None:
    assert verify_files(lock, folder) == lock
    # Same size and time, other bytes: only the full check can notice.
    path = folder / "config.json"
    seen = path.stat().st_mtime_ns
    path.write_bytes(b"[]")

    os.utime(path, ns=(seen, seen))
    assert verify_files(lock, folder) == lock
    with pytest.raises(WeightsError, match=hash_file(path)):
        verify_files(lock, folder, verify="all")


def test_a_touched_file_is_hashed_once(folder: Path, lock: ModelLock) -> None:
    (folder / "config.json").touch()
    now = verify_files(lock, folder)
    assert now != lock
    assert verify_files(now, folder) == now


def test_other_bytes_name_both_checksums(folder: Path, lock: ModelLock) -> None:
    (folder / "config.json").write_bytes(b"[]")
    with pytest.raises(WeightsError) as caught:
        verify_files(lock, folder)
    assert lock.files[0].sha256 in str(caught.value)
    assert hash_file(folder / "config.json") in str(caught.value)


def test_another_size_is_noticed_without_hashing(folder: Path, lock: ModelLock) -> None:
    (folder / "config.json").write_bytes(b"")
    with pytest.raises(WeightsError, match="0 bytes, but 2 bytes"):
        verify_files(lock, folder)


def test_missing_files_are_named(folder: Path, lock: ModelLock) -> None:
    (folder / "onnx" / "text.onnx").unlink()
    assert missing_files(lock, folder) == ["onnx/text.onnx"]


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", "", "a\\b"])
def test_a_lock_cannot_leave_its_folder(folder: Path, lock: ModelLock, path: str) -> None:
    plain = json.loads(json.dumps(lock.to_plain()))
    plain["files"][0]["path"] = path
    with pytest.raises(WeightsError, match="outside"):
        lock_from_plain(plain, source=folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 1}', '{"format": 2}'])
def test_what_is_no_lock_is_said_to_be_none(folder: Path, text: str) -> None:
    (folder / "lock.json").write_text(text)
    with pytest.raises(WeightsError, match=r"lock\.json"):
        read_lock(folder / "lock.json")


def test_others_may_read_what_was_written(tmp_path: Path) -> None:
    by_hand = tmp_path / "by-hand"
    by_hand.touch()
    for replace in (False, True):
        write_whole(tmp_path / "lock.json", "{}", replace=replace)
        assert (tmp_path / "lock.json").stat().st_mode == by_hand.stat().st_mode
    assert sorted(path.name for path in tmp_path.iterdir()) == ["by-hand", "lock.json"]
