"""What was pulled, written down beside it: revision, files, checksums.

A lock is made once, at the first pull, and is the only thing that later runs look at: they open
no socket, and they notice when a file is no longer the one that was pulled.
"""

import hashlib
import json
import os
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from pairsift.errors import WeightsError

LOCK_FORMAT = 1
CHUNK_BYTES = 1 << 20

Verify = Literal["changed", "all"]


@dataclass(frozen=True)
class PinnedFile:
    """One file as it was when it was pulled.

    Args:
        path: Relative to the model's folder, with forward slashes.
        sha256: Of its bytes, as computed by us.
        size: In bytes.
        mtime_ns: Modification time when it was last hashed; a file with this time and size is
            not hashed again at every start.
    """

    path: str
    sha256: str
    size: int
    mtime_ns: int = 0


@dataclass(frozen=True)
class ModelLock:
    """What a model's folder has to hold.

    Args:
        repo: ``ORG/NAME`` on the hub, or None for a folder that never came from there.
        requested: The branch, tag or commit that was asked for.
        revision: The 40-hex commit that it was resolved to, once.
        files: Every file of the model.
    """

    repo: str | None
    requested: str | None
    revision: str | None
    files: tuple[PinnedFile, ...]

    def to_plain(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {"format": LOCK_FORMAT, **asdict(self)}


def lock_from_plain(plain: Any, *, source: Path) -> ModelLock:
    """Rebuild a lock from JSON data; paths that leave the folder are refused.

    Args:
        plain: What ``ModelLock.to_plain`` gave.
        source: The file it was read from, for the message.

    Returns:
        The lock.

    Raises:
        WeightsError: The data is not a lock of a known format.
    """
    try:
        if plain["format"] != LOCK_FORMAT:
            raise WeightsError(
                f"{source}: lock format {plain['format']}; this version reads {LOCK_FORMAT}"
            )
        files = tuple(PinnedFile(**item) for item in plain["files"])
        lock = ModelLock(plain["repo"], plain["requested"], plain["revision"], files)
    except (KeyError, TypeError) as error:
        raise WeightsError(
            f"{source} is not a lock ({error!r}); delete it and pull again"
        ) from None
    for file in files:
        parts = PurePosixPath(file.path).parts
        if not parts or ".." in parts or parts[0] == "/" or "\\" in file.path:
            raise WeightsError(f"{source} names a file outside its folder: {file.path!r}")
    return lock


def read_json(path: Path) -> Any:
    """Read a small JSON file; None when there is none.

    Raises:
        WeightsError: It is there, but cannot be read as JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise WeightsError(f"cannot read {path} ({error}); delete it and pull again") from error


def read_lock(path: Path) -> ModelLock | None:
    """Read a lock file; None when there is none.

    Raises:
        WeightsError: It is there, but is not a lock.
    """
    plain = read_json(path)
    return None if plain is None else lock_from_plain(plain, source=path)


def write_whole(path: Path, text: str, *, replace: bool) -> bool:
    """Write a small file so that it appears whole or not at all.

    Args:
        path: Where it goes.
        text: What it holds.
        replace: Replace an existing file; otherwise the first writer wins.

    Returns:
        Whether it was written by this call.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not tempfile: it makes files that other users of a shared cache cannot read.
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with temporary.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            temporary.replace(path)
            return True
        try:
            path.hardlink_to(temporary)
        except FileExistsError:
            return False
        except OSError:
            # A file system without hard links: the last of two writers at one moment wins. Both
            # wrote a pin that holds, and whoever starts later reads the one that is there.
            temporary.replace(path)
        return True
    finally:
        temporary.unlink(missing_ok=True)


def write_lock(path: Path, lock: ModelLock, *, replace: bool = False) -> bool:
    """Write a lock file whole; unless ``replace``, the first of several writers wins.

    Returns:
        Whether it was written by this call.
    """
    return write_whole(path, json.dumps(lock.to_plain(), indent=1) + "\n", replace=replace)


def hash_file(path: Path) -> str:
    """Return the sha256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pin_file(folder: Path, path: str) -> PinnedFile:
    """Hash a file of a folder as it is now."""
    status = (folder / path).stat()
    return PinnedFile(path, hash_file(folder / path), status.st_size, status.st_mtime_ns)


def missing_files(lock: ModelLock, folder: Path) -> list[str]:
    """Return the paths of the lock's files that the folder does not hold."""
    return [file.path for file in lock.files if not (folder / file.path).is_file()]


def verify_files(lock: ModelLock, folder: Path, *, verify: Verify = "changed") -> ModelLock:
    """Compare the files on disk with the lock.

    Args:
        lock: What they have to be.
        folder: Where they lie; none may be missing.
        verify: ``changed`` hashes only files whose time or size differs from the lock's, so that
            a start does not read hundreds of megabytes; ``all`` hashes every file.

    Returns:
        The lock with the modification times of now; equal to the given one if nothing moved.

    Raises:
        WeightsError: A size or a checksum differs; both are named.
    """
    seen: list[PinnedFile] = []
    for file in lock.files:
        path = folder / file.path
        status = path.stat()
        if status.st_size != file.size:
            raise WeightsError(
                f"{path} has {status.st_size} bytes, but {file.size} bytes were pinned; "
                f"{_way_out(lock)}"
            )
        if verify == "all" or status.st_mtime_ns != file.mtime_ns:
            found = hash_file(path)
            if found != file.sha256:
                raise WeightsError(
                    f"{path} has sha256 {found}, but {file.sha256} was pinned; {_way_out(lock)}"
                )
        seen.append(PinnedFile(file.path, file.sha256, file.size, status.st_mtime_ns))
    return ModelLock(lock.repo, lock.requested, lock.revision, tuple(seen))


def _way_out(lock: ModelLock) -> str:
    if lock.repo is None:
        return "the folder was changed after it was made: make it again"
    return f"delete the file and run `pairsift models pull hf:{lock.repo}@{lock.revision}`"
