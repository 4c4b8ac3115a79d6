"""Open a run folder for a job: create it, go on with it, or refuse."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass, replace
from pathlib import Path
from typing import Any

from pairsift.config import ScoreConfig
from pairsift.engines.outputs import (
    check_folder,
    check_output,
    clear_run,
    describe_output,
    is_own_output,
    run_folder,
)
from pairsift.errors import OutputExistsError
from pairsift.protocols import TableReader
from pairsift.runs.layout import RUN
from pairsift.runs.manifest import (
    check_identity,
    describe_input,
    describe_run,
    read_manifest,
    score_identity,
)
from pairsift.runs.store import RunStore, open_store
from pairsift.scorers import Scorer
from pairsift.tables.formats import format_of
from pairsift.tables.staging import shown


@dataclass(frozen=True)
class InputTable:
    """One input file of a job.

    Args:
        ordinal: Its place among them.
        path: Where it lies.
        reader: Of the file.
        wanted: Ordinals of the rows that are wanted, ascending, or None for all.
        root: Folder of its references, where it is not that of the first table.
    """

    ordinal: int
    path: Path
    reader: TableReader
    wanted: Sequence[int] | None
    root: Path | None = None


def find_run(config: ScoreConfig, output_path: Path | None) -> RunStore | None:
    """Return where the run of a job lies; None where it needs none."""
    if config.run.run is not None:
        return open_store(config.run.run)
    return None if output_path is None else open_store(run_folder(output_path))


def look_at_run(store: RunStore, config: ScoreConfig) -> Mapping[str, Any] | None:
    """Return run.json of a run that a job goes on with, or None where it starts anew.

    Raises:
        RunFolderError: The folder holds something else, or a run that cannot be read.
    """
    check_folder(store)
    return None if config.output.overwrite else read_manifest(store)


def check_outputs(
    paths: Sequence[Path],
    *,
    inputs: Sequence[Path],
    config: ScoreConfig,
    store: RunStore | None,
    manifest: Mapping[str, Any] | None,
) -> None:
    """Refuse outputs that would destroy something or have no place to go.

    Args:
        paths: Files that are to be written.
        inputs: Of the job.
        config: Says whether an existing output may be replaced.
        store: The run folder, if there is one.
        manifest: Of a run that is gone on with: what it wrote it may write again.

    Raises:
        OutputExistsError: One exists already, is an input itself, or its folder is missing.
    """
    for path in paths:
        may_replace = config.output.overwrite
        if store is not None and manifest is not None and describe_output(path) is not None:
            may_replace = is_own_output(store, path)
            if not may_replace:
                message = (
                    f"{shown(path)} exists already, and is not what the run in "
                    f"{store.location} wrote (hint: --overwrite replaces it and starts anew)"
                )
                raise OutputExistsError(message)
        check_output(inputs, path, overwrite=may_replace)


def bind_precision(config: ScoreConfig, manifest: Mapping[str, Any] | None) -> ScoreConfig:
    """Return the config with the precision that a run was created with, where auto was asked."""
    if manifest is None or config.model.precision != "auto":
        return config
    precision = manifest["provenance"]["precision"]
    return replace(config, model=replace(config.model, precision=precision))


def open_or_create(
    store: RunStore,
    config: ScoreConfig,
    scorer: Scorer,
    *,
    columns: tuple[str, str],
    tables: Sequence[InputTable],
    command: Sequence[str],
) -> dict[str, Any]:
    """Return run.json, of which the first of several processes is the author.

    Args:
        store: The run folder.
        config: Of the job.
        scorer: Built, so that what really runs is known.
        columns: Names of the image and the caption column.
        tables: The inputs.
        command: What was typed, if anything, to say how to resume.

    Raises:
        RunFolderError: The run is of another configuration; every difference is named.
    """
    if config.output.overwrite:
        clear_run(store)
    inputs = [
        describe_input(table.ordinal, table.path, format_of(table.path).name) for table in tables
    ]
    encoder, measure = scorer.encoder, scorer.measure
    identity = score_identity(
        config, encoder=encoder, measure=measure, columns=columns, inputs=inputs
    )
    record = getattr(encoder, "record", None)
    facts = {
        "model_record": asdict(record) if is_dataclass(record) else None,  # type: ignore[arg-type]
        "command": list(command),
    }
    manifest = describe_run(
        config, encoder=encoder, measure=measure, identity=identity, inputs=inputs, facts=facts
    )
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    if store.put_if_absent(RUN, text.encode()):
        return manifest
    found = read_manifest(store)
    if found is None:
        return manifest
    check_identity(found, identity, folder=store.location)
    return found
