"""What one image on its way may take: time of its own, memory shared with the others.

Everything here lives on one event loop and is called from its thread only.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass(eq=False)
class Load:
    """One image on its way.

    Args:
        num_bytes: What it holds of the memory.
        is_urgent: Somebody waits for it right now, so it goes before all limits; otherwise he
            who makes room by taking images in order could wait for one that has no room.
        place: Where it stands in a queue.
        turn_seconds: That its turns took so far.
    """

    num_bytes: int = 0
    is_urgent: bool = False
    place: "asyncio.Future[bool] | None" = None
    turn_seconds: float = 0.0


class Deadline:
    """Seconds that one image may still take; waiting for a turn or for room uses none of them.

    Args:
        seconds: In all.
    """

    def __init__(self, seconds: float) -> None:
        self.left = seconds
        self._timeout: asyncio.Timeout | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Count what happens inside; raises TimeoutError when the seconds are used up."""
        begin = now()
        try:
            async with asyncio.timeout(max(0.0, self.left)) as self._timeout:
                yield
        finally:
            self.left -= now() - begin

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Stop counting inside ``running``."""
        timeout, begin = self._timeout, now()
        when = timeout.when() if timeout is not None else None
        if timeout is None or when is None:
            yield
            return
        timeout.reschedule(None)
        try:
            yield
        finally:
            self.left += now() - begin
            timeout.reschedule(when + now() - begin)


class Room:
    """Memory for images that were fetched and not yet taken.

    Args:
        limit: Bytes above which nothing is begun; above twice as many, nothing goes on.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0
        self._changed = asyncio.Event()

    async def wait(self, load: Load) -> None:
        """Wait until an image may be begun."""
        await self._wait(load, self._limit)

    async def grow(self, load: Load, num_bytes: int, deadline: Deadline) -> None:
        """Say that an image holds so many bytes now, and wait until it may get more."""
        self.hold(load, num_bytes)
        if self._held > 2 * self._limit and not load.is_urgent:
            async with deadline.paused():
                await self._wait(load, 2 * self._limit)

    def hold(self, load: Load, num_bytes: int) -> None:
        """Say that an image holds so many bytes now; 0 gives them back."""
        self._held += num_bytes - load.num_bytes
        load.num_bytes = num_bytes
        self._changed.set()

    async def _wait(self, load: Load, limit: int) -> None:
        while self._held > limit and not load.is_urgent:
            self._changed.clear()
            await self._changed.wait()

    def hurry(self, load: Load) -> None:
        """Say that somebody waits for this image."""
        load.is_urgent = True
        self._changed.set()
        if load.place is not None and not load.place.done():
            load.place.set_result(False)


def now() -> float:
    """Return the seconds of the running loop's clock."""
    return asyncio.get_running_loop().time()
