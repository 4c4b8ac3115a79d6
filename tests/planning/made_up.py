"""A measurement made up of round numbers, so that everything follows in the head."""

from dataclasses import replace
from typing import Any

from pairsift import stages
from pairsift.planning.columns import ColumnFacts
from pairsift.planning.figures import (
    Chunk,
    DecodeFacts,
    FetchFacts,
    Job,
    MachineFacts,
    Measurement,
    SizeFacts,
    Window,
)
from pairsift.protocols import Provenance
from pairsift.statuses import RowStatus

PROVENANCE = Provenance("made-up", None, None, "fake 1", "cpu", "bf16", "a picture", "a text")


def measured(**changes: Any) -> Measurement:
    """1,000 rows in steady state: 4 ms images, 1 ms captions, 2 ms wait, 0.5 ms elsewhere."""
    plain = Measurement(
        table="pairs.csv",
        columns=ColumnFacts(
            num_rows=100_000,
            num_shards=25,
            scanned_rows=100_000,
            read_seconds=1.0,
            shard_references=100_000,
            shard_captions=100_000,
            reference_hits=0.0,
            caption_hits=0.0,
            distinct_references=100_000.0,
            distinct_captions=100_000.0,
        ),
        sample_rows=2_000,
        sample_seconds=15.0,
        counts={RowStatus.OK: 2_000},
        chunks=tuple(Chunk(250, 250 * 0.0075) for _ in range(4)),
        window=Window(
            num_rows=1_000,
            seconds=7.5,
            stage_seconds={
                stages.ENCODE_IMAGES: 4.0,
                stages.ENCODE_TEXTS: 1.0,
                stages.WAIT: 2.0,
            },
            reads=1_000,
            captions=1_000,
            encoded_images=1_000,
            encoded_captions=1_000,
        ),
        decoding=DecodeFacts(num_images=2_000, processor_seconds=6.0, num_bytes=200_000_000),
        sizes=SizeFacts(
            score_row_bytes=50.0,
            shard_bytes=4_000.0,
            table_row_bytes=120.0,
            read_row_seconds=5e-4,
            write_row_seconds=1e-5,
            width=512,
        ),
        machine=MachineFacts(
            processors=2,
            setup_seconds=3.0,
            first_rows=200,
            first_seconds=3.5,
            peak_bytes=1_000_000_000,
            provenance=PROVENANCE,
        ),
        job=Job(shard_rows=4_096, embeddings="all"),
    )
    return replace(plain, **changes)


def slow_server(**changes: Any) -> FetchFacts:
    """1.5 s an image of one connection, 60 connections in use."""
    plain = FetchFacts(
        num_references=2_000,
        num_turns=2_500,
        turn_seconds=3_000.0,
        image_squares=6_000.0,
        at_once=60.0,
        most_at_once=64,
        timeout_seconds=10.0,
        num_timeouts=0,
    )
    return replace(plain, **changes)
