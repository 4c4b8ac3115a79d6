"""Findings as they lie in a run folder: written by one command, read by others.

A finding is of the rows as they were scored then. What has been scored since makes it old, so each
file names the commits that it was made from.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from pairsift.runs import Run
from pairsift.runs.layout import DERIVED

MISMATCHES: Final = f"{DERIVED}/mismatches.parquet"
DUPLICATES: Final = f"{DERIVED}/duplicates.parquet"

COMMITS: Final = "pairsift.commits"
SEED: Final = "pairsift.seed"
NUM_HASHED: Final = "pairsift.num_hashed"
"""Keys of the file's metadata."""


@dataclass(frozen=True)
class KeptFindings:
    """What an earlier search found.

    Args:
        table: Its lines.
        facts: How it was made, by the keys of this module.
        is_current: The run has the same scores as it had then.
    """

    table: pa.Table
    facts: Mapping[str, str]
    is_current: bool


def keep_findings(run: Run, name: str, table: pa.Table, facts: Mapping[str, str]) -> None:
    """Write findings into the run folder.

    Args:
        run: That was searched.
        name: ``MISMATCHES`` or ``DUPLICATES``.
        table: A line a row of a finding.
        facts: How they were made, by the keys of this module.
    """
    metadata = {COMMITS: state_of(run)} | dict(facts)
    sink = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata(metadata), sink, compression="zstd")
    run.store.put(name, memoryview(sink.getvalue()))


def read_findings(run: Run, name: str) -> KeptFindings | None:
    """Return what an earlier search found; None where there was none, or it cannot be read.

    Args:
        run: Opened.
        name: ``MISMATCHES`` or ``DUPLICATES``.
    """
    try:
        table = pq.read_table(pa.BufferReader(run.store.read(name)))
    except (OSError, pa.ArrowException):
        return None
    facts = {
        key.decode(): value.decode("utf-8", "replace")
        for key, value in (table.schema.metadata or {}).items()
        if key.startswith(b"pairsift.")
    }
    plain = table.replace_schema_metadata(None)
    return KeptFindings(plain, facts, facts.get(COMMITS) == state_of(run))


def state_of(run: Run) -> str:
    """Return a digest of what a run has scored: it changes with every new shard and retry.

    Args:
        run: Opened.
    """
    digest = hashlib.sha256()
    for commit in run.commits:
        digest.update(f"{commit.key.stem} {commit.id}\n".encode())
    return digest.hexdigest()
