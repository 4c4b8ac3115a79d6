"""From a measured sample to the whole set: arithmetic, and nothing else.

A run takes a start, and then seconds a row. Those are the sample's own, with the share of each
stage put right for how often references and captions come again in whole shards; where reading or
fetching is slower than all that happens beside it, that is the pace.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pairsift import stages
from pairsift.engines.jobs import COUNT_UP_TO_BYTES
from pairsift.planning.figures import Chunk, FetchFacts, Measurement
from pairsift.runs.writing import SAMPLE_ONE_IN
from pairsift.sources.door import LOOK_AHEAD
from pairsift.statuses import RowStatus

FETCH = "fetch"
OTHER = "other"

LEAST_RELATIVE_ERROR = 0.05
"""Equal runs on one machine differ by this much (benchmarks/results/compare_transformers.json)."""

# Two-sided 95 % points of Student's t for 1 to 10 degrees of freedom, then for 15, 20, 30.
_STUDENT = (12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
_STUDENT_LATER = ((15, 2.131), (20, 2.086), (30, 2.042))
_NORMAL = 1.960


@dataclass(frozen=True)
class RowWork:
    """What a row of the whole set takes in the mean.

    Args:
        reads: References that are read.
        images: Images that are decoded and encoded.
        captions: Captions that are encoded.
        kept_images: Embeddings of images that a shard keeps.
        kept_captions: Likewise of captions.
    """

    reads: float
    images: float
    captions: float
    kept_images: float
    kept_captions: float


@dataclass(frozen=True)
class RowSeconds:
    """Seconds that a row takes.

    Args:
        stages: Of the scoring thread, by stage; what overlaps has no share in it.
        scoring: Their sum: the pace if the table and the images are there in time.
        reading: Going through the table.
        fetching: Getting the images, with as many connections as there are; 0 without.
        decoding: Of one processor; the other stages run beside it.
        table: Reading it again and writing it enriched, after all scoring.
    """

    stages: Mapping[str, float]
    scoring: float
    reading: float
    fetching: float
    decoding: float
    table: float

    @property
    def pace(self) -> float:
        """Seconds a row until the table is written."""
        return max(self.scoring, self.reading, self.fetching)

    @property
    def encoding(self) -> float:
        """Of both towers."""
        return self.stages[stages.ENCODE_IMAGES] + self.stages[stages.ENCODE_TEXTS]

    @property
    def limiting(self) -> str:
        """The stage that sets the pace."""
        if self.fetching >= max(self.scoring, self.reading):
            return FETCH
        if self.reading > self.scoring:
            return stages.READ
        return max(self.stages, key=lambda name: self.stages[name])


def row_work(measurement: Measurement) -> RowWork:
    """Return what a row takes, from the columns of the whole table where those were counted."""
    columns, window = measurement.columns, measurement.window
    rows = max(window.num_rows, 1)
    reads, captions = window.reads / rows, window.captions / rows
    image_hits = caption_hits = 0.0
    if columns.scanned_rows and measurement.job.is_deduped:
        reads = columns.shard_references / columns.scanned_rows
        captions = columns.shard_captions / columns.scanned_rows
        image_hits, caption_hits = columns.reference_hits, columns.caption_hits
    elif not measurement.job.is_deduped:
        reads, captions = 1.0, 1.0
    # Of what was read some failed, and some had the content of another file.
    whole = window.encoded_images / max(window.reads, 1)
    texts = window.encoded_captions / max(window.captions, 1)
    if not measurement.job.is_deduped:
        whole, texts = window.encoded_images / rows, window.encoded_captions / rows
    return RowWork(
        reads=reads,
        images=reads * whole * (1.0 - image_hits),
        captions=captions * min(texts, 1.0) * (1.0 - caption_hits),
        kept_images=reads * whole,
        kept_captions=captions * min(texts, 1.0),
    )


def row_seconds(measurement: Measurement, work: RowWork) -> RowSeconds:
    """Return the seconds that a row of the whole set takes."""
    window, columns, decoding = measurement.window, measurement.columns, measurement.decoding
    rows = max(window.num_rows, 1)
    images = _ratio(work.images, window.encoded_images / rows)
    captions = _ratio(work.captions, window.encoded_captions / rows)
    spent = {name: seconds / rows for name, seconds in window.stage_seconds.items()}
    an_image = decoding.processor_seconds / max(decoding.num_images, 1)
    # Images that cannot be decoded are counted too: they have to be read to know it.
    decode = an_image * decoding.num_images / max(_sample_reads(measurement), 1) * work.reads
    decode *= _ratio(work.images, work.kept_images)
    by_stage = {
        stages.ENCODE_IMAGES: spent.get(stages.ENCODE_IMAGES, 0.0) * images,
        stages.ENCODE_TEXTS: spent.get(stages.ENCODE_TEXTS, 0.0) * captions,
        stages.WRITE: spent.get(stages.WRITE, 0.0),
    }
    if measurement.fetching is None:
        by_stage[stages.WAIT] = spent.get(stages.WAIT, 0.0) * images
    else:
        # What was waited for says nothing here: some of it was there early, some late.
        by_stage[stages.WAIT] = decode / measurement.machine.processors
    other = window.seconds / rows - sum(spent.values())
    reading = measurement.sizes.read_row_seconds  # with skipping: more than the truth
    if columns.scanned_rows:
        reading = columns.read_seconds / columns.scanned_rows
    by_stage[OTHER] = max(0.0, other)
    return RowSeconds(
        stages=by_stage,
        scoring=sum(by_stage.values()),
        reading=reading,
        fetching=fetch_seconds(measurement.fetching, work.reads),
        decoding=decode,
        table=reading + measurement.sizes.write_row_seconds,
    )


def fetch_seconds(fetching: FetchFacts | None, reads: float) -> float:
    """Return the seconds a row that fetching takes, at the least.

    By Little's law the time between two images is that of one over how many are under way. An
    image that never comes holds up those behind it for its whole deadline, as far as is looked
    ahead.

    Args:
        fetching: As measured, or None.
        reads: References a row.

    Source:
        Little 1961, "A proof for the queuing formula L = λW".
    """
    if fetching is None or not fetching.num_references:
        return 0.0
    at_once = fetching.at_once or float(max(fetching.most_at_once, 1))
    pace = fetching.turn_seconds / fetching.num_references / at_once
    behind = fetching.timeout_seconds / LOOK_AHEAD if fetching.num_timeouts else 0.0
    return max(pace, behind) * reads


def run_seconds(
    measurement: Measurement, seconds: RowSeconds, *, num_rows: int, machines: int = 1
) -> float:
    """Return the wall clock of a run.

    Args:
        measurement: Of the sample.
        seconds: Of a row.
        num_rows: Of the whole set.
        machines: Equal ones, each with shards of its own; one of them writes the table.
    """
    start = measurement.machine.setup_seconds + measurement.machine.first_seconds
    columns = measurement.columns
    text_bytes = measurement.job.text_bytes / max(columns.num_rows, 1) * num_rows
    if 0 < text_bytes <= COUNT_UP_TO_BYTES:
        start += num_rows * seconds.reading
    if machines > 1:
        shard = min(num_rows, measurement.job.shard_rows)
        own = math.ceil(math.ceil(num_rows / shard) / machines) * shard
    else:
        own = num_rows
    return start + min(own, num_rows) * seconds.pace + num_rows * seconds.table


def relative_error(measurement: Measurement, seconds: RowSeconds) -> float:
    """Return half the width of the 95 % interval of the pace, as a share of it."""
    if seconds.limiting == FETCH and measurement.fetching is not None:
        spread = _turn_error(measurement.fetching)
    else:
        spread = chunk_error(measurement.chunks)
    return max(LEAST_RELATIVE_ERROR, spread)


def chunk_error(chunks: tuple[Chunk, ...]) -> float:
    """Return half the width of the 95 % interval of the mean, relative, from equal stretches.

    Returns:
        At most 1, which is also what fewer than two stretches say.

    Example:
        >>> round(chunk_error((Chunk(10, 1.0), Chunk(10, 1.1), Chunk(10, 0.9))), 3)
        0.248
    """
    values = [chunk.seconds / chunk.num_rows for chunk in chunks if chunk.num_rows]
    if len(values) < 2 or sum(values) <= 0:
        return 1.0
    mean = sum(values) / len(values)
    variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
    half = student(len(values) - 1) * math.sqrt(variance / len(values))
    return min(1.0, half / mean)


def student(degrees: int) -> float:
    """Return the two-sided 95 % point of Student's t, or a little more between its entries."""
    if degrees <= len(_STUDENT):
        return _STUDENT[max(degrees, 1) - 1]
    return next((t for most, t in reversed(_STUDENT_LATER) if degrees >= most), _STUDENT[-1])


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
    sizes, columns = measurement.sizes, measurement.columns
    shards = math.ceil(num_rows * columns.num_shards / max(columns.num_rows, 1))
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
    reads = max(_sample_reads(measurement), 1)
    return measurement.decoding.num_bytes / reads * work.reads * num_rows


def scored_share(measurement: Measurement) -> float:
    """Return the share of the sample's rows that were scored."""
    return 1.0 - failed_share(measurement)


def failed_share(measurement: Measurement) -> float:
    """Return the share of the sample's rows that have no similarity."""
    total = sum(measurement.counts.values())
    return 1.0 - sum(n for s, n in measurement.counts.items() if s is RowStatus.OK) / max(total, 1)


def _sample_reads(measurement: Measurement) -> float:
    """Return the references that were read for the whole sample."""
    window = measurement.window
    return measurement.sample_rows * window.reads / max(window.num_rows, 1)


def _turn_error(fetching: FetchFacts) -> float:
    num = fetching.num_turns
    if num < 2 or fetching.turn_seconds <= 0:
        return 1.0
    mean = fetching.turn_seconds / num
    variance = max(0.0, fetching.turn_squares / num - mean * mean)
    return min(1.0, _NORMAL * math.sqrt(variance / num) / mean)


def _ratio(wanted: float, seen: float) -> float:
    return wanted / seen if seen > 0 else 1.0
