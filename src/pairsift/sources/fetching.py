"""Fetches on one background thread, ahead of those who will read.

Many images are on their way at once, however few threads decode: a slow host costs its own rows
time, and nobody else's.
"""

import asyncio
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pairsift.config import SourceConfig
from pairsift.errors import ImageError
from pairsift.objects import SCHEMES, import_obstore
from pairsift.sources.buckets import named_buckets
from pairsift.sources.loads import Load, Room
from pairsift.sources.metering import FetchMeter
from pairsift.sources.turns import Turns
from pairsift.sources.urls import named_places
from pairsift.sources.web import WebClient, user_agent
from pairsift.statuses import RowStatus

if TYPE_CHECKING:
    from pairsift.sources.stores import StoreClient

CLOSE_SECONDS = 5.0  # for connections to end; after that the thread is left behind


@dataclass(eq=False)
class _Ticket:
    future: "Future[bytes]"
    load: Load
    num_readers: int = 0


class Fetcher:
    """Fetches URLs and objects; safe to call from many threads.

    Args:
        config: Limits and manners.
        max_bytes: Of an image.

    ``meter`` counts how the connections are used.

    Raises:
        MissingExtraError, UsageError: As ``check_options``.
    """

    def __init__(self, config: SourceConfig, *, max_bytes: int) -> None:
        self.meter = FetchMeter()
        self._config = config
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._tickets: dict[str, _Ticket] = {}
        self._clients: dict[str, WebClient | StoreClient] = {}
        self._room = Room(config.fetch_ahead_bytes)
        self._turns = Turns(config, self._room, self.meter)
        self._is_closed = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fetch", daemon=True)
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()
        except BaseException:
            self.close()
            raise

    def expect(self, references: Iterable[str]) -> None:
        """Begin to fetch; each is to be read once for each time that it was expected."""
        with self._lock:
            for reference in references:
                self._ticket(reference).num_readers += 1

    def unexpect(self, references: Iterable[str]) -> None:
        """Take back that these will be read, once for each time that they are named here."""
        for reference in references:
            with self._lock:
                ticket = self._tickets.get(reference)
            if ticket is not None:
                self._drop_reader(reference, ticket)

    def read(self, reference: str) -> bytes:
        """Return the bytes of a reference, expected or not; waits for them.

        Raises:
            ImageError: They are not to be had; says why.
        """
        with self._lock:
            is_expected = reference in self._tickets
            ticket = self._ticket(reference)
            ticket.num_readers += not is_expected
        self._call(self._room.hurry, ticket.load)
        failure: BaseException | None
        try:
            failure = ticket.future.exception()
        except CancelledError:
            failure = _given_up()
        finally:
            self._drop_reader(reference, ticket)
        # A fresh one: several rows may wait for it, and the old one keeps its frames alive.
        if isinstance(failure, ImageError):
            raise ImageError(failure.status, failure.reason)
        if failure is not None:
            # Whatever it is; native code may raise what is no Exception. One row ends no job.
            reason = f"{type(failure).__name__}: {str(failure)[:250]}"
            raise ImageError(RowStatus.IMAGE_FETCH_FAILED, reason)
        return ticket.future.result()

    def forget(self) -> None:
        """Give up everything that was expected and not yet read."""
        with self._lock:
            tickets = list(self._tickets.values())
            self._tickets.clear()
        for ticket in tickets:
            self._release(ticket)

    def close(self) -> None:
        """End every fetch; those who wait are told so."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
        self.forget()
        with suppress(TimeoutError):
            closing = asyncio.run_coroutine_threadsafe(self._shut(), self._loop)
            closing.result(CLOSE_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CLOSE_SECONDS)
        if not self._thread.is_alive():
            self._loop.close()

    def _ticket(self, reference: str) -> _Ticket:
        """Return what stands for a reference, begun if it is new; the lock is held."""
        if self._is_closed:
            raise _given_up()
        ticket = self._tickets.get(reference)
        if ticket is None:
            load = Load()
            fetch = self._client_of(reference).fetch(reference, load)
            ticket = _Ticket(asyncio.run_coroutine_threadsafe(fetch, self._loop), load)
            self._tickets[reference] = ticket
        return ticket

    def _client_of(self, reference: str) -> "WebClient | StoreClient":
        if reference.partition(":")[0].lower() not in SCHEMES:
            return self._clients["web"]
        if "bucket" not in self._clients:
            from pairsift.sources.stores import StoreClient

            self._clients["bucket"] = StoreClient(
                self._config, max_bytes=self._max_bytes, turns=self._turns
            )
        return self._clients["bucket"]

    def _drop_reader(self, reference: str, ticket: _Ticket) -> None:
        """Give up the fetch and its memory where nobody else will read."""
        with self._lock:
            ticket.num_readers -= 1
            is_last = ticket.num_readers == 0
            if is_last and self._tickets.get(reference) is ticket:
                del self._tickets[reference]
        if is_last:
            self._release(ticket)

    def _release(self, ticket: _Ticket) -> None:
        # In this order: what is still under way must not take memory again.
        ticket.future.cancel()
        self._call(self._room.hold, ticket.load, 0)

    def _call(self, function: Callable[..., None], *arguments: Any) -> None:
        with suppress(RuntimeError):  # the loop was closed meanwhile
            self._loop.call_soon_threadsafe(function, *arguments)

    async def _open(self) -> None:
        client = WebClient(self._config, max_bytes=self._max_bytes, turns=self._turns)
        self._clients["web"] = client

    async def _shut(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for client in self._clients.values():
            await client.close()


def check_options(config: SourceConfig) -> None:
    """Refuse options that cannot work, before anything is fetched.

    Raises:
        MissingExtraError: Buckets are named, and what reads them is not installed.
        UsageError: An option makes no sense.
    """
    named_places(config)
    user_agent(config.contact)
    if named_buckets(config):
        import_obstore()


def _given_up() -> ImageError:
    return ImageError(RowStatus.IMAGE_FETCH_FAILED, "given up: the job ends")
