"""A worker without anybody who orders: what it says when it cannot go on."""

import threading
from typing import Any

import pytest

from pairsift.engines.working import Order, Worker
from pairsift.errors import RunFolderError
from pairsift.protocols import Span
from pairsift.runs.layout import ShardKey
from pairsift.runs.plan import Piece

ORDER = Order(Piece(ShardKey(0, 0), Span(0, 4), range(4), 4))


class Waiting(dict[Any, Any]):
    """Orders that wait; between the first look at them and the next the worker fails."""

    def __init__(self, worker: Worker) -> None:
        super().__init__()
        self.worker = worker

    def __setitem__(self, key: Any, done: Any) -> None:
        # The thread that scores tells those that it finds, and ends.
        self.worker._error = RunFolderError("the run is gone")
        super().__setitem__(key, done)


def test_an_order_that_comes_when_it_fails_is_not_left_waiting() -> None:
    post: Any = None
    worker = Worker(post)
    worker._waiting = Waiting(worker)
    raised: list[BaseException] = []

    def order() -> None:
        try:
            worker.score(ORDER)
        except RunFolderError as error:
            raised.append(error)

    thread = threading.Thread(target=order, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    assert str(raised[0]) == "the run is gone"


def test_before_it_has_begun_it_has_scored_nothing() -> None:
    post: Any = None
    assert Worker(post).look() == (0, 0)


def test_what_ended_it_is_told_to_everybody_after() -> None:
    post: Any = None
    worker = Worker(post)
    worker._error = RunFolderError("the run is gone")
    for _ in range(2):
        with pytest.raises(RunFolderError, match="the run is gone"):
            worker.score(ORDER)
