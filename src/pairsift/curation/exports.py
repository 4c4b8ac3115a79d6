"""What a curated set is handed on as: tables, WebDataset tars, DataComp's file of uids."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from pairsift import schema
from pairsift.config import ExportConfig
from pairsift.curation.added import added_columns, added_schema
from pairsift.curation.conditions import CALIBRATED
from pairsift.curation.curating import Curation
from pairsift.curation.material import CHANGED
from pairsift.curation.rows import own_columns, require_columns
from pairsift.curation.scored_tables import is_alone, lacks, why_unknown
from pairsift.curation.tars import write_tars
from pairsift.curation.uids import pack_uids, uid_of_pair
from pairsift.errors import JobError, UsageError
from pairsift.protocols import TableReader
from pairsift.runs import Run
from pairsift.tables import parquet, vectors
from pairsift.tables.columns import added_names
from pairsift.tables.enriched import open_enriched
from pairsift.tables.formats import format_of
from pairsift.tables.outputs import open_output

IntArray = NDArray[np.int64]

ROWS_AT_ONCE = 1024
UID = "uid"
UIDS_FILE = "uids.npy"


def check_exports(run: Run, config: ExportConfig, *, prefix: str) -> None:
    """Refuse exports that cannot be made, before anything is computed.

    Raises:
        UsageError: There is no such export.
        ColumnError: A column is missing, or there already.
    """
    for name in config.export:
        if name not in EXPORTS:
            message = f"export `{name}` is unknown; accepted: {', '.join(EXPORTS)}"
            raise UsageError(message)
    if config.uid_column is not None:
        require_columns(run, [config.uid_column])
    if set(config.export) - {"datacomp"}:
        reader = _reader(run)
        # A table without its run folder has its similarities already.
        similarity = [] if is_alone(run) else [schema.SIMILARITY]
        added_names(reader.column_names, [*similarity, *CALIBRATED, schema.KEEP], prefix)
    needs_digests = "datacomp" in config.export and config.uid_column is None
    if needs_digests and lacks(run, schema.IMAGE_SHA256) and UID not in _reader(run).column_names:
        why = why_unknown(run, schema.IMAGE_SHA256)
        message = f"without --uid-column uids are made of image_sha256, which is not known: {why}"
        raise UsageError(message)
    if "webdataset" in config.export and lacks(run, schema.IMAGE_SHA256):
        why = why_unknown(run, schema.IMAGE_SHA256)
        message = f"--export webdataset needs pictures with their image_sha256, not known: {why}"
        raise UsageError(message)


def _reader(run: Run) -> TableReader:
    return run.open_input(0)


def write_exports(
    curation: Curation, folder: Path, *, config: ExportConfig, prefix: str
) -> list[dict[str, Any]]:
    """Write what is asked for.

    Args:
        curation: What was decided.
        folder: Gets a folder or a file for each export.
        config: Which exports.
        prefix: Put before the names of added columns.

    Returns:
        What was written, an entry an export.
    """
    return [
        {"export": name} | EXPORTS[name](curation, folder, config, prefix)
        for name in dict.fromkeys(config.export)
    ]


def _export_input(
    curation: Curation, folder: Path, config: ExportConfig, prefix: str
) -> dict[str, Any]:
    return _write_tables(curation, folder / "table", config, prefix, suffix=None)


def _export_parquet(
    curation: Curation, folder: Path, config: ExportConfig, prefix: str
) -> dict[str, Any]:
    return _write_tables(curation, folder / "parquet", config, prefix, suffix=".parquet")


def _export_tars(
    curation: Curation, folder: Path, config: ExportConfig, prefix: str
) -> dict[str, Any]:
    return write_tars(
        curation, folder / "webdataset", shard_pairs=config.shard_pairs, prefix=prefix
    )


def _export_uids(
    curation: Curation,
    folder: Path,
    config: ExportConfig,
    prefix: str,  # noqa: ARG001 - no column is added
) -> dict[str, Any]:
    material = curation.material
    column = config.uid_column or (UID if UID in material.reader.column_names else None)
    places = curation.kept
    packed = pack_uids(_uids(curation, places, column), curation.verdict.repeats[places])
    with open_output(folder / UIDS_FILE) as stream:
        np.save(stream, packed, allow_pickle=False)
    return {"path": UIDS_FILE, "uids": len(packed), "uid_column": column}


def _uids(curation: Curation, places: IntArray, column: str | None) -> Iterator[str]:
    material = curation.material
    if column is None:
        digests = material.image_sha256.take(places).to_pylist()
        captions = material.captions.take(places).to_pylist()
        for digest, caption in zip(digests, captions, strict=True):
            yield uid_of_pair(digest or "", caption or "")
        return
    is_kept = curation.verdict.keep
    for here, batch in own_columns(curation.run, material.rows, [column]):
        cells = batch.column(column).filter(pc.equal(is_kept[here], True))  # noqa: FBT003
        yield from ("" if cell is None else str(cell).strip() for cell in cells.to_pylist())


def _write_tables(
    curation: Curation, folder: Path, config: ExportConfig, prefix: str, *, suffix: str | None
) -> dict[str, Any]:
    """Write a table for each input file, of the kept rows or of all."""
    folder.mkdir()
    inputs = curation.run.info["inputs"]
    has_verdict = config.export_rows == "all"
    names = _output_names([Path(item["path"]) for item in inputs], suffix)
    num_rows = 0
    for item, name in zip(inputs, names, strict=True):
        here = curation.material.rows.files == item["ordinal"]
        places = np.flatnonzero(here if has_verdict else here & curation.verdict.keep)
        _write_table(curation, item["ordinal"], folder / name, places, (prefix, has_verdict))
        num_rows += len(places)
    written = [f"{folder.name}/{name}" for name in names]
    return {"path": folder.name, "files": written, "rows": num_rows}


def _write_table(
    curation: Curation, ordinal: int, target: Path, places: IntArray, manner: tuple[str, bool]
) -> None:
    prefix, has_verdict = manner
    run = curation.run
    reader = run.open_input(ordinal)
    has_lists = format_of(target) is parquet.FORMAT
    fields = added_schema(curation, has_lists=has_lists, has_verdict=has_verdict)
    names = added_names(reader.column_names, fields.names, prefix)
    renamed = added_columns(curation, places[:0], fields, names).schema
    facts = asdict(run.provenance) | {"recipe_sha256": curation.recipe.sha256}
    metadata = {name: str(value) for name, value in facts.items() if value is not None}
    rows = curation.material.rows.rows[places].tolist()
    done = 0
    with open_enriched(
        target,
        [reader],
        image_column=run.info["image_column"],
        added_schema=renamed,
        metadata=metadata,
        copy_images=True,
    ) as writer:
        for batch in reader.read_batches(
            image_column=run.info["image_column"],
            caption_column=run.info["caption_column"],
            batch_rows=ROWS_AT_ONCE,
            rows=rows,
        ):
            part = places[done : done + len(batch.pairs)]
            writer.write(batch, added_columns(curation, part, fields, names))
            done += len(batch.pairs)
        if done != len(places):
            raise JobError(CHANGED)


def _output_names(paths: Sequence[Path], suffix: str | None) -> list[str]:
    """Return a name for each input's output; the ordinal leads where two would be the same."""
    names = [_output_name(path, suffix) for path in paths]
    if len(set(names)) == len(names):
        return names
    return [f"{number:05}-{name}" for number, name in enumerate(names)]


def _output_name(path: Path, suffix: str | None) -> str:
    if path.is_dir():
        return path.name + (suffix or ".csv")
    if format_of(path).name == vectors.FORMAT.name:
        suffix = suffix or ".parquet"  # an array of embeddings has no place for scores
    if suffix is None:
        return path.name
    own = [end for end in format_of(path).suffixes if path.name.lower().endswith(end)]
    return path.name[: -max(map(len, own))] + suffix


EXPORTS: dict[str, Callable[[Curation, Path, ExportConfig, str], dict[str, Any]]] = {
    "input": _export_input,
    "parquet": _export_parquet,
    "webdataset": _export_tars,
    "datacomp": _export_uids,
}
"""What ``--export`` may be."""
