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
from pairsift.planning.figures import FetchFacts, Measurement
from pairsift.sources.door import LOOK_AHEAD
from pairsift.statuses import RowStatus

FETCH = "fetch"
OTHER = "other"


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
    if not measurement.job.is_deduped:
        images, captions = window.encoded_images / rows, window.encoded_captions / rows
        return RowWork(1.0, images, captions, kept_images=images, kept_captions=captions)
    reads, captions = window.reads / rows, window.captions / rows
    images, texts = window.encoded_images, window.encoded_captions
    image_hits = caption_hits = 0.0
    if columns.scanned_rows:
        reads = columns.shard_references / columns.scanned_rows
        captions = columns.shard_captions / columns.scanned_rows
        image_hits, caption_hits = columns.reference_hits, columns.caption_hits
        # What the cache of the sample had is in those hits already.
        images, texts = images + window.reused_images, texts + window.reused_captions
    # Of what was read some failed, and some had the content of another file.
    whole = images / max(window.reads, 1)
    scored = min(1.0, texts / max(window.captions, 1))
    return RowWork(
        reads=reads,
        images=reads * whole * (1.0 - image_hits),
        captions=captions * scored * (1.0 - caption_hits),
        kept_images=reads * whole,
        kept_captions=captions * scored,
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
    decode = an_image * decoding.num_images / max(sample_reads(measurement), 1) * work.reads
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
    start = start_seconds(measurement, seconds)
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


def scored_share(measurement: Measurement) -> float:
    """Return the share of the sample's rows that were scored."""
    return 1.0 - failed_share(measurement)


def start_seconds(measurement: Measurement, seconds: RowSeconds) -> float:
    """Return the seconds that do not grow with the rows.

    Without a network that is the model, and how much longer than others the first batch takes,
    which has nothing that it is decoded beside. With one it is the model and the last image:
    while the first is waited for, others come.
    """
    machine, fetching = measurement.machine, measurement.fetching
    if fetching is None:
        longer = machine.first_seconds - machine.first_rows * seconds.pace
        return machine.setup_seconds + max(0.0, longer)
    longest = fetching.turn_seconds / max(fetching.num_turns, 1)
    return machine.setup_seconds + (fetching.timeout_seconds if fetching.num_timeouts else longest)


def failed_share(measurement: Measurement) -> float:
    """Return the share of the sample's rows that have no similarity."""
    total = sum(measurement.counts.values())
    return 1.0 - sum(n for s, n in measurement.counts.items() if s is RowStatus.OK) / max(total, 1)


def sample_reads(measurement: Measurement) -> float:
    """Return the references that were read for the whole sample."""
    window = measurement.window
    return measurement.sample_rows * window.reads / max(window.num_rows, 1)


def _ratio(wanted: float, seen: float) -> float:
    return wanted / seen if seen > 0 else 1.0
