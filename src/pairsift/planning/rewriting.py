"""What a sample leaves on the disk, and what writing its enriched table takes."""

import io
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pairsift import schema
from pairsift.config import ScoreConfig
from pairsift.planning.columns import PlannedFile
from pairsift.planning.figures import SizeFacts
from pairsift.protocols import TableReader
from pairsift.runs.commits import Commit
from pairsift.runs.plan import Piece
from pairsift.runs.store import FolderStore
from pairsift.scoring import PairScorer
from pairsift.tables.columns import added_names
from pairsift.tables.enriched import open_enriched

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")


@dataclass(frozen=True)
class PieceContents:
    """What stands in the rows of a piece.

    Args:
        references: Distinct references, or distinct rows where these hold their images.
        captions: Distinct captions.
    """

    references: int
    captions: int


def rewrite_pieces(
    store: FolderStore,
    files: Sequence[PlannedFile],
    pieces: Sequence[Piece],
    *,
    commits: Sequence[Commit],
    scorer: PairScorer,
    config: ScoreConfig,
    columns: tuple[str, str],
    folder: Path,
) -> tuple[list[PieceContents], SizeFacts]:
    """Write the sample again with its scores, as a run does at its end.

    Args:
        store: The temporary run.
        files: The table.
        pieces: That were scored, in order.
        commits: Of those.
        scorer: That scored them.
        config: Of the run.
        columns: Names of the image and the caption column.
        folder: Where to write.

    Raises:
        ColumnError: The table has a column of an added name already.
    """
    added_schema = _added_schema(files, scorer, config.output.column_prefix)
    names = scorer.output_schema.names
    output = folder / f"table{_suffix(files[0].reader)}"
    contents = []
    read_seconds = write_seconds = 0.0
    with open_enriched(
        output,
        [file.reader for file in files],
        image_column=columns[0],
        added_schema=added_schema,
        metadata={},
        copy_images=config.output.copy_images,
    ) as writer:
        for piece, commit in zip(pieces, commits, strict=True):
            scores = pq.read_table(io.BytesIO(store.read(commit.scores.name)), columns=names)
            done = 0
            pairs = []
            begin = time.perf_counter()
            for batch in files[piece.key.file].reader.read_batches(
                image_column=columns[0],
                caption_column=columns[1],
                batch_rows=len(piece.rows),
                rows=piece.rows,
                span=piece.span,
            ):
                read_seconds += time.perf_counter() - begin
                part = scores.slice(done, len(batch.pairs)).combine_chunks().to_batches()[0]
                added = pa.RecordBatch.from_arrays(part.columns, schema=added_schema)
                done += len(batch.pairs)
                pairs.append(batch.pairs)
                begin = time.perf_counter()
                writer.write(batch, added)
                write_seconds += time.perf_counter() - begin
                begin = time.perf_counter()
            read_seconds += time.perf_counter() - begin
            contents.append(_contents(pairs))
        begin = time.perf_counter()
    write_seconds += time.perf_counter() - begin
    num_rows = sum(commit.num_rows for commit in commits)
    per_row, per_shard = _run_bytes(store, commits)
    return contents, SizeFacts(
        score_row_bytes=per_row,
        shard_bytes=per_shard,
        table_row_bytes=output.stat().st_size / num_rows,
        read_row_seconds=read_seconds / num_rows,
        write_row_seconds=write_seconds / num_rows,
        width=scorer.encoder.width,
    )


def _added_schema(
    files: Sequence[PlannedFile], scorer: PairScorer, column_prefix: str
) -> pa.Schema:
    names = scorer.output_schema.names
    for file in files:
        added = added_names(file.reader.column_names, names, column_prefix)
    fields = zip(scorer.output_schema, added, strict=True)
    return pa.schema([item.with_name(name) for item, name in fields])


def _suffix(reader: TableReader) -> str:
    """Return the suffix of an output of the input's format; of tars and folders, Parquet's."""
    name = reader.path.name.lower()
    found = next((suffix for suffix in SUFFIXES if suffix in name), ".parquet")
    packed = next((end for end in (".gz", ".zst") if name.endswith(end)), "")
    return found + packed if found != ".parquet" else found


def _contents(pairs: Sequence[pa.RecordBatch]) -> PieceContents:
    table = pa.Table.from_batches(pairs)
    held = len(table) - table.column(schema.CONTENT).null_count
    references = set(table.column(schema.REFERENCE).drop_null().to_pylist())
    captions = set(table.column(schema.CAPTION).drop_null().to_pylist())
    return PieceContents(held or len(references), len(captions))


def _run_bytes(store: FolderStore, commits: Sequence[Commit]) -> tuple[float, float]:
    """Return the bytes of scores and commits, those a row and those a shard.

    A small shard has the same footer as a large one, so the two must be told apart.
    """
    by_row, by_shard, num_rows = 0, 0, 0
    for commit in commits:
        footer = pq.read_metadata(io.BytesIO(store.read(commit.scores.name))).serialized_size
        bare = len(replace(commit, histograms={}).to_bytes())
        by_row += commit.scores.size - footer + len(commit.to_bytes()) - bare
        by_shard += footer + bare
        num_rows += commit.num_rows
    return by_row / max(num_rows, 1), by_shard / max(len(commits), 1)
