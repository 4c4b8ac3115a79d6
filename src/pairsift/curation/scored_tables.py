"""A scored table without its run folder: what its own columns say, in the shape of a run.

The score columns are put into a run folder of a moment, which goes when the process ends, so that
whatever reads a run reads such a table too. What only a run folder has stays missing: embeddings.
"""

import json
import tempfile
import weakref
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pairsift import schema
from pairsift.config import ModelConfig, RunConfig, ScoreConfig, TableConfig, describe
from pairsift.errors import RunFolderError, TableFormatError, UsageError
from pairsift.protocols import Provenance, Span, TableReader
from pairsift.runs import Run, open_run
from pairsift.runs.commits import Work
from pairsift.runs.layout import FORMAT_VERSION, RUN, SUCCESS, ShardKey
from pairsift.runs.manifest import describe_input, identity_sha256
from pairsift.runs.store import FolderStore
from pairsift.runs.writing import CAPTION_INDEX, IMAGE_INDEX, ScoredShard, commit_shard
from pairsift.statuses import RowStatus
from pairsift.tables.columns import find_columns
from pairsift.tables.formats import format_of, open_table
from pairsift.tables.parquet import METADATA_KEY, ParquetReader

ALONE = "scored_table"
"""Key of a run's info that is there for a table without a run folder."""

UNKNOWN = "not known"

_DETAILS = tuple(field.name for field in schema.DETAIL_FIELDS)

_ROWS_AT_ONCE = 4096
_SHARD_ROWS = 65_536
_NO_VALUE = pa.array(["", "null"])


def open_scored(
    path: str | Path, table: TableConfig | None = None, *, allow_partial: bool = False
) -> Run:
    """Open a run folder, or a scored table by itself where there is none beside it.

    Args:
        path: The folder, the enriched table beside it, or an enriched table alone.
        table: Names the columns of a table alone, and the folder of its pictures.
        allow_partial: As in ``open_run``.

    Raises:
        RunFolderError: As in ``open_run``.
        UsageError: It is no scored table, or a run folder is there and says what was given here.
    """
    table = table or TableConfig()
    local = Path(path)
    if local.is_file() and not local.with_name(local.name + ".pairsift").is_dir():
        return _run_of_table(local, table)
    run = open_run(path, allow_partial=allow_partial)
    if table != TableConfig():
        given = [f.name for f in fields(table) if getattr(table, f.name) != f.default]
        names = " and ".join(f"--{name.replace('_', '-')}" for name in given)
        message = f"{names}: only for a table without a run folder; {run.location} says it itself"
        raise UsageError(message)
    return run


def is_alone(run: Run) -> bool:
    """Say whether a run stands for a table without a run folder."""
    return ALONE in run.info


def what_is_missing(run: Run) -> str | None:
    """Return in one line what a table alone cannot give; None for a run folder."""
    if not is_alone(run):
        return None
    name = Path(run.info["inputs"][0]["path"]).name
    words = (
        f"{name} has no run folder beside it: no mismatched pairs to compare with, so no p-values, "
        "probabilities, negative CLIP loss, swaps or zero-shot categories"
    )
    answers = {
        schema.IMAGE_SHA256: "copies",
        schema.IMAGE_WIDTH: "sizes of pictures",
        schema.CAPTION_TRUNCATED: "cut captions",
    }
    lacking = [answer for column, answer in answers.items() if lacks(run, column)]
    if lacking:
        words += f"; and no {', '.join(lacking)} (hint: score with --details)"
    return words


def lacks(run: Run, column: str) -> bool:
    """Say whether a score column is not known.

    A table alone may not have it; and of embeddings that were handed in nobody knows which pictures
    and captions they were made of.
    """
    if _is_of_embeddings(run):
        return column in _DETAILS
    return is_alone(run) and column in run.info[ALONE]["lacking"]


def why_unknown(run: Run, column: str) -> str:
    """Return in words why a score column is not known, and how it would be."""
    if _is_of_embeddings(run):
        return (
            "the embeddings were handed in, and nobody saw the pictures and captions behind them "
            "(hint: score the pictures themselves, without --from-embeddings)"
        )
    return f"the table has no {column} (hint: score with --details, or leave its run folder there)"


def _is_of_embeddings(run: Run) -> bool:
    return run.table_config.from_embeddings is not None


def _run_of_table(path: Path, config: TableConfig) -> Run:
    reader = open_table(path, config)
    columns = find_columns(reader.column_names, config)
    scores = _read_scores(reader, columns, _prefix(reader))
    folder = tempfile.TemporaryDirectory(prefix="pairsift-")
    try:
        store = FolderStore(Path(folder.name))
        info = _describe(reader, config, columns, scores)
        store.put(RUN, json.dumps(info).encode(), is_durable=False)
        for first in range(0, scores.num_rows, _SHARD_ROWS):
            part = scores.slice(first, _SHARD_ROWS)
            commit_shard(
                store,
                _shard(part, first),
                embeddings="none",
                similarity_range=(info["measure_range"][0], info["measure_range"][1]),
            )
        store.put(SUCCESS, b"", is_durable=False)
        run = open_run(store.root)
    except BaseException:
        folder.cleanup()
        raise
    weakref.finalize(run, folder.cleanup)
    return run


def _prefix(reader: TableReader) -> str:
    """Return what stands before the names of the score columns."""
    names = reader.column_names
    for name in names:
        prefix = name.removesuffix(schema.STATUS)
        if name.endswith(schema.STATUS) and prefix + schema.SIMILARITY in names:
            return prefix
    message = (
        f"{reader.path.name} is neither beside a run folder nor a scored table: it has no columns "
        f"{schema.SIMILARITY} and {schema.STATUS} (hint: pairsift score {reader.path.name} adds "
        "them)"
    )
    raise RunFolderError(message)


def _read_scores(reader: TableReader, columns: tuple[str, str], prefix: str) -> pa.Table:
    """Return the score columns under their usual names, details included; those missing are null.

    Raises:
        TableFormatError: A column holds what no score column holds.
    """
    is_distance = prefix + schema.DISTANCE in reader.column_names
    has_cosine = prefix + schema.COSINE in reader.column_names
    wanted = schema.output_schema(
        is_distance=is_distance, is_cosine=not has_cosine and not is_distance, details=True
    )
    there = [name for name in wanted.names if prefix + name in reader.column_names]
    parts = []
    for batch in reader.read_batches(
        image_column=columns[0], caption_column=columns[1], batch_rows=_ROWS_AT_ONCE
    ):
        own = reader.to_arrow(batch)
        arrays = [
            _cast(own.column(prefix + field.name), field, reader.path)
            if field.name in there
            else pa.nulls(own.num_rows, field.type)
            for field in wanted
        ]
        parts.append(pa.RecordBatch.from_arrays(arrays, schema=wanted))
    scores = pa.Table.from_batches(parts, schema=wanted)
    known = [str(status) for status in RowStatus]
    strange = [s for s in scores.column(schema.STATUS).unique().to_pylist() if s not in known]
    if strange:
        message = f"{reader.path.name}: column {prefix}{schema.STATUS} holds {strange[0]!r}"
        raise TableFormatError(message)
    return scores


def _cast(column: pa.Array, field: pa.Field, path: Path) -> pa.Array:
    if pa.types.is_string(column.type) and not pa.types.is_string(field.type):
        is_empty = pc.is_in(pc.utf8_trim_whitespace(column), value_set=_NO_VALUE)
        column = pc.if_else(is_empty, pa.scalar(None, pa.string()), column)
    try:
        return pc.cast(column, field.type)
    except pa.ArrowInvalid as error:
        message = f"{path.name}: column {field.name} cannot be read as a score column: {error}"
        raise TableFormatError(message) from error


def _describe(
    reader: TableReader, config: TableConfig, columns: tuple[str, str], scores: pa.Table
) -> dict[str, Any]:
    """Return what run.json would say, as far as the table knows it."""
    facts = _footer(reader)
    unknown = Provenance(UNKNOWN, None, None, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN)
    provenance = asdict(unknown) | {k: v for k, v in facts.items() if k in asdict(unknown)}
    is_distance = schema.DISTANCE in scores.column_names
    has_cosine = schema.COSINE in scores.column_names
    score_config = ScoreConfig(
        model=ModelConfig(model=provenance["model"]),
        table=replace(config, image_column=columns[0], caption_column=columns[1]),
        run=RunConfig(embeddings="none"),
    )
    identity = {"image_column": columns[0], "caption_column": columns[1]}
    moment = datetime.fromtimestamp(reader.path.stat().st_mtime, UTC)
    there = [name.removeprefix(_prefix(reader)) for name in reader.column_names]
    lacking = [name for name in _DETAILS if name not in there or _is_empty(scores, name)]
    return {
        "format_version": FORMAT_VERSION,
        "version": facts.get("pairsift", UNKNOWN),
        "created": moment.isoformat(timespec="seconds"),
        "inputs": [describe_input(0, reader.path, format_of(reader.path).name)],
        **identity,
        "score_identity": identity,
        "score_identity_sha256": identity_sha256(identity),
        "config": describe(score_config),
        "provenance": provenance,
        "measure": facts.get("measure", UNKNOWN if is_distance or has_cosine else "cosine"),
        "measure_range": _range(scores),
        "is_distance": is_distance,
        "width": 0,
        "shard_rows": _SHARD_ROWS,
        "embeddings": "none",
        ALONE: {"lacking": lacking},
    }


def _is_empty(scores: pa.Table, name: str) -> bool:
    """Say whether a column is null in every scored row; without such rows it need not be."""
    is_scored = pc.is_valid(scores.column(schema.SIMILARITY))
    found = scores.column(name).filter(is_scored)
    return bool(0 < len(found) == found.null_count)


def _footer(reader: TableReader) -> Mapping[str, str]:
    """Return what a Parquet file that pairsift wrote says of its making."""
    if not isinstance(reader, ParquetReader):
        return {}
    text = (reader.schema.metadata or {}).get(METADATA_KEY, b"{}")
    try:
        plain = json.loads(text)
    except ValueError:
        return {}
    return {k: str(v) for k, v in plain.items()} if isinstance(plain, dict) else {}


def _range(scores: pa.Table) -> list[float]:
    """Return the range of the similarities: that of cosines where they are cosines.

    Raises:
        TableFormatError: They are none, and no column has them.
    """
    ends = pc.min_max(scores.column(schema.SIMILARITY)).as_py()
    low, high = ends["min"], ends["max"]
    if low is None or (low >= -1.0 and high <= 1.0):
        return [-1.0, 1.0]
    if schema.COSINE not in scores.column_names and (low < -1.001 or high > 1.001):
        message = (
            f"column {schema.SIMILARITY} reaches from {low:g} to {high:g}: those are no cosines, "
            f"and there is no column {schema.COSINE}"
        )
        raise TableFormatError(message)
    return [min(low, -1.0), max(high, 1.0)]


def _shard(scores: pa.Table, first: int) -> ScoredShard:
    num = scores.num_rows
    nothing = pa.nulls(num, pa.int32())
    table = scores.append_column(IMAGE_INDEX, nothing).append_column(CAPTION_INDEX, nothing)
    none = np.zeros((0, 1), dtype=np.float32)
    return ScoredShard(
        key=ShardKey(0, first),
        span_rows=num,
        read_from=Span(first, num),
        id=str(first),
        rows=np.arange(first, first + num, dtype=np.int64),
        table=table,
        images=none,
        captions=none,
        work=Work(),
    )
