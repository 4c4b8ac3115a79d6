"""Disk, memory and network of the whole set."""

import math

from pairsift.planning.estimating import RowWork, sample_reads, scored_share
from pairsift.planning.figures import Measurement
from pairsift.runs.writing import SAMPLE_ONE_IN
from pairsift.sources.door import LOOK_AHEAD


def disk_bytes(
    measurement: Measurement, work: RowWork, *, num_rows: int, embeddings: str | None = None
) -> dict[str, float]:
    """Return what lies on the disk at the end: ``scores``, ``embeddings`` and ``table``.

    Args:
        measurement: Of the sample.
        work: Of a row.
        num_rows: Of the whole set.
        embeddings: all, sample or none (default: as the run would have it).
    """
    sizes = measurement.sizes
    shards = count_shards(measurement, num_rows)
    vector = 2.0 * sizes.width  # float16
    kept = work.kept_images + work.kept_captions
    a_row = {
        "all": kept * vector,
        # One row in 16 keeps its two, which few of those rows share.
        "sample": min(kept, 2.0 * scored_share(measurement) / SAMPLE_ONE_IN) * vector,
        "none": 0.0,
    }[embeddings or measurement.job.embeddings]
    return {
        "scores": num_rows * sizes.score_row_bytes + shards * sizes.shard_bytes,
        "embeddings": num_rows * a_row,
        "table": num_rows * sizes.table_row_bytes,
    }


def count_shards(measurement: Measurement, num_rows: int) -> int:
    """Return the shards of the whole set, which is cut as the table is.

    A table that does not fill its only shard says nothing of how a larger set is cut: that one is
    taken to fill its shards.
    """
    columns, shard_rows = measurement.columns, measurement.job.shard_rows
    if columns.num_shards <= 1 and columns.num_rows < shard_rows:
        return math.ceil(num_rows / shard_rows)
    return math.ceil(num_rows * columns.num_shards / columns.num_rows)


def memory_bytes(measurement: Measurement, work: RowWork) -> float:
    """Return the memory of a worker: the sample's, and what whole shards and full caches add.

    A shard's embeddings are kept in float32 in an array that grows by doubling, and up to three
    shards are there at once: one that is scored, one that waits and one that is written.
    """
    job = measurement.job
    kept = (work.kept_images + work.kept_captions) * 4.0 * measurement.sizes.width
    shards = 3.0 * 2.0 * job.shard_rows * kept
    fetched = 0.0
    if measurement.fetching is not None:
        an_image = read_bytes(measurement, work, num_rows=1)
        fetched = min(job.fetch_ahead_bytes, LOOK_AHEAD * an_image)
    return measurement.machine.peak_bytes + shards + job.cache_bytes + fetched


def read_bytes(measurement: Measurement, work: RowWork, *, num_rows: int) -> float:
    """Return the bytes of images that are read, from the network or from disks."""
    reads = max(sample_reads(measurement), 1)
    return measurement.decoding.num_bytes / reads * work.reads * num_rows
