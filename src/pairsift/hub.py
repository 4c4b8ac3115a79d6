"""The Hugging Face hub: only this module imports its client, and only to fetch something.

Nothing here decides what a model needs; ``weights`` does. The hub client checks the number of
bytes but not their checksum, so every file is hashed here against what the hub said it is.
"""

import errno
import hashlib
import importlib
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from pairsift import __version__
from pairsift.errors import ModelError, WeightsError
from pairsift.locks import hash_file

COMMIT = re.compile(r"[0-9a-f]{40}")
SHA256 = re.compile(r"[0-9a-f]{64}")
REPO = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")

# A reset connection is not retried by the client (it retries a closed one, with Range).
FETCH_ATTEMPTS = 3

_ON = {"1", "ON", "YES", "TRUE"}


@dataclass(frozen=True)
class RemoteFile:
    """What the hub says about a file.

    Args:
        path: Inside the repository.
        size: In bytes, or None when it does not say.
        etag: The sha256 of a large file, the git blob hash of a small one, else opaque.
    """

    path: str
    size: int | None
    etag: str | None


def cache_root(cache_dir: str | None) -> Path:
    """Return the folder of the hub's cache without importing its client.

    Args:
        cache_dir: The caller's own choice, or None for the client's rule.

    Returns:
        The folder; it need not exist.

    Source:
        huggingface_hub 2.4.0, ``constants.py``.
    """
    if cache_dir is not None:
        return Path(cache_dir).expanduser().absolute()
    home = os.getenv("XDG_CACHE_HOME", str(Path("~/.cache")))
    home = os.getenv("HF_HOME", str(Path(home) / "huggingface"))
    place = os.getenv("HUGGINGFACE_HUB_CACHE", str(Path(home) / "hub"))
    place = os.getenv("HF_HUB_CACHE", place)
    return Path(os.path.expandvars(place)).expanduser().absolute()


def is_offline() -> bool:
    """Whether the environment switches the hub off (``HF_HUB_OFFLINE``)."""
    value = os.environ.get("HF_HUB_OFFLINE") or os.environ.get("TRANSFORMERS_OFFLINE") or ""
    return value.upper() in _ON


def repo_folder(root: Path, repo: str) -> Path:
    """Return the cache folder of a model repository, as the client names it.

    Example:
        >>> repo_folder(Path("cache"), "openai/clip").name
        'models--openai--clip'
    """
    return root / "--".join(("models", *repo.split("/")))


def snapshot_folder(root: Path, repo: str, revision: str) -> Path:
    """Return the cache folder with the files of one commit."""
    return repo_folder(root, repo) / "snapshots" / revision


def cached_revision(root: Path, repo: str, requested: str) -> str | None:
    """Return the commit that a branch had when any program last fetched it into this cache."""
    if COMMIT.fullmatch(requested):
        return requested
    reference = repo_folder(root, repo) / "refs" / requested
    try:
        found = reference.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return found if COMMIT.fullmatch(found) else None


def resolve_revision(repo: str, requested: str) -> str:
    """Ask the hub for the commit of a branch or tag, once: without network it fails at once.

    Args:
        repo: ``ORG/NAME``.
        requested: Branch, tag or commit; a full commit is returned as it is.

    Returns:
        A 40-hex commit.

    Raises:
        ModelError: The hub cannot be reached, or has no such repository or revision.
    """
    if COMMIT.fullmatch(requested):
        return requested
    metadata = _metadata(repo, "config.json", requested, patient=False)
    if metadata is None:
        raise ModelError(f"{repo}@{requested} holds no config.json: not a model that can be run")
    commit = metadata.commit_hash or ""
    if not COMMIT.fullmatch(commit):
        raise ModelError(f"the hub does not say which commit {repo}@{requested} is ({commit!r})")
    return str(commit)


def describe_file(repo: str, path: str, revision: str) -> RemoteFile | None:
    """Ask the hub for a file's size and checksum; None when there is no such file.

    Raises:
        ModelError: The hub cannot be reached, or has no such repository or revision.
    """
    metadata = _metadata(repo, path, revision, patient=True)
    return None if metadata is None else RemoteFile(path, metadata.size, metadata.etag)


def fetch_file(repo: str, file: RemoteFile, *, revision: str, root: Path) -> Path:
    """Fetch one file of a pinned commit into the cache, unless it is there, and check its bytes.

    Args:
        repo: ``ORG/NAME``.
        file: As ``describe_file`` gave it.
        revision: A 40-hex commit.
        root: The cache.

    Returns:
        Where it lies.

    Raises:
        WeightsError: The bytes are not those that the hub announced; what came is removed.
        ModelError: It cannot be fetched, or the disk is full.
    """
    client = _client()
    expected = snapshot_folder(root, repo, revision) / file.path
    was_there = expected.exists()
    path = expected
    for attempt in range(FETCH_ATTEMPTS):
        try:
            with _told(repo, file.path, revision):
                path = Path(
                    client.hf_hub_download(
                        repo,
                        file.path,
                        revision=revision,
                        cache_dir=root,
                        library_name="pairsift",
                        library_version=__version__,
                    )
                )
            break
        except ModelError as error:
            if attempt + 1 == FETCH_ATTEMPTS or not isinstance(error.__cause__, _transport()):
                raise
    problem = differs(path, file)
    if problem is None:
        return path
    if not was_there:  # do not leave in the shared cache what would be taken for good later
        blob = path.resolve()
        path.unlink(missing_ok=True)
        blob.unlink(missing_ok=True)
    raise WeightsError(f"{repo}@{revision[:12]} {file.path}: {problem}")


def differs(path: Path, file: RemoteFile) -> str | None:
    """Say how a file differs from what the hub announced, or None when it does not.

    Args:
        path: The file on disk.
        file: What the hub said. An etag of another shape than its two hashes proves nothing.
    """
    size = path.stat().st_size
    if file.size is not None and size != file.size:
        return f"{size} bytes came, but the hub says {file.size}"
    etag = file.etag or ""
    if SHA256.fullmatch(etag):
        found = hash_file(path)
    elif COMMIT.fullmatch(etag):  # small files: git's own name of the content
        found = hashlib.sha1(f"blob {size}\0".encode() + path.read_bytes()).hexdigest()  # noqa: S324
    else:
        return None
    return None if found == etag else f"its checksum is {found}, but the hub says {etag}"


def require_space(folder: Path, files: list[RemoteFile]) -> None:
    """Refuse a download that the disk cannot hold, before it begins.

    Raises:
        ModelError: There is less room than the files need.
    """
    needed = sum(file.size or 0 for file in files)
    place = folder
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if needed > free:
        raise ModelError(
            f"{needed / 1e6:,.0f} MB are needed in {folder}, but only {free / 1e6:,.0f} MB are "
            "free; --cache-dir names another place"
        )


def _client() -> ModuleType:
    # Read when the client is imported. Telemetry off also keeps it from asking the hub for its
    # list of user agents.
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    if not sys.stderr.isatty():
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    # The package loads its modules lazily, and `errors` is none of those that it knows.
    importlib.import_module("huggingface_hub.errors")
    return importlib.import_module("huggingface_hub")


def _transport() -> type[Exception]:
    """Return the base of the network errors of the client's HTTP library."""
    name = "httpx2" if find_spec("httpx2") else "httpx"
    error: type[Exception] = importlib.import_module(name).HTTPError
    return error


def _metadata(repo: str, path: str, revision: str, *, patient: bool) -> Any:
    client = _client()
    with _told(repo, path, revision):
        try:
            return client.get_hf_file_metadata(
                client.hf_hub_url(repo, path, revision=revision),
                library_name="pairsift",
                library_version=__version__,
                retry_on_errors=patient,
            )
        except client.errors.EntryNotFoundError:
            return None


@contextmanager
def _told(repo: str, path: str, revision: str) -> Iterator[None]:
    """Turn the client's errors into ours: one line that says what to do."""
    errors = _client().errors
    what = f"{repo}@{revision[:12]}"
    try:
        yield
    except errors.EntryNotFoundError:
        raise
    except errors.GatedRepoError as error:
        raise ModelError(
            f"{repo} asks for its terms to be accepted on the hub; then log in with `hf auth login`"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise ModelError(f"the hub has no repository {repo} (or it is private)") from error
    except errors.RevisionNotFoundError as error:
        raise ModelError(f"the hub has no revision {revision} of {repo}") from error
    except _transport() as error:
        raise ModelError(
            f"cannot fetch {path} of {what}: {error or type(error).__name__}; HF_ENDPOINT names "
            "a mirror, and --offline uses what is there"
        ) from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise ModelError(f"the disk is full: {path} of {what} does not fit") from error
        raise ModelError(f"cannot fetch {path} of {what}: {error}") from error
