"""Threads that decode, and what becomes of one that hangs."""

import threading
from collections.abc import Callable

from pairsift.decoding import Pool, Task


def double(item: int, begin: Callable[[], None]) -> int:
    begin()
    return 2 * item


def test_tasks_come_back_in_order() -> None:
    pool = Pool(3)
    tasks = [pool.submit(Task(range(first, first + 4), double)) for first in range(0, 40, 4)]
    assert all(task.wait(60) for task in tasks)
    assert [result for task in tasks for result in task.results] == [2 * n for n in range(40)]
    pool.close()


def test_a_hanging_item_is_noticed_and_replaced() -> None:
    released = threading.Event()

    def hang_at_three(item: int, begin: Callable[[], None]) -> int:
        begin()
        if item == 3:
            released.wait(60)
        return item

    pool = Pool(1)
    stuck = pool.submit(Task(range(6), hang_at_three))
    while not stuck.is_overdue(0.05):
        assert not stuck.wait(0.01)
    stuck.cancel()
    pool.add_thread()
    after = pool.submit(Task([10], hang_at_three))
    assert after.wait(60)
    released.set()
    assert stuck.results == [0, 1, 2]  # nothing is added once nobody waits for it
    pool.close()


def test_waiting_for_bytes_is_not_decoding() -> None:
    released = threading.Event()

    def fetch_slowly(item: int, begin: Callable[[], None]) -> int:
        released.wait(60)
        begin()
        return item

    pool = Pool(1)
    task = pool.submit(Task([1], fetch_slowly))
    assert not task.wait(0.1)
    assert not task.is_overdue(0.01)
    released.set()
    assert task.wait(60)
    pool.close()


def test_a_closed_pool_drops_what_waits() -> None:
    released = threading.Event()

    def wait(item: int, begin: Callable[[], None]) -> int:
        begin()
        released.wait(60)
        return item

    pool = Pool(1)
    first, second = pool.submit(Task([1], wait)), pool.submit(Task([2], wait))
    while not first.is_overdue(0.0):
        assert not first.wait(0.001)
    pool.close()
    released.set()
    assert first.wait(60)
    assert not second.wait(0.05)
