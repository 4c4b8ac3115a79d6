"""The first pull of a model: which files it needs, where they come from, what is pinned."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from pairsift import hub, locks
from pairsift.errors import ModelError, OfflineError, WeightsError
from pairsift.locks import ModelLock, PinnedFile
from pairsift.records import ONNX_IMAGE_FILE, ONNX_TEXT_FILE, ModelRecord

REQUIRED_CONFIGS = ("config.json", "preprocessor_config.json", "tokenizer.json")
OPTIONAL_CONFIGS = ("tokenizer_config.json", "special_tokens_map.json")
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
ONNX = (ONNX_IMAGE_FILE, ONNX_TEXT_FILE)


@dataclass(frozen=True)
class Source:
    """A model on the hub.

    Args:
        name: What to call it.
        repo: ``ORG/NAME``.
        requested: Branch, tag or commit.
        record: The record of a known model; None for ``hf:`` names.
    """

    name: str
    repo: str
    requested: str
    record: ModelRecord | None

    def lock_path(self, root: Path) -> Path:
        """Return where the lock lies: in the repository's own folder of the cache."""
        name = quote(self.requested, safe="") + ".json"
        return hub.repo_folder(root, self.repo) / "pairsift" / name


def first_pull(source: Source, root: Path, *, offline: bool) -> ModelLock:
    """Fetch a model's files, or take over what another program put into the hub's cache."""
    if offline:
        revision = hub.cached_revision(root, source.repo, source.requested)
        folder = hub.repo_folder(root, source.repo)
        folder = hub.snapshot_folder(root, source.repo, revision) if revision else folder
        found, missing = _plan(source.record, lambda path: _on_disk(folder, path), folder)
        if missing or revision is None:
            raise offline_error(source, missing, folder)
    else:
        revision = hub.resolve_revision(source.repo, source.requested)
        folder = hub.snapshot_folder(root, source.repo, revision)

        def look(path: str) -> hub.RemoteFile | None:
            file = hub.describe_file(source.repo, path, revision)
            if file is not None and path == INDEX:  # names the shards: needed before they are
                hub.fetch_file(source.repo, file, revision=revision, root=root)
            return file

        found, missing = _plan(source.record, look, folder)
        if missing:
            raise ModelError(
                f"{source.repo}@{revision[:12]} has no {', '.join(missing)}; safetensors or the "
                "public ONNX layout are needed (pickled weights are never loaded)"
            )
        hub.require_space(root, [f for f in found if not (folder / f.path).exists()])
        for file in found:
            hub.fetch_file(source.repo, file, revision=revision, root=root)
    pins = tuple(locks.pin_file(folder, file.path) for file in found)
    lock = ModelLock(source.repo, source.requested, revision, pins)
    compare_with_record(lock, source.record)
    return lock


def _plan(
    record: ModelRecord | None, look: Callable[[str], hub.RemoteFile | None], folder: Path
) -> tuple[list[hub.RemoteFile], list[str]]:
    """Return the files that a model needs and that are there, and those that are not."""
    found = [look(path) for path in (*REQUIRED_CONFIGS, *OPTIONAL_CONFIGS)]
    missing = [p for p, f in zip(REQUIRED_CONFIGS, found, strict=False) if f is None]
    if "preprocessor_config.json" in missing and (newer := look("processor_config.json")):
        missing.remove("preprocessor_config.json")  # what transformers 5 writes instead
        found.append(newer)
    weights: list[hub.RemoteFile | None] = []
    if record is None or not record.is_onnx:
        weights = [look(WEIGHTS)]
        if weights == [None] and (index := look(INDEX)):
            shards = _shards(folder / INDEX)
            weights = [index, *(look(shard) for shard in shards)]
            missing += [s for s, f in zip(shards, weights[1:], strict=True) if f is None]
    if weights in ([], [None]):
        weights = [look(path) for path in ONNX]
        weights += [look(f"{path}_data") for path in ONNX if None not in weights]
        if None in weights[:2]:
            missing += ONNX if record is not None and record.is_onnx else [WEIGHTS]
    return [file for file in (*found, *weights) if file is not None], missing


def _shards(index: Path) -> list[str]:
    content = locks.read_json(index)
    names = sorted(set(content.get("weight_map", {}).values()))
    for name in names:
        if PurePosixPath(name).name != name or not name.endswith(".safetensors"):
            raise WeightsError(f"{index} names {name!r}, which is no safetensors file beside it")
    return names


def _on_disk(folder: Path, path: str) -> hub.RemoteFile | None:
    file = folder / path
    return hub.RemoteFile(path, file.stat().st_size, None) if file.is_file() else None


def fetch_pinned(lock: ModelLock, missing: list[str], root: Path) -> None:
    """Fetch files that were there once; they have to be the pinned bytes again."""
    pinned = {file.path: file for file in lock.files}
    # The checksum is ours by now, so the hub's word for it is not asked for again.
    files = [hub.RemoteFile(p, pinned[p].size, pinned[p].sha256) for p in missing]
    hub.require_space(root, files)
    for file in files:
        hub.fetch_file(lock.repo or "", file, revision=lock.revision or "", root=root)


def compare_with_record(lock: ModelLock, record: ModelRecord | None) -> None:
    """Refuse bytes that differ from a checksum that came with pairsift itself."""
    pinned: dict[str, PinnedFile] = {file.path: file for file in lock.files}
    for file in record.files if record else ():
        pin = pinned.get(file.path)
        if pin and file.sha256 and pin.sha256 != file.sha256:
            raise WeightsError(
                f"{lock.repo}@{lock.revision} {file.path} has sha256 {pin.sha256}, but "
                f"{file.sha256} is on record"
            )


def offline_error(source: Source, missing: list[str], folder: Path) -> OfflineError:
    """Return the error that names what is missing and how to get it."""
    listing = "".join(f"\n  {path}" for path in missing)
    spec = source.name if source.record else f"{source.name}@{source.requested}"
    return OfflineError(
        f"{source.name} is not complete on this disk, and fetching is off; missing in {folder}:"
        f"{listing}\nOn a machine with network: pairsift models pull {spec}"
    )


def refuse_moved_branch(source: Source, root: Path, announce: Callable[[str], None]) -> None:
    """Ask the hub where a pinned branch is now.

    Args:
        source: The model.
        root: The cache.
        announce: Is told when the hub cannot be asked; the pin then stays.

    Raises:
        WeightsError: The branch has moved; both commits are named.
    """
    lock = locks.read_lock(source.lock_path(root))
    if lock is None or hub.COMMIT.fullmatch(source.requested):
        return
    try:
        now = hub.resolve_revision(source.repo, source.requested)
    except ModelError as error:
        announce(f"{source.name}: stays at {lock.revision}; the hub was not asked ({error})")
        return
    if now != lock.revision:
        raise WeightsError(
            f"{source.repo}@{source.requested} is pinned at {lock.revision}, but is now {now}. "
            f"Scores of the two do not mix: use hf:{source.repo}@{now}, or delete "
            f"{source.lock_path(root)} to pin it anew"
        )
