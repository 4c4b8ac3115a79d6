"""A run folder opened for reading: scores, embeddings, counts, and the user's own columns."""

import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pairsift import schema
from pairsift.config import TableConfig
from pairsift.errors import RunFolderError
from pairsift.histograms import Histogram
from pairsift.objects import as_address
from pairsift.protocols import Provenance, TableReader
from pairsift.runs.commits import (
    Commit,
    Work,
    add_sparse,
    commit_from_bytes,
    merged_counts,
    merged_work,
)
from pairsift.runs.inputs import check_unchanged, configured, finished_rows, open_sources
from pairsift.runs.layout import EFFECTIVE, SUCCESS, SUMMARY
from pairsift.runs.manifest import read_manifest
from pairsift.runs.overlays import (
    Layers,
    ShardEmbeddings,
    iter_embeddings,
    layer,
    read_commits,
    read_scores,
)
from pairsift.runs.ownership import run_id_of
from pairsift.runs.store import RunStore, open_store
from pairsift.runs.writing import FILE, ROW
from pairsift.sources import Sources
from pairsift.statuses import RowStatus
from pairsift.tables.formats import batch_to_arrow, open_table

ROWS_AT_ONCE = 4096


class Run:
    """What a run folder holds; made by ``open_run``.

    Args:
        store: The run folder.
        info: The content of run.json.

    Rows are in order of input file and row; of a row that was scored again the newest score
    counts.
    """

    def __init__(self, store: RunStore, info: dict[str, Any]) -> None:
        self.store = store
        self.info = info
        self._readers: dict[int, TableReader] = {}

    @property
    def location(self) -> str:
        """The run folder, or its address."""
        return self.store.location

    @property
    def address(self) -> str:
        """The same, told so that it is found from everywhere."""
        return as_address(self.location) or str(Path(self.location).absolute())

    @cached_property
    def shards(self) -> list[Layers]:
        """Every finished shard with its overlays."""
        return layer(read_commits(self.store, run_id_of(self.info)))

    @property
    def commits(self) -> list[Commit]:
        """Every commit without its histograms, overlays included."""
        return [commit for layers in self.shards for commit in layers.commits]

    @property
    def num_rows(self) -> int:
        """Rows that are finished."""
        return sum(layers.base.num_rows for layers in self.shards)

    @property
    def counts(self) -> dict[RowStatus, int]:
        """Finished rows by status."""
        return merged_counts(self.commits)

    @property
    def work(self) -> Work:
        """What the finished rows took."""
        return merged_work(self.commits)

    @property
    def is_finished(self) -> bool:
        """Whether the enriched table was written."""
        return self.store.exists(SUCCESS)

    @property
    def provenance(self) -> Provenance:
        """What ran."""
        return Provenance(**self.info["provenance"])

    @property
    def summary(self) -> dict[str, Any] | None:
        """The content of summary.json, or None before the end."""
        try:
            return dict(json.loads(self.store.read(SUMMARY)))
        except FileNotFoundError:
            return None

    def histogram(self, column: str = schema.SIMILARITY) -> Histogram:
        """Return the distribution of a score column, from the commits alone.

        Args:
            column: ``similarity`` or ``cosine``; where there is no column ``cosine``, because
                ``similarity`` holds it, they are the same.
        """
        histogram: Histogram | None = None
        names = [commit.key.commit for commit in self.commits]
        for name, data in zip(names, self.store.read_many(names), strict=True):
            sparse = commit_from_bytes(data, source=name).histograms
            part = sparse.get(column) or sparse[schema.SIMILARITY]
            if histogram is None:
                histogram = Histogram(part["low"], part["high"])
            add_sparse(histogram, part)
        return histogram or Histogram(-1.0, 1.0)

    def iter_scores(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the score rows in order, one batch a shard.

        Args:
            columns: Names that are wanted (default: all).
        """
        for layers in self.shards:
            table = read_scores(self.store, layers, columns).combine_chunks()
            yield from table.to_batches()

    def scores(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Return all score rows in order; of a large run ask for few columns.

        Args:
            columns: Names that are wanted (default: all).
        """
        batches = list(self.iter_scores(columns))
        if not batches:
            message = f"{self.location} has no finished shard yet"
            raise RunFolderError(message)
        return pa.Table.from_batches(batches).replace_schema_metadata(None)

    def score_files(self) -> list[Path]:
        """Return Parquet files that together hold every row once, for DuckDB and the like.

        Of a run in an object store they are copies, which live as long as the run is open.

        A shard with overlays is first written with them in place, once for each new overlay.
        """
        return [self._score_file(layers) for layers in self.shards]

    def _score_file(self, layers: Layers) -> Path:
        if layers.newest == 0:
            return self.store.path(layers.base.scores.name)
        name = f"{EFFECTIVE}/{layers.commits[-1].key.stem}.parquet"
        if not self.store.exists(name):
            sink = pa.BufferOutputStream()
            pq.write_table(read_scores(self.store, layers), sink, compression="zstd")
            self.store.put_if_absent(name, memoryview(sink.getvalue()))
        return self.store.path(name)

    def embeddings(self) -> Iterator[ShardEmbeddings]:
        """Yield the embeddings of the scored rows, one shard at a time; none were kept: nothing."""
        return iter_embeddings(self.store, self.shards)

    def table(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the user's own columns of all finished rows, read again from the inputs.

        Args:
            columns: Names that are wanted (default: all).

        Yields:
            ``file`` and ``row``, then the columns.

        Raises:
            UsageError: An input is no longer there.
        """
        for ordinal in range(len(self.info["inputs"])):
            if bases := self._bases(ordinal):
                yield from self._own_columns(ordinal, finished_rows(self.store, bases), columns)

    def _own_columns(
        self, ordinal: int, rows: Sequence[int], columns: Sequence[str] | None
    ) -> Iterator[pa.RecordBatch]:
        reader = self.open_input(ordinal)
        done = 0
        for batch in reader.read_batches(
            image_column=self.info["image_column"],
            caption_column=self.info["caption_column"],
            batch_rows=ROWS_AT_ONCE,
            rows=rows,
        ):
            own = batch_to_arrow(reader, batch)
            own = own if columns is None else own.select(list(columns))
            ordinals = pa.array(rows[done : done + own.num_rows], pa.int64())
            files = pa.array(np.full(own.num_rows, ordinal, dtype=np.int32))
            done += own.num_rows
            yield pa.RecordBatch.from_arrays(
                [files, ordinals, *own.columns], names=[FILE, ROW, *own.schema.names]
            )

    def open_input(self, ordinal: int) -> TableReader:
        """Return the reader of an input, which is still what was scored.

        Args:
            ordinal: Of the input.

        Raises:
            UsageError: It is no longer there.
            JobError: It has changed.
        """
        if ordinal not in self._readers:
            path = Path(self.info["inputs"][ordinal]["path"])
            reader = open_table(path, self.table_config)
            check_unchanged(self.store, self.info, ordinal, reader, self._bases(ordinal))
            self._readers[ordinal] = reader
        return self._readers[ordinal]

    def open_sources(self, ordinal: int, *, may_fetch: bool = True) -> Sources:
        """Return what reads the pictures of an input, as they were read to be scored.

        Args:
            ordinal: Of the input.
            may_fetch: Also from the hosts and buckets that the run was allowed.
        """
        return open_sources(self.info, self.open_input(ordinal), may_fetch=may_fetch)

    def _bases(self, ordinal: int) -> list[Commit]:
        return [shard.base for shard in self.shards if shard.base.key.file == ordinal]

    @property
    def table_config(self) -> TableConfig:
        """How the inputs are read."""
        return configured(TableConfig, self.info["config"]["table"])


def open_run(path: str | Path, *, allow_partial: bool = False) -> Run:
    """Open a run folder.

    Args:
        path: The folder, or the enriched table beside which it lies.
        allow_partial: Also open one whose job has not come to its end.

    Raises:
        RunFolderError: It is no run folder, is damaged, or is not finished.
    """
    store = open_store(path)
    info = read_manifest(store)
    if info is None:
        beside = open_store(f"{store.location}.pairsift")
        if (info := read_manifest(beside)) is not None:
            store = beside
    if info is None:
        message = f"{store.location} is not a run folder: it has no run.json"
        raise RunFolderError(message)
    run = Run(store, info)
    if not allow_partial and not run.is_finished:
        message = f"{store.location} is not finished: the same command again resumes it"
        raise RunFolderError(message)
    return run
