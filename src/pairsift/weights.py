"""Which files a model is, and how they come to this disk.

A model is named by a record (``clip-vit-base-patch32``), a folder, or ``hf:ORG/NAME[@REVISION]``.
The first pull from the hub resolves the branch to a commit and writes a lock beside the weights;
from then on the lock decides, and no socket is opened.
"""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from pairsift import cards, hub, locks, pulls
from pairsift.config import ModelConfig
from pairsift.errors import UnknownNameError, UsageError, WeightsError
from pairsift.locks import ModelLock
from pairsift.models import BUILT_IN, DATA, RECORDS, bind_record, derive_record, find_record
from pairsift.pulls import Source
from pairsift.records import LocalModel, ModelFile, ModelRecord

Announce = Callable[[str], None]

_log = logging.getLogger(__name__)


def resolve_model(
    spec: str, *, config: ModelConfig, announce: Announce | None = None
) -> LocalModel:
    """Find a model's files, fetching them from the hub if they are not here yet.

    Args:
        spec: A record's name, a folder, or ``hf:ORG/NAME[@REVISION]``.
        config: ``offline`` and ``cache_dir`` are read.
        announce: Is told the licence at the first use, and what is fetched (default: a log line).

    Returns:
        The model; its record's files carry the checksums that were verified.

    Raises:
        UnknownNameError: There is no such record; the nearest are named.
        UsageError: There is no such folder, or the name is no hub name.
        OfflineError: Files are missing and fetching is off; they are named.
        WeightsError: A checksum, size or revision is not the pinned one.
        ModelRecipeError: A field of the recipe cannot be derived with certainty.
        ModelError: The hub cannot be reached or has no such model.
    """
    place = _find(spec)
    if isinstance(place, Path):
        return _open_folder(place, spec=spec)
    return _open_source(place, config, announce or _log.warning)


def pull_model(
    spec: str, *, config: ModelConfig, to: Path | None = None, announce: Announce | None = None
) -> LocalModel:
    """Fetch a model, check that its branch still is where it was pinned, and copy it if wanted.

    Args:
        spec: As for ``resolve_model``.
        config: ``offline`` and ``cache_dir`` are read.
        to: A folder that will hold every file and ``pairsift.json``; usable as ``--model DIR``
            without network. It appears whole or not at all.
        announce: Is told the licence and what is fetched (default: a log line).

    Returns:
        The model, in ``to`` if that was given.

    Raises:
        WeightsError: The branch has moved since it was pinned; both commits are named.
        OutputExistsError: ``to`` exists and is not this model.
        ModelError: As ``resolve_model``.
    """
    tell = announce or _log.warning
    place = _find(spec)
    if isinstance(place, Source) and not (config.offline or hub.is_offline()):
        pulls.refuse_moved_branch(place, hub.cache_root(config.cache_dir), tell)
    model = resolve_model(spec, config=config, announce=tell)
    if to is None:
        return model
    cards.copy_model(model, to, requested=place.requested if isinstance(place, Source) else None)
    return resolve_model(str(to.absolute()), config=config, announce=tell)


def weights_digest(files: tuple[ModelFile, ...]) -> str | None:
    """Return the sha256 of the weights; of ``sha256sum``'s list where they are several files."""
    suffixes = (".safetensors", ".onnx", ".onnx_data", ".xml", ".bin")
    found = sorted((f.path, f.sha256) for f in files if f.path.endswith(suffixes))
    if not found or any(sha256 is None for _, sha256 in found):
        return None
    if len(found) == 1:
        return found[0][1]
    listing = "".join(f"{sha256}  {path}\n" for path, sha256 in found)
    return hashlib.sha256(listing.encode()).hexdigest()


def _find(spec: str) -> Path | Source:
    if spec.startswith("hf:"):
        repo, _, revision = spec.removeprefix("hf:").partition("@")
        if not hub.REPO.fullmatch(repo) or revision.startswith("/") or ".." in revision:
            raise UsageError(f"{spec!r} is no hub name; accepted: hf:ORG/NAME or hf:ORG/NAME@REV")
        return Source(f"hf:{repo}", repo, revision or "main", None)
    if spec in BUILT_IN:
        return DATA / spec
    record = RECORDS.get(spec)
    if record is not None and record.repo is not None:
        return Source(spec, record.repo, record.revision or "main", record)
    folder = Path(spec).expanduser()
    if folder.is_dir():
        return folder.absolute()
    if len(folder.parts) > 1 or spec.startswith((".", "~")):
        raise UsageError(f"there is no model folder {spec}")
    find_record(spec)  # raises, naming the nearest
    raise UnknownNameError(f"model {spec!r} has no files")


def _open_folder(folder: Path, *, spec: str) -> LocalModel:
    card = cards.read_card(folder)
    if spec in BUILT_IN:
        # The package installer answers for its own files at every start; `models check` does.
        record = find_record(spec)
    elif card is None:
        record = derive_record(folder, name=folder.name)
    else:
        lock = cards.card_lock(card, folder)
        if missing := locks.missing_files(lock, folder):
            raise WeightsError(f"{folder} lacks {', '.join(missing)}: pull it again")
        _verify(lock, folder, lambda now: cards.refresh_card(folder, card, now))
        stated = card["record"]
        record = _bound(RECORDS.get(stated["name"]), folder, name=stated["name"], like=stated)
        return _local(record, folder, lock)
    files = tuple(
        ModelFile(pin.path, pin.sha256, pin.size)
        for pin in (locks.pin_file(folder, file.path) for file in record.files)
    )
    return LocalModel(replace(record, files=files), folder, weights_digest(files))


def _open_source(source: Source, config: ModelConfig, announce: Announce) -> LocalModel:
    root = hub.cache_root(config.cache_dir)
    offline = config.offline or hub.is_offline()
    path = source.lock_path(root)
    lock = locks.read_lock(path)
    if lock is None:
        lock = pulls.first_pull(source, root, offline=offline)
        folder = hub.snapshot_folder(root, source.repo, lock.revision or "")
        model = _local(_bound(source.record, folder, name=source.name), folder, lock)
        try:
            won = locks.write_lock(path, lock)
        except OSError as error:
            announce(f"{source.name}: cannot pin its revision in {path} ({error})")
            won = True
        if not won:  # another process was first: its pin holds
            return _open_source(source, config, announce)
        announce(_first_use(model, source))
        return model
    folder = hub.snapshot_folder(root, source.repo, lock.revision or "")
    if missing := locks.missing_files(lock, folder):
        if offline:
            raise pulls.offline_error(source, missing, folder)
        pulls.fetch_pinned(lock, missing, root)
    pulls.compare_with_record(lock, source.record)
    _verify(lock, folder, lambda now: locks.write_lock(path, now, replace=True))
    return _local(_bound(source.record, folder, name=source.name), folder, lock)


def _verify(lock: ModelLock, folder: Path, remember: Callable[[ModelLock], Any]) -> None:
    now = locks.verify_files(lock, folder)
    if now != lock:
        try:
            remember(now)
        except OSError:  # a read-only cache: the files are simply hashed again next time
            _log.debug("cannot remember the modification times of %s", folder)


def _bound(
    known: ModelRecord | None, folder: Path, *, name: str, like: dict[str, Any] | None = None
) -> ModelRecord:
    if known is not None:
        return bind_record(known, folder)
    lowercase = bool(like and like["text"]["lowercase"])
    record = derive_record(folder, name=name, lowercase=lowercase)
    if like is None:
        return record
    # Quantised towers do not carry what the measures need: their card does.
    scale = like["logit_scale"] if record.logit_scale is None else record.logit_scale
    bias = like["logit_bias"] if record.logit_bias is None else record.logit_bias
    return replace(record, licence=like["licence"], logit_scale=scale, logit_bias=bias)


def _local(record: ModelRecord, folder: Path, lock: ModelLock) -> LocalModel:
    files = tuple(ModelFile(file.path, file.sha256, file.size) for file in lock.files)
    record = replace(record, repo=lock.repo, revision=lock.revision, files=files)
    return LocalModel(record, folder, weights_digest(files))


def _first_use(model: LocalModel, source: Source) -> str:
    record = model.record
    megabytes = sum(file.size or 0 for file in record.files) / 1e6
    licence = record.licence
    if licence == "unknown":
        licence = f"see its card, https://huggingface.co/{source.repo}"
    return (
        f"{source.name}: {source.repo}@{(record.revision or '')[:12]}, {megabytes:,.0f} MB, "
        f"licence: {licence}"
    )
