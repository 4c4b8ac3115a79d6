"""The arithmetic, on numbers that can be checked in the head."""

from dataclasses import replace

import pytest

from pairsift import stages
from pairsift.planning.estimating import (
    FETCH,
    failed_share,
    fetch_seconds,
    row_seconds,
    row_work,
    run_seconds,
    start_seconds,
)
from pairsift.planning.figures import Job
from pairsift.statuses import RowStatus
from tests.planning.made_up import measured, slow_server


def test_without_repetition_a_row_takes_what_the_sample_took() -> None:
    found = measured()
    work = row_work(found)
    assert (work.reads, work.images, work.captions) == (1.0, 1.0, 1.0)
    row = row_seconds(found, work)
    assert row.pace == pytest.approx(0.0075)
    assert row.reading == pytest.approx(1e-5)
    assert row.decoding == pytest.approx(0.003)
    assert row.limiting == stages.ENCODE_IMAGES


def test_what_comes_again_in_whole_shards_is_taken_off() -> None:
    # The pieces saw every image anew; whole shards hold half as many references, of which the
    # cache knows a fifth, and a quarter of the captions.
    columns = replace(
        measured().columns,
        shard_references=50_000,
        reference_hits=0.2,
        shard_captions=25_000,
    )
    found = measured(columns=columns)
    work = row_work(found)
    assert (work.reads, work.captions) == (0.5, 0.25)
    assert work.images == pytest.approx(0.4)
    assert work.kept_images == pytest.approx(0.5)
    row = row_seconds(found, work)
    assert row.stages[stages.ENCODE_IMAGES] == pytest.approx(0.004 * 0.4)
    assert row.stages[stages.WAIT] == pytest.approx(0.002 * 0.4)
    assert row.stages[stages.ENCODE_TEXTS] == pytest.approx(0.001 * 0.25)
    assert row.pace == pytest.approx(0.0016 + 0.0008 + 0.00025 + 0.0005)


def test_pieces_that_saw_repetitions_are_not_counted_twice() -> None:
    window = replace(measured().window, reads=800, encoded_images=800)
    columns = replace(measured().columns, shard_references=60_000)
    found = measured(window=window, columns=columns)
    assert row_work(found).images == pytest.approx(0.6)
    assert row_seconds(found, row_work(found)).stages[stages.ENCODE_IMAGES] == pytest.approx(
        0.004 / 0.8 * 0.6
    )


def test_what_the_cache_of_the_sample_had_is_not_counted_twice() -> None:
    window = replace(measured().window, encoded_images=900, reused_images=100)
    columns = replace(measured().columns, reference_hits=0.1)
    assert row_work(measured(window=window, columns=columns)).images == pytest.approx(0.9)
    unknown = replace(columns, scanned_rows=0)
    assert row_work(measured(window=window, columns=unknown)).images == pytest.approx(0.9)


def test_failed_rows_are_read_and_not_encoded() -> None:
    window = replace(measured().window, encoded_images=700)
    found = measured(window=window, counts={RowStatus.OK: 1_400, RowStatus.IMAGE_NOT_FOUND: 600})
    work = row_work(found)
    assert work.reads == 1.0
    assert work.images == pytest.approx(0.7)
    assert failed_share(found) == pytest.approx(0.3)


def test_without_dedupe_every_row_is_encoded() -> None:
    columns = replace(measured().columns, shard_references=10_000, reference_hits=0.9)
    found = measured(columns=columns, job=Job(4096, "all", is_deduped=False))
    assert (row_work(found).reads, row_work(found).images) == (1.0, 1.0)


def test_columns_that_nobody_could_count_leave_the_sample_as_it_is() -> None:
    columns = replace(measured().columns, scanned_rows=0, read_seconds=0.0, shard_references=0)
    found = measured(columns=columns)
    assert row_work(found).images == 1.0
    # Then the pieces say how long reading takes.
    assert row_seconds(found, row_work(found)).reading == pytest.approx(5e-4)


def test_a_slow_server_sets_the_pace() -> None:
    found = measured(fetching=slow_server())
    row = row_seconds(found, row_work(found))
    assert row.fetching == pytest.approx(1.5 / 60)
    assert (row.pace, row.limiting) == (row.fetching, FETCH)
    # What waited for the network says nothing of decoding: 3 ms on two processors do.
    assert row.stages[stages.WAIT] == pytest.approx(0.0015)


def test_a_fast_server_does_not() -> None:
    found = measured(fetching=slow_server(turn_seconds=30.0))
    row = row_seconds(found, row_work(found))
    assert row.fetching < row.scoring == row.pace


def test_images_that_never_come_hold_up_as_many_as_are_looked_ahead() -> None:
    fast = slow_server(turn_seconds=30.0, num_timeouts=20, timeout_seconds=40.96)
    assert fetch_seconds(fast, 1.0) == pytest.approx(0.01)
    assert fetch_seconds(fast, 0.5) == pytest.approx(0.005)


def test_connections_that_nobody_waited_for_are_the_most_that_were_seen() -> None:
    assert fetch_seconds(slow_server(at_once=None, most_at_once=30), 1.0) == pytest.approx(0.05)
    assert fetch_seconds(None, 1.0) == 0.0


def test_the_start_of_a_slow_server_is_its_end() -> None:
    row = row_seconds(measured(), row_work(measured()))
    # 200 rows in 3.5 s, which take 1.5 s later on.
    assert start_seconds(measured(), row) == pytest.approx(5.0)
    assert start_seconds(measured(fetching=slow_server()), row) == pytest.approx(3 + 1.2)
    assert start_seconds(measured(fetching=slow_server(num_timeouts=1)), row) == 13.0


def test_a_run_is_its_start_and_its_rows() -> None:
    found = measured()
    row = row_seconds(found, row_work(found))
    assert run_seconds(found, row, num_rows=100_000) == pytest.approx(5 + 750 + 2)


def test_text_that_is_small_is_counted_before_the_first_row() -> None:
    found = measured(job=Job(4096, "all", text_bytes=100_000 * 100))
    row = row_seconds(found, row_work(found))
    assert run_seconds(found, row, num_rows=100_000) == pytest.approx(5 + 1 + 750 + 2)
    # Of 100 million rows it is 10 GB, which no run reads to say how much is left.
    assert run_seconds(found, row, num_rows=10**8) == pytest.approx(5 + 750_000 + 2_000)


def test_machines_share_whole_shards_and_one_writes_the_table() -> None:
    found = measured()
    row = row_seconds(found, row_work(found))
    # 25 shards on 4 machines: one of them has 7.
    expected = 5 + 7 * 4_096 * 0.0075 + 2
    assert run_seconds(found, row, num_rows=100_000, machines=4) == pytest.approx(expected)
    few = run_seconds(found, row, num_rows=1_000, machines=4)
    assert few == pytest.approx(run_seconds(found, row, num_rows=1_000))
