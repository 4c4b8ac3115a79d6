"""An amount that threads share: what one holds the others wait for, first come, first served."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Allowance:
    """So much at one time, over all threads.

    Args:
        total: More than this is never held, but by one thread that asks for more.

    Example:
        >>> allowance = Allowance(10)
        >>> with allowance.hold(8):
        ...     allowance.left
        2
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._held = 0
        self._queue: deque[object] = deque()
        self._changed = threading.Condition()

    @property
    def left(self) -> int:
        """What nobody holds."""
        return self._total - self._held

    @contextmanager
    def hold(self, amount: int) -> Iterator[None]:
        """Wait for one's turn and for as much as is wanted, and hold it.

        Args:
            amount: Of more than the total one gets the total.
        """
        amount = min(amount, self._total)
        ticket = object()
        with self._changed:
            self._queue.append(ticket)
            try:
                # Whoever wants much is not passed for ever by those who want little.
                self._changed.wait_for(lambda: self._queue[0] is ticket and amount <= self.left)
                self._held += amount
            finally:  # Ctrl-C too ends a turn
                self._queue.remove(ticket)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._held -= amount
                self._changed.notify_all()
