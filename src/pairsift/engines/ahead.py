"""Read ahead on another thread, a bounded number of items."""

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")

WAIT_SECONDS = 0.2
LEAVE_SECONDS = 2.0
"""How long leaving waits for the thread, which may be in the midst of a slow read."""


def read_ahead(items: Iterable[Item], *, depth: int = 1) -> Iterator[Item]:
    """Yield the items of an iterable that another thread goes through.

    Args:
        items: What to go through; what it raises is raised here.
        depth: Items that may wait, beside the one in work.
    """
    waiting: queue.Queue[tuple[list[Item], BaseException | None]] = queue.Queue(depth)
    has_left = threading.Event()

    def put(found: list[Item], error: BaseException | None = None) -> bool:
        while not has_left.is_set():
            try:
                waiting.put((found, error), timeout=WAIT_SECONDS)
            except queue.Full:
                continue
            return True
        return False

    def go_through() -> None:
        try:
            for item in items:
                if not put([item]):
                    return
            put([])
        except BaseException as error:  # noqa: BLE001 - it is raised where somebody can hear it
            put([], error)

    thread = threading.Thread(target=go_through, name="read", daemon=True)
    thread.start()
    try:
        while True:
            found, error = waiting.get()
            if error is not None:
                raise error
            if not found:
                return
            yield from found
    finally:
        has_left.set()
        # What it still does, such as leaving a mark, is done before the caller cleans up.
        if threading.current_thread() is not thread:
            thread.join(LEAVE_SECONDS)
