"""The folder of a quantised model: towers, tokenizer, recipes and a card."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import openvino as ov

from pairsift import cards, locks
from pairsift.checkpoints import INDEX_FILE
from pairsift.errors import ModelError, OutputExistsError
from pairsift.locks import ModelLock
from pairsift.models import derive_record
from pairsift.records import INT8_IMAGE_FILE, INT8_TEXT_FILE, LocalModel
from pairsift.weights import weights_digest

SUFFIX = "-int8"
_PROCESSOR = "processor_config.json"


def check_place(to: Path) -> None:
    """Refuse a folder that holds something.

    Raises:
        OutputExistsError: It is there, and not an empty folder.
    """
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise OutputExistsError(f"{to} exists already; choose another folder")


@contextmanager
def staged(to: Path) -> Iterator[Path]:
    """Give an empty folder beside the wanted one; whatever is left in it at the end is removed."""
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(dir=to.parent, prefix=f".{to.name}."))
    except OSError as error:
        raise ModelError(f"cannot write {to}: {error}") from error
    try:
        yield stage
    except OSError as error:
        raise ModelError(f"cannot write {to}: {error}") from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def publish(stage: Path, to: Path) -> None:
    """Give a finished folder its name."""
    stage.chmod(0o755)
    if to.is_dir():
        to.rmdir()
    os.replace(stage, to)  # noqa: PTH105 - the same as Path.replace, and says what it does


def write_towers(stage: Path, *, images: ov.Model, texts: ov.Model) -> None:
    """Write both towers as OpenVINO IR; what is not int8 stays float32."""
    for name, tower in ((INT8_IMAGE_FILE, images), (INT8_TEXT_FILE, texts)):
        path = stage / name
        path.parent.mkdir(parents=True, exist_ok=True)
        ov.save_model(tower, path, compress_to_fp16=False)


def copy_recipes(model: LocalModel, stage: Path) -> None:
    """Copy what says how pictures and captions are prepared: config files and tokenizer."""
    names = [file.path for file in model.record.files if file.path.endswith(".json")]
    for name in (*names, _PROCESSOR):
        source = model.folder / name
        if name != INDEX_FILE and source.is_file():
            target = stage / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)


def write_int8_card(stage: Path, model: LocalModel, knowledge: Mapping[str, Any]) -> None:
    """Write the card: a record like the source's, the checksums, and what is known.

    Args:
        stage: The folder, with everything else in it.
        model: The source.
        knowledge: Put into the card as it is.
    """
    source = model.record
    derived = derive_record(stage, name=source.name, lowercase=source.text.lowercase)
    record = replace(source, name=source.name + SUFFIX, files=derived.files)
    files = tuple(replace(locks.pin_file(stage, f.path), mtime_ns=0) for f in derived.files)
    plain = asdict(record)
    del plain["files"]
    lock = ModelLock(source.repo, None, source.revision, files)
    card = {"record": plain, "lock": lock.to_plain(), **knowledge}
    text = json.dumps(card, indent=1) + "\n"
    locks.write_whole(stage / cards.CARD_FILE, text, replace=True)


def describe_source(model: LocalModel) -> dict[str, Any]:
    """Return which model was quantised, with the sha256 of its weights."""
    record = model.record
    digest = model.weights_sha256
    if digest is None:
        pins = tuple(
            replace(file, sha256=locks.pin_file(model.folder, file.path).sha256)
            for file in record.files
        )
        digest = weights_digest(pins)
    return {
        "name": record.name,
        "repo": record.repo,
        "revision": record.revision,
        "weights_sha256": digest,
    }
