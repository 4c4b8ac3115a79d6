"""Bytes to pixels beside the encoder: threads for speed, a process of its own for suspects.

A thread that hangs in a decoder cannot be ended. It is left behind, another takes its place, and
the images that it was given are decoded in a process that can be ended.
"""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pairsift.isolation import Decode
from pairsift.storybook.likeness import Likeness

Item = TypeVar("Item")
Result = TypeVar("Result")

DEADLINE_SECONDS = 60.0
POLL_SECONDS = 0.25
BATCH_ROWS = 1024
BATCH_BYTES = 48 * 1024 * 1024
"""Decoded pixels of one batch: bounds memory whatever the table or the model's input."""

CLOSE_SECONDS = 2.0
"""How long closing waits for decoders at work; one image seldom takes a tenth of it."""


@dataclass(frozen=True)
class Decoding:
    """How image bytes are decoded.

    Args:
        num_threads: That decode (default: one a processor).
        deadline_seconds: Longest time for one image.
        decode: From bytes to a picture (default: ``images.decode_image``); picklable.
        likeness: Looks at every picture, for models that know one world only.
        batch_rows: Rows that are decoded, and encoded, together at most.
        batch_bytes: Likewise the bytes of their pixels; two such batches are under way.
    """

    num_threads: int | None = None
    deadline_seconds: float = DEADLINE_SECONDS
    decode: Decode | None = None
    likeness: Likeness | None = None
    batch_rows: int = BATCH_ROWS
    batch_bytes: int = BATCH_BYTES


class Task(Generic[Item, Result]):
    """A few items that one thread works through, in order.

    Args:
        items: What to do.
        work: Called with each, and with what it calls when the part begins that has a deadline;
            it must not raise.
    """

    def __init__(
        self, items: Sequence[Item], work: Callable[[Item, Callable[[], None]], Result]
    ) -> None:
        self.items = items
        self.results: list[Result] = []
        self._is_cancelled = threading.Event()
        self._work = work
        self._began: float | None = None
        self._done = threading.Event()

    def run(self) -> None:
        """Work through the items; called by the thread."""
        for item in self.items:
            if self._is_cancelled.is_set():
                return
            result = self._work(item, self._begin)
            if self._is_cancelled.is_set():  # nobody waits for it any more
                return
            self.results.append(result)
            self._began = None
        self._done.set()

    def wait(self, seconds: float) -> bool:
        """Wait until all items are done; say whether they are."""
        return self._done.wait(seconds)

    def is_overdue(self, deadline_seconds: float) -> bool:
        """Say whether the item in work is in the part with a deadline, and behind it."""
        began = self._began
        return began is not None and time.monotonic() - began > deadline_seconds

    def cancel(self) -> None:
        """Let the thread leave after the item in work."""
        self._is_cancelled.set()

    def _begin(self) -> None:
        self._began = time.monotonic()


class Pool:
    """Threads that run tasks in the order of submission.

    Not ``concurrent.futures``: at its end an interpreter waits for those threads, and one that
    hangs in a decoder would keep it for ever.

    Args:
        num_threads: How many.
        name: Of the threads.
    """

    def __init__(self, num_threads: int, *, name: str = "decode") -> None:
        self._tasks: queue.SimpleQueue[Task[Any, Any] | None] = queue.SimpleQueue()
        self._num_threads = num_threads
        self._name = name
        self._threads: list[threading.Thread] = []

    def submit(self, task: "Task[Item, Result]") -> "Task[Item, Result]":
        """Queue a task."""
        while len(self._threads) < self._num_threads:
            self.add_thread()
        self._tasks.put(task)
        return task

    def add_thread(self) -> None:
        """Start one more thread, in the place of one that hangs."""
        thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def close(self) -> None:
        """End the threads, but for those that hang; tasks that are still queued are not run."""
        while True:
            try:
                waiting = self._tasks.get_nowait()
            except queue.Empty:
                break
            if waiting is not None:
                waiting.cancel()
        for _ in self._threads:
            self._tasks.put(None)
        end = time.monotonic() + CLOSE_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None:
            task.run()
            # What a waiting thread held would live until the interpreter ends, and a runtime that
            # is taken down then ends the process with an abort.
            del task
