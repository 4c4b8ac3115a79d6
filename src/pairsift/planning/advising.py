"""What limits a run, and what would help: in sentences, each with its figure."""

from collections.abc import Iterator

from pairsift import stages
from pairsift.planning.estimating import FETCH, RowSeconds, RowWork, failed_share
from pairsift.planning.figures import Measurement

MANY_FAILURES = 0.05
MUCH_REPETITION = 0.1


def advise(
    measurement: Measurement,
    work: RowWork,
    row: RowSeconds,
    *,
    asks_for_gpus: bool,
    gpu_rate: float | None,
) -> Iterator[str]:
    """Yield sentences, the most important first.

    Args:
        measurement: Of the sample.
        work: Of a row.
        row: Seconds of a row.
        asks_for_gpus: The user wants to know how long GPUs take.
        gpu_rate: Pairs a second of one, or None where that is not known.
    """
    yield from _limit(measurement, row)
    share = failed_share(measurement)
    if share >= MANY_FAILURES:
        worst = max(
            (s for s in measurement.counts if s != "ok"), key=measurement.counts.__getitem__
        )
        yield f"{share:.0%} of the sample's rows failed, most of them with {worst}."
    if not measurement.job.is_deduped and work.reads:
        yield "Without --no-dedupe, equal images and captions of a shard are encoded once."
    elif work.images < (1.0 - MUCH_REPETITION) * (1.0 - share):
        yield (
            f"Images that come again save {1.0 - work.images / max(1.0 - share, 1e-9):.0%} of the "
            "encoding; sorted by image, the table would save the most."
        )
    if asks_for_gpus and gpu_rate is None:
        yield (
            "No GPU was measured: run this on a machine that has one (--device cuda), or give "
            "--gpu-rate."
        )
    elif gpu_rate is not None and gpu_rate * row.decoding > measurement.machine.processors:
        yield (
            f"One GPU needs {gpu_rate * row.decoding:.0f} processors that decode for it; "
            f"here are {measurement.machine.processors}."
        )


def _limit(measurement: Measurement, row: RowSeconds) -> Iterator[str]:
    limiting, provenance = row.limiting, measurement.machine.provenance
    pace = max(row.pace, 1e-12)
    if limiting == FETCH:
        yield from _slow_server(measurement, row)
    elif limiting == stages.READ:
        yield (
            "Reading the table is the limit: Parquet without the images reads fastest, and more "
            "machines read at once."
        )
    elif limiting == stages.WAIT:
        yield (
            f"Reading and decoding images is the limit: decoding alone takes "
            f"{1e3 * row.decoding:.1f} ms of a processor a row. Pictures stored at twice the "
            "model's side decode fastest; more processors, or more machines, help as well."
        )
    elif limiting == stages.ENCODE_TEXTS:
        yield (
            f"Encoding captions takes {row.stages[limiting] / pace:.0%} of the time: a model with "
            "a smaller text tower would help; more pictures a second would not."
        )
    elif limiting == stages.ENCODE_IMAGES:
        faster = "" if provenance.precision in ("bf16", "fp16") else ", bf16 where it is native"
        yield (
            f"Encoding images takes {row.stages[limiting] / pace:.0%} of the time: a smaller model"
            f"{faster}, a GPU or more machines would help; more decoding would not."
        )
    else:
        yield "No stage stands out: more machines help."


def _slow_server(measurement: Measurement, row: RowSeconds) -> Iterator[str]:
    fetching = measurement.fetching
    if fetching is None:
        return
    seconds = fetching.turn_seconds / max(fetching.num_references, 1)
    at_once = fetching.at_once or fetching.most_at_once
    yield (
        f"Fetching is the limit: an image takes {seconds:.2f} s of a connection, and {at_once:.0f} "
        f"are used at once; scoring alone would do {1.0 / max(row.scoring, 1e-12):,.0f} pairs/s. "
        "More --connections or --connections-per-host help as far as the hosts allow; so do "
        "images fetched beforehand."
    )
    if fetching.num_timeouts:
        share = fetching.num_timeouts / max(fetching.num_references, 1)
        yield (
            f"{share:.1%} of the images use up their {fetching.timeout_seconds:g} s: a shorter "
            "--fetch-timeout-seconds gives them up sooner."
        )
