import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pairsift.allowance import Allowance


def test_no_more_is_held_than_there_is() -> None:
    allowance = Allowance(10)
    lock, seen = threading.Lock(), []
    held = 0

    def work(amount: int) -> None:
        nonlocal held
        with allowance.hold(amount):
            with lock:
                held += min(amount, 10)
                seen.append(held)
            with lock:
                held -= min(amount, 10)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, [1, 7, 3, 30, 10, 4, 6, 2] * 50))
    assert len(seen) == 400
    assert max(seen) <= 10
    assert allowance.left == 10


def test_who_wants_much_is_not_passed_by() -> None:
    allowance = Allowance(10)
    order: list[str] = []

    def work(name: str, amount: int) -> None:
        with allowance.hold(amount):
            order.append(name)

    with allowance.hold(6):
        threads = [
            threading.Thread(target=work, args=pair) for pair in [("large", 8), ("small", 1)]
        ]
        for number, thread in enumerate(threads, 1):
            thread.start()
            while len(allowance._queue) < number:
                threading.Event().wait(0.001)
        assert order == []
    for thread in threads:
        thread.join()
    assert order == ["large", "small"]


def test_an_error_gives_back_what_was_held() -> None:
    allowance = Allowance(10)
    with pytest.raises(RuntimeError), allowance.hold(10):
        raise RuntimeError
    assert allowance.left == 10
