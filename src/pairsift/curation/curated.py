"""A curation on disk: one folder that appears whole, with a line for every row of the run."""

import json
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pairsift import schema
from pairsift.config import ExportConfig
from pairsift.curation.added import CAPTIONS, REPEATS
from pairsift.curation.curating import Curation
from pairsift.curation.decisions import score_arrays
from pairsift.curation.exports import check_exports, write_exports
from pairsift.curation.rows import FILE, ROW
from pairsift.errors import OutputExistsError
from pairsift.tables.outputs import check_local, open_output, take_folder_name

DECISIONS = "decisions.parquet"
RECIPE = "recipe.toml"
RECORD = "curation.json"
SUCCESS = "_SUCCESS"

CHUNK_ROWS = 1 << 16


def check_curation_path(folder: Path, *, overwrite: bool) -> None:
    """Refuse a place where a curation cannot be written, before anything is computed.

    Raises:
        OutputExistsError: It exists and is not to be replaced, or is no curation; or its parent
            is missing.
    """
    check_local(folder)
    if folder.exists():
        if not overwrite:
            raise OutputExistsError(f"{folder} exists already (hint: --overwrite replaces it)")
        if not folder.is_dir() or (any(folder.iterdir()) and not (folder / RECORD).is_file()):
            raise OutputExistsError(f"{folder} is no curation, so it is not replaced")
    if not folder.parent.is_dir():
        raise OutputExistsError(f"no such folder: {folder.parent}")


def write_curation(
    curation: Curation, folder: Path, *, config: ExportConfig, prefix: str, overwrite: bool
) -> dict[str, Any]:
    """Write decisions, record, recipe and exports; the folder appears whole or not at all.

    Args:
        curation: What was decided.
        folder: Takes this name at the end.
        config: What is exported.
        prefix: Put before the names of columns that exports add.
        overwrite: Replace an earlier curation.

    Returns:
        The content of curation.json.

    Raises:
        OutputExistsError: As ``check_curation_path``.
        UsageError: An export cannot be made from such a run.
        JobError: The inputs are not those that were scored.
    """
    check_curation_path(folder, overwrite=overwrite)
    check_exports(curation.run, config, prefix=prefix)
    part = folder.with_name(f".{folder.name[:100]}.{secrets.token_hex(4)}.part")
    try:
        part.mkdir()
        _write_decisions(curation, part / DECISIONS)
        exports = write_exports(curation, part, config=config, prefix=prefix)
        record = curation.to_json() | {"exports": exports}
        _write_text(part / RECIPE, curation.recipe.text)
        _write_text(part / RECORD, json.dumps(record, indent=2, ensure_ascii=False) + "\n")
        _write_text(part / SUCCESS, "")
        take_folder_name(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return record


def decision_batches(curation: Curation) -> Iterator[pa.RecordBatch]:
    """Yield a line for every row of the run, in its order.

    Columns: ``file``, ``row``, the similarity, the calibrated columns, ``keep``, the list
    ``drop_reasons``; ``repeats`` where rows may count more than once, ``captions`` where the
    recipe collects them.
    """
    material, verdict = curation.material, curation.verdict
    rows, keep = material.rows, verdict.keep
    contrast = material.contrast.values if curation.has_contrast else None
    for first in range(0, max(len(curation), 1), CHUNK_ROWS):
        part = slice(first, min(first + CHUNK_ROWS, len(curation)))
        columns = {
            FILE: pa.array(rows.files[part]),
            ROW: pa.array(rows.rows[part]),
            **score_arrays(rows, material.scales, contrast, part),
            schema.KEEP: pa.array(keep[part]),
            schema.DROP_REASONS: verdict.reasons(part),
        }
        if curation.has_repeats:
            columns[REPEATS] = pa.array(verdict.repeats[part], pa.int32())
        if curation.collects_captions:
            found = [curation.captions.get(place) for place in range(part.start, part.stop)]
            columns[CAPTIONS] = pa.array(found, pa.list_(pa.string()))
        yield pa.RecordBatch.from_pydict(columns)


def _write_decisions(curation: Curation, path: Path) -> None:
    with open_output(path) as stream:
        batches = decision_batches(curation)
        first = next(batches)
        with pq.ParquetWriter(stream, first.schema, compression="zstd") as writer:
            writer.write_batch(first)
            for batch in batches:
                writer.write_batch(batch)


def _write_text(path: Path, text: str) -> None:
    with open_output(path) as stream:
        stream.write(text.encode())
