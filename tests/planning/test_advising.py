"""What is advised follows from what limits."""

from dataclasses import replace

import pytest

from pairsift import stages
from pairsift.planning.advising import advise
from pairsift.planning.estimating import row_seconds, row_work
from pairsift.planning.figures import Measurement
from pairsift.statuses import RowStatus
from tests.planning.made_up import PROVENANCE, measured


def advice(found: Measurement) -> str:
    work = row_work(found)
    row = row_seconds(found, work)
    return " ".join(advise(found, work, row, asks_for_gpus=False, gpu_rate=None))


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        (stages.ENCODE_IMAGES, "Encoding images takes"),
        (stages.ENCODE_TEXTS, "smaller text tower"),
        (stages.WAIT, "decoding alone takes 3.0 ms"),
    ],
)
def test_the_stage_that_takes_most_is_named(stage: str, words: str) -> None:
    seconds = dict.fromkeys((stages.ENCODE_IMAGES, stages.ENCODE_TEXTS, stages.WAIT), 0.1)
    window = replace(measured().window, stage_seconds=seconds | {stage: 7.0})
    assert words in advice(measured(window=window))


def test_a_table_that_is_slow_to_read_is_named() -> None:
    columns = replace(measured().columns, read_seconds=10_000.0)
    assert "Reading the table is the limit" in advice(measured(columns=columns))


def test_half_precision_is_advised_where_it_is_not_used() -> None:
    assert "bf16" not in advice(measured())
    machine = replace(measured().machine, provenance=replace(PROVENANCE, precision="fp32"))
    assert "bf16" in advice(measured(machine=machine))


def test_failures_are_told_with_their_status() -> None:
    counts = {RowStatus.OK: 1_500, RowStatus.IMAGE_NOT_FOUND: 400, RowStatus.IMAGE_CORRUPT: 100}
    told = advice(measured(counts=counts))
    assert "25% of the sample's rows failed, most of them with image_not_found" in told


def test_repetition_is_told_with_what_it_saves() -> None:
    assert "come again" not in advice(measured())
    columns = replace(measured().columns, shard_references=60_000)
    assert "come again save 40%" in advice(measured(columns=columns))
    job = replace(measured().job, is_deduped=False)
    assert "Without --no-dedupe" in advice(measured(job=job))
