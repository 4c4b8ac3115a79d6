"""May the output be written? Nothing of the user's is replaced unless they said so."""

import glob
import hashlib
import json
import os
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pairsift.errors import OutputExistsError, RunFolderError
from pairsift.objects import Bucket, as_address, split_key
from pairsift.runs.layout import (
    ATTEMPTS,
    FOLDERS,
    NAMING,
    OBJECTS,
    RUN,
    SUCCESS,
    TABLE,
    WRITING,
    is_own,
    key_of,
)
from pairsift.runs.marks import find_worker
from pairsift.runs.store import SWEEP_AFTER_SECONDS, RunStore
from pairsift.tables.outputs import Facts, describe_file
from pairsift.tables.staging import shown


def run_folder(output_path: Path) -> Path:
    """Return where the state of a job lies: ``b.csv.pairsift`` beside ``b.csv``.

    Raises:
        OutputExistsError: The output names a bucket, and beside those lies nothing.
    """
    address = as_address(output_path)
    if address is not None and not split_key(address)[1]:
        message = f"{address} is a bucket; name an object in it"
        raise OutputExistsError(message)
    return output_path.with_name(output_path.name + ".pairsift")


def check_output(inputs: Sequence[Path], output_path: Path, *, overwrite: bool) -> None:
    """Refuse an output that would destroy something or has no place to go.

    Raises:
        OutputExistsError: It exists already, is an input itself, or its folder is missing.
        OSError: Its object store cannot be reached, or has no such bucket.
    """
    if (address := as_address(output_path)) is not None:
        _check_object(inputs, address, overwrite=overwrite)
        return
    if output_path.exists():
        if output_path.is_dir():
            message = f"{output_path} is a folder; name a file"
            raise OutputExistsError(message)
        if any(output_path.samefile(path) for path in inputs):
            message = f"{output_path} is the input itself; choose another output"
            raise OutputExistsError(message)
        if not overwrite:
            message = f"{output_path} exists already (hint: --overwrite replaces it)"
            raise OutputExistsError(message)
    if not output_path.parent.is_dir():
        message = f"no such folder: {output_path.parent}"
        raise OutputExistsError(message)


def _check_object(inputs: Sequence[Path], address: str, *, overwrite: bool) -> None:
    name, key = split_key(address)
    bucket = Bucket(name)
    if any(address == shown(path) for path in inputs):
        message = f"{address} is the input itself; choose another output"
        raise OutputExistsError(message)
    if bucket.facts(key) is None:
        next(bucket.find(key), None)  # which fails where there is no such bucket
    elif not overwrite:
        message = f"{address} exists already (hint: --overwrite replaces it)"
        raise OutputExistsError(message)


def is_own_output(store: RunStore, output_path: Path) -> bool:
    """Say whether an existing output is what this run wrote, unchanged since.

    A run that was killed between the moment when a table took its name and its own end knows the
    table again by the note that was made just before that moment.
    """
    facts = describe_output(output_path)
    if facts is None:
        return False
    written = read_written(store)
    return (written is not None and facts in written["outputs"]) or _is_noted(store, facts)


def without_own_output(
    store: RunStore, inputs: Sequence[Path], output_path: Path
) -> tuple[Path, ...]:
    """Return the inputs without what this run wrote among them, where a glob or a folder led to it.

    Otherwise the same command would find more tables the second time than the first.

    Args:
        store: The run folder.
        inputs: As found.
        output_path: Of the job, a file or a folder.
    """
    if len(inputs) < 2:  # one that was named is refused elsewhere
        return tuple(inputs)
    place = Path(os.path.realpath(output_path))

    def is_own(path: Path) -> bool:
        if shown(path) == shown(output_path):
            return is_own_output(store, output_path)
        real = Path(os.path.realpath(path))
        return (real == place or place in real.parents) and is_own_output(store, real)

    return tuple(path for path in inputs if not is_own(path)) or tuple(inputs)


def note_output(store: RunStore, facts: Facts) -> None:
    """Write down what a table looks like that is about to take its name."""
    store.put(_note(facts), json.dumps(facts).encode())


def drop_notes(store: RunStore) -> None:
    """Remove the notes of tables, which ``read_written`` gives by now."""
    for name in store.names(NAMING):
        store.delete(name)


def _is_noted(store: RunStore, facts: Facts) -> bool:
    try:
        noted = json.loads(store.read(_note(facts)))
    except (FileNotFoundError, ValueError):
        return False
    return bool(noted) and all(facts.get(name) == value for name, value in noted.items())


def _note(facts: Facts) -> str:
    return f"{NAMING}/{hashlib.sha256(facts['path'].encode()).hexdigest()[:16]}.json"


def describe_output(output_path: Path) -> Facts | None:
    """Return what tells a written table from a changed one; None where there is none."""
    if (address := as_address(output_path)) is not None:
        name, key = split_key(address)
        facts = Bucket(name).facts(key)
        if facts is None:
            return None
        return {"path": address, "size": facts.size, "etag": facts.etag}
    if not output_path.is_file():
        return None
    return describe_file(Path(os.path.realpath(output_path)), output_path.stat())


def read_written(store: RunStore) -> dict[str, Any] | None:
    """Return what a run wrote down of the last table that it wrote, or None before the first."""
    try:
        return dict(json.loads(store.read(TABLE)))
    except FileNotFoundError:
        return None


def check_folder(store: RunStore) -> None:
    """Refuse to keep a run among things of another kind.

    Raises:
        RunFolderError: The folder holds something that is no part of a run.
    """
    try:
        found = store.entries()
    except NotADirectoryError as error:
        message = f"{store.location} is a file; name a folder for the run"
        raise RunFolderError(message) from error
    strange = [name for name in found if name not in (*FOLDERS, *OBJECTS)]
    if RUN not in found:
        # Folders of such names may be anybody's; only empty ones are sure to be nobody's.
        inside = (name for folder in FOLDERS if folder in found for name in store.names(folder))
        strange += [*(name for name in found if name in OBJECTS), *inside]
    if strange:
        place = store.location
        message = f"{place} holds {strange[0]}, which is no part of a run; name another folder"
        raise RunFolderError(message)


def clear_run(store: RunStore) -> None:
    """Remove a run: its mark of success first, so that nobody takes half of it for whole.

    What has a name that no run gives stays.

    Raises:
        RunFolderError: The folder holds something that is no part of a run, or somebody is at
            work on it.
    """
    check_folder(store)
    if (worker := find_worker(store)) is not None:
        message = (
            f"process {worker} is at work on {store.location}: end it before --overwrite, or name "
            "another folder with --run"
        )
        raise RunFolderError(message)
    for name in (SUCCESS, WRITING):
        store.delete(name)
    for folder in FOLDERS:
        store.delete_many([name for name in store.names(folder) if is_own(name)])
    # run.json last: without it a folder that is not empty is somebody else's.
    for name in (*(name for name in OBJECTS if name != RUN), RUN):
        store.delete(name)


def sweep_run(store: RunStore, outputs: Sequence[Path]) -> None:
    """Remove what killed processes left half written.

    Args:
        store: The run folder.
        outputs: Tables that the run writes; their halves lie beside them under hidden names.
    """
    drop_finished_marks(store)
    store.sweep(FOLDERS)
    if store.exists(WRITING):
        for path in outputs:  # no folder is at the parent of an address
            _sweep(path.parent.glob(f".{glob.escape(path.name[:100])}.*.part"))


def drop_finished_marks(store: RunStore) -> None:
    """Remove the marks of shards that are finished, left by processes killed after a commit.

    Args:
        store: The run folder.
    """
    for name in store.names(ATTEMPTS):
        if (key := key_of(name)) is not None and store.exists(key.commit):
            store.delete(name)


def _sweep(parts: Iterable[Path]) -> None:
    for part in parts:
        # A younger one may be in the hands of another process.
        with suppress(FileNotFoundError):
            if time.time() - part.stat().st_mtime > SWEEP_AFTER_SECONDS:
                part.unlink()
