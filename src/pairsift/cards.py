"""The card beside a model's weights: ``pairsift.json``, with its record and its lock.

A built-in model and a folder made by ``pairsift models pull NAME --to DIR`` have one. It says what
the files were when they were put there, so that a later change is noticed.
"""

import json
import shutil
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pairsift import locks
from pairsift.errors import ModelError, OutputExistsError, WeightsError
from pairsift.locks import ModelLock
from pairsift.records import LocalModel

CARD_FILE = "pairsift.json"
OWN_KNOWLEDGE = ("fingerprint", "canaries", "quantization")
"""What a card may also hold: the model's own figures (see ``checking``)."""


def read_card(folder: Path) -> dict[str, Any] | None:
    """Return a folder's ``pairsift.json`` as plain data, or None when there is none.

    Raises:
        WeightsError: It is there but is not such a file.
    """
    card = locks.read_json(folder / CARD_FILE)
    if card is not None and not (isinstance(card, dict) and "record" in card and "lock" in card):
        raise WeightsError(f"{folder / CARD_FILE} is not a pairsift model card")
    return card


def make_card(model: LocalModel, *, requested: str | None = None) -> dict[str, Any]:
    """Hash a model's files and return what ``pairsift.json`` should say about them.

    Args:
        model: The model as it is now.
        requested: The branch or tag that was asked for.
    """
    record = model.record
    files = tuple(
        replace(locks.pin_file(model.folder, file.path), mtime_ns=0) for file in record.files
    )
    lock = ModelLock(record.repo, requested, record.revision, files)
    plain = asdict(record)
    del plain["files"]
    return {"record": plain, "lock": lock.to_plain()}


def card_lock(card: dict[str, Any], folder: Path) -> ModelLock:
    """Return the lock that a card holds.

    Raises:
        WeightsError: It holds none that can be read.
    """
    return locks.lock_from_plain(card["lock"], source=folder / CARD_FILE)


def refresh_card(folder: Path, card: dict[str, Any], lock: ModelLock) -> None:
    """Write a card again with the modification times of now."""
    plain = {**card, "lock": lock.to_plain()}
    locks.write_whole(folder / CARD_FILE, json.dumps(plain, indent=1) + "\n", replace=True)


def copy_model(model: LocalModel, to: Path, *, requested: str | None) -> None:
    """Copy a model's files and its card into a folder that appears whole or not at all.

    Args:
        model: What to copy.
        to: The folder; may exist if it is empty or already holds this very model.
        requested: The branch or tag that was asked for, for the card.

    Raises:
        OutputExistsError: The folder holds something else.
        WeightsError: A copy has other bytes than the original.
        ModelError: It cannot be written.
    """
    card = make_card(model, requested=requested)
    for extra in OWN_KNOWLEDGE:
        own = read_card(model.folder) or {}
        if extra in own:
            card[extra] = own[extra]
    if to.exists() and any(to.iterdir() if to.is_dir() else [to]):
        there = read_card(to) if to.is_dir() else None
        if there is None or _checksums(there) != _checksums(card):
            raise OutputExistsError(f"{to} exists and is not this model; choose another folder")
        return
    to.parent.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(dir=to.parent, prefix=f".{to.name}."))
    try:
        for file in model.record.files:
            target = stage / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(model.folder / file.path, target)
            if file.sha256 is not None and locks.hash_file(target) != file.sha256:
                raise WeightsError(f"{target} was not copied as it was: is the disk sound?")
        locks.write_whole(stage / CARD_FILE, json.dumps(card, indent=1) + "\n", replace=True)
        stage.chmod(0o755)
        if to.is_dir():
            to.rmdir()
        stage.rename(to)
    except OSError as error:
        raise ModelError(f"cannot write {to}: {error}") from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _checksums(card: dict[str, Any]) -> list[tuple[str, str]]:
    return [(file["path"], file["sha256"]) for file in card["lock"]["files"]]
