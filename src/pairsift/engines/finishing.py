"""The enriched table, written at the end from the run folder and the inputs read again."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa

from pairsift import schema
from pairsift.engines.reading import PairColumns
from pairsift.errors import JobError
from pairsift.protocols import TableReader
from pairsift.runs.digests import PairDigest
from pairsift.runs.overlays import Layers, read_rows, read_scores
from pairsift.runs.store import RunStore
from pairsift.runs.writing import count_statuses, find_examples
from pairsift.statuses import RowStatus
from pairsift.tables.enriched import open_enriched
from pairsift.tables.staging import shown


@dataclass
class Tally:
    """What went into the table.

    Args:
        counts: Rows by status.
        examples: The first failed row of each status: its ordinal and its reason.
    """

    counts: dict[RowStatus, int] = field(default_factory=dict)
    examples: dict[RowStatus, tuple[int, str]] = field(default_factory=dict)

    def add(self, scores: pa.Table, rows: Sequence[int], name: str | None) -> None:
        """Count a shard's effective score rows; the name is told of one file among many."""
        for status, count in count_statuses(scores.column(schema.STATUS)).items():
            self.counts[status] = self.counts.get(status, 0) + count
        for status, (row, why) in find_examples(scores, rows).items():
            self.examples.setdefault(status, (row, why if name is None else f"{name}: {why}"))

    def merge(self, other: "Tally") -> None:
        """Add what went into another table."""
        for status, count in other.counts.items():
            self.counts[status] = self.counts.get(status, 0) + count
        self.examples = {**other.examples, **self.examples}


@dataclass(frozen=True)
class FinishedFile:
    """One input file with its finished shards.

    Args:
        ordinal: Of the file.
        path: Where it lies.
        reader: Of the file.
        shards: In order.
        wanted: Ordinals of the rows that are wanted, ascending, or None for all.
    """

    ordinal: int
    path: Path
    reader: TableReader
    shards: Sequence[Layers]
    wanted: Sequence[int] | None


@dataclass(frozen=True)
class Enriched:
    """What the enriched table looks like.

    Args:
        added_schema: The added columns under their names in the table.
        score_names: The same columns' names in the scores files.
        metadata: Provenance for formats that have a place for it.
        copy_images: Images that stand in the table are copied into it.
    """

    added_schema: pa.Schema
    score_names: Sequence[str]
    metadata: Mapping[str, str]
    copy_images: bool


def write_table(
    store: RunStore,
    path: Path | None,
    files: Sequence[FinishedFile],
    *,
    columns: PairColumns,
    enriched: Enriched,
) -> Tally:
    """Write input files again with their scores, as one table.

    Args:
        store: The run folder.
        path: Of the table; None for standard output.
        files: What to write again, in order.
        columns: Their pair, and how many rows to read at once.
        enriched: What the table looks like.

    Raises:
        JobError: An input is no longer the one that was scored.
    """
    tally = Tally()
    with open_enriched(
        path,
        [file.reader for file in files],
        image_column=columns.image,
        added_schema=enriched.added_schema,
        metadata=enriched.metadata,
        copy_images=enriched.copy_images,
    ) as writer:
        for file in files:
            name = file.path.name if len(files) > 1 else None
            scores = _Scores(
                store,
                file,
                score_names=enriched.score_names,
                on_shard=partial(tally.add, name=name),
            )
            for batch in file.reader.read_batches(
                image_column=columns.image,
                caption_column=columns.caption,
                batch_rows=columns.batch_rows,
                rows=file.wanted,
            ):
                added = scores.take(batch.pairs).columns
                writer.write(batch, pa.RecordBatch.from_arrays(added, schema=enriched.added_schema))
            scores.end()
    return tally


class _Scores:
    """Hands out score rows for the rows that are read, and holds them against each other."""

    def __init__(
        self,
        store: RunStore,
        file: FinishedFile,
        *,
        score_names: Sequence[str],
        on_shard: Callable[[pa.Table, Sequence[int]], None],
    ) -> None:
        self._store = store
        self._file = file
        self._names = list(score_names)
        self._on_shard = on_shard
        self._shards: Iterator[Layers] = iter(file.shards)
        self._current: Layers | None = None
        self._rows: Sequence[int] = ()
        self._table: pa.Table | None = None
        self._done = 0
        self._digest = PairDigest()

    def take(self, pairs: pa.RecordBatch) -> pa.RecordBatch:
        """Return the scores of the next rows.

        Raises:
            JobError: They are not the rows that were scored.
        """
        parts, used = [], 0
        while used < len(pairs):
            if self._table is None:
                self._open()
            table = self._table
            if table is None:
                raise self._changed("has more rows than were scored; the same command goes on")
            count = min(len(pairs) - used, table.num_rows - self._done)
            self._digest.add(pairs.slice(used, count))
            parts.append(table.slice(self._done, count))
            self._done, used = self._done + count, used + count
            if self._done == table.num_rows:
                self._check()
        whole = pa.concat_tables(parts).select(self._names).combine_chunks()
        return whole.to_batches()[0]

    def end(self) -> None:
        """Check that every score was handed out.

        Raises:
            JobError: The input has fewer rows than were scored.
        """
        if self._table is not None or next(self._shards, None) is not None:
            raise self._changed("has fewer rows than were scored; --overwrite starts anew")

    def _open(self) -> None:
        self._current = next(self._shards, None)
        if self._current is None:
            return
        columns = list(dict.fromkeys([*self._names, schema.STATUS, schema.ERROR]))
        self._table = read_scores(self._store, self._current, columns)
        self._rows = read_rows(self._store, self._current.base)
        self._done, self._digest = 0, PairDigest()

    def _check(self) -> None:
        if self._current is None or self._table is None:
            return
        rows = np.asarray(self._rows, dtype=np.int64)
        if self._digest.id(self._file.ordinal, rows) != self._current.base.id:
            first, last = int(rows[0]) + 1, int(rows[-1]) + 1
            words = f"changed since rows {first:,} to {last:,} were scored; --overwrite starts anew"
            raise self._changed(words)
        self._on_shard(self._table, self._rows)
        self._table = None

    def _changed(self, words: str) -> JobError:
        return JobError(f"{shown(self._file.path)} {words}")
