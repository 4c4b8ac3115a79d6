"""Shards with their overlays laid over them: of each row the newest score row counts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pairsift.errors import RunFolderError
from pairsift.protocols import FloatArray
from pairsift.runs.commits import Commit, commit_from_bytes
from pairsift.runs.layout import COMMITS, key_of
from pairsift.runs.store import RunStore
from pairsift.runs.writing import CAPTION_INDEX, EMBEDDING, IMAGE_INDEX, ROW


@dataclass(frozen=True)
class ShardEmbeddings:
    """Embeddings of the scored rows of one shard.

    Args:
        file: Ordinal of the input file.
        rows: Ordinals of the rows in that file, ascending, shape (N,), int64.
        images: One row a table row, shape (N, D), float32, as they were kept in float16.
        captions: Likewise of the captions.
    """

    file: int
    rows: NDArray[np.int64]
    images: FloatArray
    captions: FloatArray


@dataclass(frozen=True)
class Layers:
    """A shard's commit and those of its overlays, oldest first.

    Args:
        commits: At least one; the first has generation 0.
    """

    commits: tuple[Commit, ...]

    @property
    def base(self) -> Commit:
        """The shard itself."""
        return self.commits[0]

    @property
    def newest(self) -> int:
        """Generation of the newest overlay, or 0."""
        return self.commits[-1].key.generation


def read_commits(store: RunStore, run_id: str) -> list[Commit]:
    """Return a run's commits without their histograms, in order of file, row and generation.

    Args:
        store: The run folder.
        run_id: Of the run; commits of an earlier one in that folder are left out.
    """
    names = [name for name in store.names(COMMITS) if key_of(name) is not None]
    commits = [
        commit_from_bytes(data, source=name, with_histograms=False)
        for name, data in zip(names, store.read_many(names), strict=True)
    ]
    own = [commit for commit in commits if commit.run_id == run_id]
    return sorted(own, key=lambda commit: commit.key)


def layer(commits: Sequence[Commit]) -> list[Layers]:
    """Put overlays to their shards.

    Args:
        commits: As ``read_commits`` gives them.

    Returns:
        One entry a shard, in order; an overlay without its shard is left out.
    """
    found: dict[str, list[Commit]] = {}
    for commit in commits:
        if commit.key.generation == 0:
            found[commit.key.base] = [commit]
        elif commit.key.base in found:
            found[commit.key.base].append(commit)
    return [Layers(tuple(group)) for group in found.values()]


def read_rows(store: RunStore, commit: Commit) -> Sequence[int]:
    """Return the ordinals of a commit's rows."""
    first = commit.key.first_row
    if commit.num_rows == commit.span_rows:
        return range(first, first + commit.num_rows)
    rows: list[int] = _read(store, commit.scores.name, [ROW]).column(ROW).to_pylist()
    return rows


def read_scores(store: RunStore, layers: Layers, columns: Sequence[str] | None = None) -> pa.Table:
    """Return the effective score rows of a shard, in row order.

    Args:
        store: The run folder.
        layers: Of the shard.
        columns: Names that are wanted (default: all).
    """
    wanted = None if columns is None else list(dict.fromkeys([*columns, ROW]))
    tables = [_read(store, commit.scores.name, wanted) for commit in layers.commits]
    whole = tables[0]
    if len(tables) > 1:
        places = _newest_places([table.column(ROW).to_numpy() for table in tables])
        whole = pa.concat_tables(tables).combine_chunks().take(pa.array(places))
    return whole if columns is None else whole.select(list(columns))


def read_embeddings(store: RunStore, layers: Layers) -> ShardEmbeddings | None:
    """Return the embeddings of a shard's rows that have any, or None where none were kept."""
    if layers.base.images is None:
        return None
    rows: list[NDArray[np.int64]] = []
    images: list[tuple[NDArray[np.float16], NDArray[np.int32]]] = []
    captions: list[tuple[NDArray[np.float16], NDArray[np.int32]]] = []
    for commit in layers.commits:
        if commit.images is None or commit.captions is None:
            continue
        index = _read(store, commit.scores.name, [ROW, IMAGE_INDEX, CAPTION_INDEX])
        rows.append(index.column(ROW).to_numpy())
        for parts, file, name in (
            (images, commit.images, IMAGE_INDEX),
            (captions, commit.captions, CAPTION_INDEX),
        ):
            places = index.column(name).fill_null(-1).to_numpy()
            parts.append((_read_halves(store, file.name), places))
    newest = _newest_places(rows)
    all_rows = np.concatenate(rows)[newest]
    kept, expanded = None, []
    for parts in (images, captions):
        places = _shifted(parts)[newest]
        kept = places >= 0
        halves = np.concatenate([part for part, _ in parts])
        expanded.append(halves[places[kept]].astype(np.float32))
    return ShardEmbeddings(layers.base.key.file, all_rows[kept], expanded[0], expanded[1])


def iter_embeddings(store: RunStore, shards: Sequence[Layers]) -> Iterator[ShardEmbeddings]:
    """Yield the embeddings of every shard that has some, in order."""
    for layers in shards:
        found = read_embeddings(store, layers)
        if found is not None and len(found.rows):
            yield found


def _newest_places(rows: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return where the newest of each row stands in the layers put behind each other."""
    joined = np.concatenate(rows)
    # A stable sort keeps the layers' order among equal rows, so the last of them is the newest.
    order = np.argsort(joined, kind="stable")
    ordered = joined[order]
    is_last = np.ones(len(ordered), dtype=bool)
    is_last[:-1] = ordered[1:] != ordered[:-1]
    return order[is_last]


def _shifted(parts: Sequence[tuple[NDArray[np.float16], NDArray[np.int32]]]) -> NDArray[np.int64]:
    """Return places in the joined embeddings; -1 where a row has none."""
    moved, offset = [], 0
    for halves, places in parts:
        moved.append(np.where(places >= 0, places.astype(np.int64) + offset, -1))
        offset += len(halves)
    return np.concatenate(moved)


def _read_halves(store: RunStore, name: str) -> NDArray[np.float16]:
    column = _read(store, name, [EMBEDDING]).column(0).combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks)
    width = column.type.list_size
    return np.asarray(column.flatten().to_numpy(zero_copy_only=False)).reshape(-1, width)


def _read(store: RunStore, name: str, columns: Sequence[str] | None) -> pa.Table:
    # Not read_table: it goes through datasets and their threads, for a file that one thread
    # reads at once. Not memory-mapped: a page that cannot be read would be a signal.
    try:
        with pq.ParquetFile(
            store.readable(name),
            memory_map=False,
            pre_buffer=False,
            page_checksum_verification=True,
        ) as file:
            return file.read(columns=columns, use_threads=False)
    except (pa.ArrowInvalid, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # it cannot be read at all
            raise
        key = key_of(name)
        way_out = "--overwrite starts anew"
        if key is not None:
            way_out = f"remove {key.commit} and _SUCCESS; the same command scores it again"
        message = f"{store.location}/{name} is damaged: {error} (hint: {way_out})"
        raise RunFolderError(message) from error
