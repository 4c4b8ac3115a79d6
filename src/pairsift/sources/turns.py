"""Whose turn it is: so many fetches at once, so many from one host, so many bytes in memory.

Everything here lives on one event loop and is called from its thread only.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pairsift.config import SourceConfig
from pairsift.sources.retries import TryAgainError


@dataclass(eq=False)
class Load:
    """One image on its way.

    Args:
        num_bytes: What it holds of the memory.
        is_urgent: Somebody waits for it right now, so it goes before all limits; otherwise he
            who makes room by taking images in order could wait for one that has no room.
        place: Where it stands in a queue.
    """

    num_bytes: int = 0
    is_urgent: bool = False
    place: "asyncio.Future[bool] | None" = None


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
        begin = _now()
        try:
            async with asyncio.timeout(max(0.0, self.left)) as self._timeout:
                yield
        finally:
            self.left -= _now() - begin

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Stop counting inside ``running``."""
        timeout, begin = self._timeout, _now()
        when = timeout.when() if timeout is not None else None
        if timeout is None or when is None:
            yield
            return
        timeout.reschedule(None)
        try:
            yield
        finally:
            self.left += _now() - begin
            timeout.reschedule(when + _now() - begin)


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


class Slots:
    """So many at once; who comes first goes first.

    Args:
        free: How many.
    """

    def __init__(self, free: int) -> None:
        self.free = free
        self._waiting: deque[asyncio.Future[bool]] = deque()

    @asynccontextmanager
    async def slot(self, load: Load) -> AsyncIterator[None]:
        """Hold a slot, or go without one where it is urgent; TimeoutError if sent away."""
        has_slot = await self._enter(load)
        try:
            yield
        finally:
            if has_slot:
                self._leave()

    def send_away(self) -> None:
        """Let nobody wait any longer."""
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_exception(TimeoutError())

    async def _enter(self, load: Load) -> bool:
        if self.free > 0:
            self.free -= 1
            return True
        if load.is_urgent:
            return False
        load.place = asyncio.get_running_loop().create_future()
        self._waiting.append(load.place)
        try:
            return await load.place
        except asyncio.CancelledError:
            if load.place.done() and not load.place.cancelled() and load.place.result():
                self._leave()
            raise

    def _leave(self) -> None:
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(True)
                return
        self.free += 1


@dataclass
class _Host:
    slots: Slots
    num_inside: int = 0
    last_answer: float = float("-inf")


class Turns:
    """Gives out connections.

    Args:
        config: The limits.
        room: Must have room before a fetch begins.
    """

    def __init__(self, config: SourceConfig, room: Room) -> None:
        self.room = room
        self._per_host = config.connections_per_host
        self._connections = Slots(config.connections)
        self._hosts: dict[str, _Host] = {}

    @asynccontextmanager
    async def turn(
        self, place: str, load: Load, *, at_once: int | None = None
    ) -> AsyncIterator[None]:
        """Hold a connection to a host.

        When a host lets one run out of time and has answered nobody since that one began, those
        who wait for it are sent away: a dead host costs one deadline, not one a row.

        Args:
            place: The host, as ``urls.Target`` writes it, or a bucket.
            load: What is to be fetched.
            at_once: Connections to this host (default: those of the config).

        Raises:
            TimeoutError: The host was given up while this waited.
        """
        host = self._hosts.setdefault(place, _Host(Slots(at_once or self._per_host)))
        host.num_inside += 1
        try:
            # The host first: those who wait for a slow one hold no connection.
            async with host.slots.slot(load), self._connections.slot(load):
                await self.room.wait(load)
                async with _watched(host):
                    yield
        finally:
            host.num_inside -= 1
            if host.num_inside == 0:
                self._hosts.pop(place, None)


@asynccontextmanager
async def _watched(host: _Host) -> AsyncIterator[None]:
    begin, is_silent = _now(), False
    try:
        yield
    except TimeoutError:
        is_silent = True
        raise
    except TryAgainError as again:
        is_silent = again.is_silent
        raise
    finally:
        if not is_silent:
            host.last_answer = _now()
        elif host.last_answer < begin:
            host.slots.send_away()


def _now() -> float:
    return asyncio.get_running_loop().time()
