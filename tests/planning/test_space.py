"""Bytes, on numbers that can be checked in the head."""

from dataclasses import replace

import pytest

from pairsift.planning.estimating import row_work
from pairsift.planning.figures import Job
from pairsift.planning.space import count_shards, disk_bytes, memory_bytes, read_bytes
from tests.planning.made_up import measured, slow_server


def test_the_disk() -> None:
    found = measured()
    work = row_work(found)
    sizes = disk_bytes(found, work, num_rows=100_000)
    assert sizes == {
        "scores": 100_000 * 50 + 25 * 4_000,
        "embeddings": 100_000 * 2 * 2 * 512,
        "table": 100_000 * 120,
    }
    assert disk_bytes(found, work, num_rows=100_000, embeddings="none")["embeddings"] == 0
    sampled = disk_bytes(found, work, num_rows=100_000, embeddings="sample")["embeddings"]
    assert sampled == sizes["embeddings"] / 16


def test_shards_of_a_set_that_is_larger_than_the_table() -> None:
    cut = replace(measured().columns, num_rows=100_000, num_shards=50)  # files of 2,000 rows
    assert count_shards(measured(columns=cut), 1_000_000) == 500
    small = replace(measured().columns, num_rows=51, num_shards=1)
    assert count_shards(measured(columns=small), 51) == 1
    assert count_shards(measured(columns=small), 1_000_000) == 245  # of 4,096 rows, and not 19,608


def test_the_memory_has_room_for_whole_shards() -> None:
    found = measured(job=Job(4_096, "all", cache_bytes=32_000_000, fetch_ahead_bytes=9))
    shards = 3 * 2 * 4_096 * 2 * 4 * 512
    assert memory_bytes(found, row_work(found)) == 1_000_000_000 + shards + 32_000_000
    fetched = replace(found, fetching=slow_server())
    assert memory_bytes(fetched, row_work(found)) == memory_bytes(found, row_work(found)) + 9
    roomy = replace(fetched, job=replace(found.job, fetch_ahead_bytes=10**12))
    # Of what is looked ahead every image has 100 kB.
    expected = memory_bytes(found, row_work(found)) + 4_096 * 100_000
    assert memory_bytes(roomy, row_work(found)) == expected


def test_the_bytes_of_images() -> None:
    assert read_bytes(measured(), row_work(measured()), num_rows=1_000) == pytest.approx(1e8)
