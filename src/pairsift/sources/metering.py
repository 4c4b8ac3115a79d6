"""How the connections are used: what a plan needs to know of a slow server.

While somebody waits for a turn, fetching is the limit, and its rate is the number of turns that
are taken at once over the seconds that one takes (Little's law).
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from pairsift.sources.loads import Load


class Visit:
    """One wait for a turn, and the turn.

    Args:
        meter: That counts it.
    """

    def __init__(self, meter: "FetchMeter") -> None:
        self._meter = meter
        self.began: float | None = None

    def begin(self) -> None:
        """Say that the wait is over."""
        self.began = self._meter.begin()


class FetchMeter:
    """Counts turns; written to by the thread that fetches.

    Attributes:
        num_turns: Turns that are over; a redirect or another attempt has a turn of its own.
        turn_seconds: That they took, added up.
        image_squares: The squares of the seconds that all turns of an image took, added up.
        full_seconds: Time in which somebody waited for a turn.
        full_turn_seconds: Time in which somebody waited, times the turns under way.
        most_at_once: Highest number of turns under way.
    """

    def __init__(self) -> None:
        self.num_turns = 0
        self.turn_seconds = 0.0
        self.image_squares = 0.0
        self.full_seconds = 0.0
        self.full_turn_seconds = 0.0
        self.most_at_once = 0
        self._num_waiting = 0
        self._num_under_way = 0
        self._last = 0.0

    @property
    def at_once(self) -> float | None:
        """Mean number of turns under way while somebody waited; None where nobody had to."""
        return self.full_turn_seconds / self.full_seconds if self.full_seconds > 0 else None

    @contextmanager
    def visit(self, load: Load) -> Iterator[Visit]:
        """Count from the wish for a turn to its end; an image may have several turns."""
        self._advance()
        self._num_waiting += 1
        visit = Visit(self)
        try:
            yield visit
        finally:
            now = self._advance()
            if visit.began is None:
                self._num_waiting -= 1
            else:
                self._num_under_way -= 1
                self._count(load, now - visit.began)

    def _count(self, load: Load, seconds: float) -> None:
        self.num_turns += 1
        self.turn_seconds += seconds
        before, load.turn_seconds = load.turn_seconds, load.turn_seconds + seconds
        self.image_squares += load.turn_seconds**2 - before**2

    def begin(self) -> float:
        """Count one who waited as one whose turn it is; return the time."""
        now = self._advance()
        self._num_waiting -= 1
        self._num_under_way += 1
        self.most_at_once = max(self.most_at_once, self._num_under_way)
        return now

    def _advance(self) -> float:
        now = time.monotonic()
        if self._num_waiting:
            self.full_seconds += now - self._last
            self.full_turn_seconds += (now - self._last) * self._num_under_way
        self._last = now
        return now
