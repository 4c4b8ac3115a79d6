"""Where the time goes: seconds by stage, and which stage held up the others."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

READ = "read table"
WAIT = "fetch and decode"
ENCODE_IMAGES = "encode images"
ENCODE_TEXTS = "encode captions"
WRITE = "write table"


@dataclass
class StageClock:
    """Wall-clock seconds that the scoring thread spent in each stage.

    Decoding runs beside inference on other threads, so only the time that the scoring thread
    had to wait for it counts here: what overlaps perfectly costs nothing.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the time of the block for a stage."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.add(name, time.perf_counter() - begin)

    def add(self, name: str, seconds: float) -> None:
        """Count some seconds for a stage."""
        with self._lock:
            self.seconds[name] = self.seconds.get(name, 0.0) + seconds

    def limiting(self) -> str | None:
        """Return the stage that took most of the time, or None before anything ran.

        Example:
            >>> clock = StageClock()
            >>> clock.add(READ, 0.1)
            >>> clock.add(ENCODE_IMAGES, 2.0)
            >>> clock.limiting()
            'encode images'
        """
        return max(self.seconds, key=lambda name: self.seconds[name], default=None)
