"""Measure a sample of a table on this machine, by the very pipeline that scores it.

A temporary run is made of it, which gives the rate with everything that overlaps, and thrown away.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from pairsift import stages
from pairsift.config import ScoreConfig
from pairsift.engines.reading import PairColumns, PieceReader
from pairsift.engines.sessions import FileWork, Session
from pairsift.engines.sharded import score_pieces
from pairsift.errors import UsageError
from pairsift.isolation import Decode
from pairsift.job import Progress
from pairsift.memory import ENTRY_BYTES, Reuse
from pairsift.planning.columns import PlannedFile, scan_columns
from pairsift.planning.figures import (
    FetchFacts,
    Job,
    MachineFacts,
    Measurement,
)
from pairsift.planning.here import peak_bytes, processors
from pairsift.planning.metering import DecodeMeter, MeteredEncoder
from pairsift.planning.rewriting import PieceContents, rewrite_pieces
from pairsift.planning.sampling import choose_pieces, piece_sizes
from pairsift.planning.steady import Marks, steady_window
from pairsift.runs.commits import Commit, merged_counts
from pairsift.runs.plan import Piece
from pairsift.runs.store import FolderStore
from pairsift.scoring import PairScorer
from pairsift.statuses import RowStatus
from pairsift.tables.columns import find_columns
from pairsift.tables.formats import open_table
from pairsift.tables.inputs import find_inputs

WARM_UP_ROWS = 256
"""First rows are slow: memory is touched, shapes are compiled, connections are opened."""


class Build(Protocol):
    """Makes the scorer of a configuration, as ``build.build_scorer`` does."""

    def __call__(self, config: ScoreConfig, root: Path, *, decode: Decode | None) -> PairScorer:
        """Build it."""


@dataclass(frozen=True)
class _Table:
    """What is planned: its files, its columns, where its references start."""

    name: str
    files: Sequence[PlannedFile]
    columns: tuple[str, str]
    root: Path


def measure_table(
    config: ScoreConfig,
    input_path: str,
    *,
    build: Build,
    sample_seconds: float,
    seed: int,
    on_progress: Callable[[str, int], None] = lambda _stage, _rows: None,
) -> Measurement:
    """Go through the columns of a table, and score a sample of its rows.

    Nothing is left behind, whatever happens.

    Args:
        config: Every option that the run would have.
        input_path: As ``score_file`` takes it.
        build: Makes the scorer.
        sample_seconds: How long to score, about.
        seed: Of the places that are measured.
        on_progress: Called with what is being done and how many rows of it are done.

    Raises:
        UsageError: The table or a column is not as it must be, or has no rows.
        ModelError: The model cannot be found or is unsound.
    """
    table = _open(config, input_path)
    meter = DecodeMeter(config.image)
    begin = time.perf_counter()
    with closing(build(config, table.root, decode=meter)) as scorer:
        meter.target = scorer.encoder.image_size
        scorer.encoder = MeteredEncoder(scorer.encoder, meter)
        setup_seconds = time.perf_counter() - begin
        entry_bytes = 4 * scorer.encoder.width + ENTRY_BYTES
        columns = scan_columns(
            table.files,
            columns=table.columns,
            cache_slots=(config.run.cache_mb << 19) // entry_bytes,
            on_rows=lambda rows: on_progress("reading the columns", rows),
        )
        generator = np.random.default_rng(seed)
        rate = _warm_up(config, scorer, table, generator=generator)
        piece_rows, num_pieces = piece_sizes(
            columns.num_rows,
            wanted_rows=round(rate * sample_seconds),
            batch_rows=_batch_rows(scorer.batch_rows, config.run.shard_rows),
        )
        pieces = choose_pieces(
            table.files, piece_rows=piece_rows, num_pieces=num_pieces, generator=generator
        )
        meter.clear()
        with tempfile.TemporaryDirectory(prefix="pairsift-plan-") as folder:
            store = FolderStore(Path(folder) / "run")
            begin = time.perf_counter()
            marks, commits = _score(
                config, scorer, table, pieces=pieces, store=store, on_progress=on_progress
            )
            seconds = time.perf_counter() - begin
            contents, sizes = rewrite_pieces(
                store,
                table.files,
                pieces,
                commits=commits,
                scorer=scorer,
                config=config,
                columns=table.columns,
                folder=Path(folder),
            )
        chunks, window = steady_window(marks, commits, contents, begin=begin)
        counts = merged_counts(commits)
        return Measurement(
            table=table.name,
            columns=columns,
            sample_rows=sum(commit.num_rows for commit in commits),
            sample_seconds=seconds,
            counts=counts,
            chunks=chunks,
            window=window,
            decoding=meter.facts(),
            sizes=sizes,
            machine=MachineFacts(
                processors=processors(),
                setup_seconds=setup_seconds,
                first_rows=marks.moments[0][0],
                first_seconds=marks.moments[0][1] - begin,
                peak_bytes=peak_bytes(),
                provenance=scorer.encoder.provenance,
            ),
            job=_job(config, table),
            fetching=_fetching(scorer, config, contents, counts),
        )


def _open(config: ScoreConfig, input_path: str) -> _Table:
    readers = [open_table(path, config.table) for path in find_inputs(input_path, config.table)]
    named = next((reader for reader in readers if reader.column_names), readers[0])
    columns = find_columns(named.column_names, config.table)
    files = [
        PlannedFile(ordinal, reader, tuple(reader.plan(config.run.shard_rows)))
        for ordinal, reader in enumerate(readers)
    ]
    if not any(file.spans for file in files):
        message = f"{input_path} has no rows: nothing can be measured"
        raise UsageError(message)
    root = Path(config.table.image_root or readers[0].image_root)
    return _Table(input_path, files, columns, root)


def _batch_rows(most: int, shard_rows: int) -> int:
    """Return the rows of a batch: a shard is cut into equal ones."""
    return -(-shard_rows // -(-shard_rows // most))


def _work(
    config: ScoreConfig, scorer: PairScorer, table: _Table, pieces: Sequence[Piece]
) -> Iterator[FileWork]:
    for file in table.files:
        own = [piece for piece in pieces if piece.key.file == file.ordinal]
        reader = PieceReader(
            file.reader,
            PairColumns(*table.columns, scorer.batch_rows),
            wanted=None,
            name=str(file.reader.path),
        )
        is_elsewhere = not config.table.image_root and file.reader.image_root != table.root
        yield FileWork(reader, own, file.reader.image_root if is_elsewhere else None)


def _warm_up(
    config: ScoreConfig, scorer: PairScorer, table: _Table, *, generator: np.random.Generator
) -> float:
    """Score a few rows and forget them; return about how many there are in a second."""
    pieces = choose_pieces(
        table.files, piece_rows=WARM_UP_ROWS // 2, num_pieces=2, generator=generator
    )
    other = PairScorer(
        encoder=scorer.encoder,
        measure=scorer.measure,
        sources=scorer.sources,
        image_config=scorer.image_config,
        caption_config=scorer.caption_config,
        decoding=scorer.decoding,
        reuse=Reuse(is_on=scorer.reuse.is_on, cache_bytes=0),
    )
    batches = (
        (pairs, other.new_memory(root=work.root))
        for work in _work(config, other, table, pieces)
        for piece in work.pieces
        for pairs in work.reader.read(piece)
    )
    moments = [(0, time.perf_counter())]
    with closing(other):
        for scored in other.stream_shards(batches):
            moments.append((moments[-1][0] + len(scored), time.perf_counter()))
        meter = scorer.sources.meter  # before closing takes it away
    rows, seconds = moments[-1][0], moments[-1][1] - moments[0][1]
    if len(moments) > 2:  # the first batch is the slow one
        rows, seconds = rows - moments[1][0], moments[-1][1] - moments[1][1]
    if meter is not None and meter.num_turns:
        # The end waited for the slowest; in the long run the mean counts, many being under way.
        spent = other.clock.seconds
        scoring = sum(spent.get(name, 0.0) for name in (stages.ENCODE_IMAGES, stages.ENCODE_TEXTS))
        seconds = max(meter.turn_seconds / meter.most_at_once, scoring)
        rows = moments[-1][0]
    return rows / max(seconds, 1e-3)


def _score(
    config: ScoreConfig,
    scorer: PairScorer,
    table: _Table,
    *,
    pieces: Sequence[Piece],
    store: FolderStore,
    on_progress: Callable[[str, int], None],
) -> tuple[Marks, list[Commit]]:
    marks = Marks(scorer)
    commits: list[Commit] = []

    def note(progress: Progress) -> None:
        marks.add(progress.rows_done)
        on_progress("scoring a sample", progress.rows_done)

    measure = scorer.measure
    session = Session(
        config=config,
        store=store,
        scorer=scorer,
        similarity_range=(-1.0, 1.0) if measure.is_distance else measure.range,
        on_progress=note,
        on_commit=commits.append,
    )
    score_pieces(session, _work(config, scorer, table, pieces))
    return marks, commits


def _fetching(
    scorer: PairScorer,
    config: ScoreConfig,
    contents: Sequence[PieceContents],
    counts: dict[RowStatus, int],
) -> FetchFacts | None:
    meter = scorer.sources.meter
    if meter is None or not meter.num_turns:
        return None
    return FetchFacts(
        num_references=sum(content.references for content in contents),
        num_turns=meter.num_turns,
        turn_seconds=meter.turn_seconds,
        image_squares=meter.image_squares,
        at_once=meter.at_once,
        most_at_once=meter.most_at_once,
        timeout_seconds=config.source.fetch_timeout_seconds,
        num_timeouts=counts.get(RowStatus.IMAGE_FETCH_TIMEOUT, 0),
    )


def _job(config: ScoreConfig, table: _Table) -> Job:
    text = [file.reader.path for file in table.files if file.reader.path.suffix != ".parquet"]
    return Job(
        shard_rows=config.run.shard_rows,
        embeddings=config.run.embeddings,
        is_deduped=not config.run.no_dedupe,
        cache_bytes=config.run.cache_mb << 20,
        fetch_ahead_bytes=config.source.fetch_ahead_bytes,
        text_bytes=sum(path.stat().st_size for path in text),
    )
