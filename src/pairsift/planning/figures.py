"""What was measured on a sample: plain numbers, from which everything is calculated."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pairsift.planning.columns import ColumnFacts
from pairsift.protocols import Provenance
from pairsift.statuses import RowStatus


@dataclass(frozen=True)
class Chunk:
    """A stretch of the sample.

    Args:
        num_rows: Of it.
        seconds: Wall clock between its end and that of the stretch before.
    """

    num_rows: int
    seconds: float


@dataclass(frozen=True)
class Window:
    """The part of the sample that stands for the steady state: neither its begin nor its end.

    Args:
        num_rows: Of it.
        seconds: Wall clock.
        stage_seconds: Of the scoring thread, by stage.
        reads: Distinct references of each piece, added up.
        captions: Distinct captions of each piece, added up.
        encoded_images: That the encoder was given.
        encoded_captions: Likewise.
        reused_images: Whose embedding an earlier piece had made.
        reused_captions: Likewise.
    """

    num_rows: int
    seconds: float
    stage_seconds: Mapping[str, float]
    reads: int
    captions: int
    encoded_images: int
    encoded_captions: int
    reused_images: int = 0
    reused_captions: int = 0


@dataclass(frozen=True)
class DecodeFacts:
    """Bytes to pixels, on one processor.

    Args:
        num_images: That were decoded.
        processor_seconds: Decoding and resizing them took.
        num_bytes: Of their files.
    """

    num_images: int = 0
    processor_seconds: float = 0.0
    num_bytes: int = 0


@dataclass(frozen=True)
class FetchFacts:
    """How the connections were used.

    Args:
        num_references: Distinct references that were asked for.
        num_turns: Turns that it took, with redirects and further attempts.
        turn_seconds: Of those, added up.
        image_squares: Squares of the seconds that all turns of an image took, added up.
        at_once: Mean number under way while others waited; None where none ever had to.
        most_at_once: Highest number under way.
        timeout_seconds: Longest time for one image.
        num_timeouts: Images that took it.
    """

    num_references: int
    num_turns: int
    turn_seconds: float
    image_squares: float
    at_once: float | None
    most_at_once: int
    timeout_seconds: float
    num_timeouts: int


@dataclass(frozen=True)
class SizeFacts:
    """What is written.

    Args:
        score_row_bytes: Of the scores and commits, a row.
        shard_bytes: Of the same, a shard, whatever its rows.
        table_row_bytes: Of the enriched table.
        read_row_seconds: Reading a row again, with what stands before it in its shard.
        write_row_seconds: Writing it enriched.
        width: Dimensions of an embedding.
    """

    score_row_bytes: float
    shard_bytes: float
    table_row_bytes: float
    read_row_seconds: float
    write_row_seconds: float
    width: int


@dataclass(frozen=True)
class MachineFacts:
    """On what it was measured.

    Args:
        processors: That this process may use.
        setup_seconds: Building the encoder.
        first_rows: Of the first batch of the sample.
        first_seconds: Until it was scored, the model being warm.
        peak_bytes: Highest memory of the process.
        provenance: What ran.
    """

    processors: int
    setup_seconds: float
    first_rows: int
    first_seconds: float
    peak_bytes: int
    provenance: Provenance


@dataclass(frozen=True)
class Job:
    """The options that change what a run takes.

    Args:
        shard_rows: Rows of a shard.
        embeddings: all, sample or none.
        is_deduped: Equal images and captions are encoded once.
        cache_bytes: For embeddings that come again in later shards.
        fetch_ahead_bytes: For fetched images that wait.
        text_bytes: Of text files; where these are few, a run counts their rows first.
    """

    shard_rows: int
    embeddings: str
    is_deduped: bool = True
    cache_bytes: int = 0
    fetch_ahead_bytes: int = 0
    text_bytes: int = 0


@dataclass(frozen=True)
class Measurement:
    """Everything that was measured.

    Args:
        table: As the user named it.
        columns: Of the whole table.
        sample_rows: That were scored.
        sample_seconds: That it took.
        counts: Those rows by status.
        chunks: Of the window.
        window: The steady state.
        decoding: Of the whole sample.
        sizes: What is written.
        machine: On what.
        job: The options.
        fetching: Where images were fetched.
    """

    table: str
    columns: ColumnFacts
    sample_rows: int
    sample_seconds: float
    counts: Mapping[RowStatus, int]
    chunks: tuple[Chunk, ...]
    window: Window
    decoding: DecodeFacts
    sizes: SizeFacts
    machine: MachineFacts
    job: Job
    fetching: FetchFacts | None = field(default=None)
