"""Whose turn it is: so many fetches at once, so many from one host, none from one that is busy.

Everything here lives on one event loop and is called from its thread only.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pairsift.config import SourceConfig
from pairsift.errors import ImageError
from pairsift.sources.loads import Load, Room, now
from pairsift.sources.metering import FetchMeter
from pairsift.sources.retries import FIRST_DELAY_SECONDS, TryAgainError
from pairsift.statuses import RowStatus


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
        """Hold a slot, or go without one where it is urgent; ImageError if sent away."""
        has_slot = await self._enter(load)
        try:
            yield
        finally:
            if has_slot:
                self._leave()

    def send_away(self, failure: ImageError) -> None:
        """Let nobody wait any longer."""
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_exception(ImageError(failure.status, failure.reason))

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
    quiet_until: float = float("-inf")
    num_refused: int = 0


class Turns:
    """Gives out connections.

    Args:
        config: The limits.
        room: Must have room before a fetch begins.
        meter: Counts how the connections are used.
    """

    def __init__(self, config: SourceConfig, room: Room, meter: FetchMeter | None = None) -> None:
        self.room = room
        self._meter = meter or FetchMeter()
        self._config = config
        self._connections = Slots(config.connections)
        self._hosts: dict[str, _Host] = {}

    @asynccontextmanager
    async def turn(
        self, place: str, load: Load, *, at_once: int | None = None
    ) -> AsyncIterator[None]:
        """Hold a connection to a host.

        A host that asks to be left alone for a while is left alone by all. One that lets an image
        run out of time and has answered nobody since that image began, or that refuses all its
        connections through all their attempts, is given up for those who wait: a dead host costs
        one deadline, not one a row.

        Args:
            place: The host, as ``urls.Target`` writes it, or a bucket.
            load: What is to be fetched.
            at_once: Connections to this host (default: those of the config).

        Raises:
            ImageError: The host was given up while this waited.
        """
        per_host = at_once or self._config.connections_per_host
        host = self._hosts.setdefault(place, _Host(Slots(per_host)))
        host.num_inside += 1
        try:
            with self._meter.visit(load) as visit:
                # The host first: those who wait for a slow one hold no connection.
                async with host.slots.slot(load):
                    while (seconds := host.quiet_until - now()) > 0:
                        await asyncio.sleep(seconds)
                    async with self._connections.slot(load):
                        await self.room.wait(load)
                        visit.begin()
                        async with self._watched(host, per_host):
                            yield
        finally:
            host.num_inside -= 1
            self._drop(place)

    @asynccontextmanager
    async def _watched(self, host: _Host, per_host: int) -> AsyncIterator[None]:
        begin = now()
        try:
            yield
        except TimeoutError:
            _give_up_silent(host, begin)
            raise
        except TryAgainError as again:
            if again.is_silent:
                _give_up_silent(host, begin)
            elif again.is_busy:
                wait = FIRST_DELAY_SECONDS if again.retry_after is None else again.retry_after
                if wait < self._config.fetch_timeout_seconds:  # a longer one ends its row only
                    host.quiet_until = max(host.quiet_until, now() + wait)
                host.num_refused += 1
                if host.num_refused >= per_host * (self._config.fetch_retries + 1):
                    host.slots.send_away(again.failure)
            else:
                host.last_answer = now()
            raise
        except ImageError:  # such as 404: an answer too
            host.last_answer, host.num_refused = now(), 0
            raise
        host.last_answer, host.num_refused = now(), 0

    def _drop(self, place: str) -> None:
        """Forget a host that nobody asks and that asks for nothing."""
        host = self._hosts.get(place)
        if host is None or host.num_inside > 0:
            return
        quiet_seconds = host.quiet_until - now()
        if quiet_seconds > 0:
            asyncio.get_running_loop().call_later(quiet_seconds + 1.0, self._drop, place)
        else:
            del self._hosts[place]


def _give_up_silent(host: _Host, begin: float) -> None:
    if host.last_answer < begin:
        reason = "the host answers nobody; other images of it ran out of time"
        host.slots.send_away(ImageError(RowStatus.IMAGE_FETCH_TIMEOUT, reason))
