"""What is said of the whole set, on numbers that can be checked in the head."""

from dataclasses import replace

import pytest

from pairsift import stages
from pairsift.errors import UsageError
from pairsift.planning.predicting import Goal, predict
from pairsift.planning.uncertainty import pace_error
from tests.planning.made_up import PROVENANCE, measured, slow_server


def test_without_a_goal_it_is_the_table() -> None:
    found = predict(measured(), Goal())
    assert found.num_rows == 100_000
    assert found.here.seconds == pytest.approx(5 + 750 + 2)
    assert (found.here.cost, found.limiting) == (None, stages.ENCODE_IMAGES)
    # The start is certain; the rest is as certain as the pace of two equal runs.
    assert found.here.low == pytest.approx(3 + 754 * (1 - pace_error()))
    assert found.here.high == pytest.approx(3 + 754 * (1 + pace_error()))
    assert len(found.durations) == 1


def test_machines_and_their_price() -> None:
    goal = Goal(pairs="1M", machines=10, price_per_hour=3.6)
    here, many = predict(measured(), goal).durations
    assert here.seconds == pytest.approx(5 + 7_500 + 20)
    assert here.cost == pytest.approx(here.seconds / 1_000)
    # 245 shards on 10 machines: one of them has 25.
    assert many.seconds == pytest.approx(5 + 25 * 4_096 * 0.0075 + 20)
    assert many.cost == pytest.approx(10 * many.seconds / 1_000)
    assert many.what == "10 machines like it"


def test_gpus_wait_for_decoders() -> None:
    # 3 ms of a processor an image, two processors: 667 pictures a second, whatever the GPUs do.
    slow = predict(measured(), Goal(gpus=1, gpu_rate=500.0))
    fast = predict(measured(), Goal(gpus=4, gpu_rate=2_000.0))
    assert slow.durations[1].seconds == pytest.approx(5 + 100_000 / 500 + 2)
    assert fast.durations[1].seconds == pytest.approx(5 + 100_000 * 0.0015 + 2)
    assert slow.processors_for_gpus == pytest.approx(1.5)
    assert fast.processors_for_gpus == pytest.approx(24.0)
    assert any("processors that decode for it" in words for words in fast.advice)


def test_a_gpu_that_nobody_measured_is_no_figure() -> None:
    found = predict(measured(), Goal(gpus=2))
    assert len(found.durations) == 1
    assert found.processors_for_gpus is None
    assert any("--gpu-rate" in words for words in found.advice)


def test_a_gpu_that_was_measured_is_one() -> None:
    machine = replace(measured().machine, provenance=replace(PROVENANCE, device="cuda:0"))
    found = predict(measured(machine=machine), Goal(gpus=1))
    # Both towers took 5 ms of a row.
    assert found.durations[1].what == "1 GPU at 200 pairs/s in this machine"


def test_bytes_and_what_is_kept_of_them() -> None:
    found = predict(measured(), Goal())
    scores, table = 100_000 * 50 + 25 * 4_000, 100_000 * 120
    assert found.disk_bytes["all"] == 204_800_000
    assert found.total_disk_bytes == scores + table + 204_800_000
    none = predict(measured(job=replace(measured().job, embeddings="none")), Goal())
    assert none.total_disk_bytes == scores + table


def test_a_slow_server_is_named_as_the_limit() -> None:
    found = predict(measured(fetching=slow_server(num_timeouts=40)), Goal())
    assert found.limiting == "fetch"
    assert found.to_json()["is_network"] is True
    assert "60 are used at once" in found.advice[0]
    assert "use up their 10 s" in found.advice[1]


def test_a_count_that_is_none() -> None:
    with pytest.raises(UsageError, match="no count of pairs"):
        predict(measured(), Goal(pairs="lots"))
