"""Images from the web: the only module that knows aiohttp.

A URL in a table is somebody else's input, and so is every answer. Nothing is believed: not the
name, not the redirect, not the length.
"""

import asyncio
import socket
from typing import cast

import aiohttp
from aiohttp.resolver import ThreadedResolver

from pairsift import __version__
from pairsift.config import SourceConfig
from pairsift.errors import ImageError, UsageError
from pairsift.sources.addresses import BlockedAddressError, open_public_socket
from pairsift.sources.inline import check_size
from pairsift.sources.loads import Deadline, Load
from pairsift.sources.names import NameThreads
from pairsift.sources.retries import TryAgainError, delay_seconds, parse_retry_after
from pairsift.sources.robots import AGENT, forbidding_directive
from pairsift.sources.turns import Turns
from pairsift.sources.urls import Target, check_url, named_places
from pairsift.statuses import RowStatus

MAX_REDIRECTS = 5
CONNECT_SECONDS = 10.0  # for one address; a dead one must leave time for another attempt
DNS_SECONDS = 300  # how long an answer is kept; the socket is checked whatever it said
CHUNK_BYTES = 64 * 1024
# Idle connections of many hosts would use up the files that a process may open.
KEEP_SECONDS = 1.0

REDIRECTS = frozenset({301, 302, 303, 307, 308})
PASSING = frozenset({408, 425, 429})  # and 5xx: may be different a moment later
DENYING = frozenset({401, 402, 403, 407, 451})
MISSING = frozenset({404, 410})


class WebClient:
    """Fetches URLs; lives on one event loop.

    Args:
        config: Limits, named hosts and manners.
        max_bytes: Of an image.
        turns: Gives out the connections.
    """

    def __init__(self, config: SourceConfig, *, max_bytes: int, turns: Turns) -> None:
        self._config = config
        self._max_bytes = max_bytes
        self._turns = turns
        self._named = named_places(config)
        # Two sessions with a pool each: no connection of a named host is ever used for another.
        self._public = _session(config, is_guarded=True)
        self._open = _session(config, is_guarded=False)

    async def close(self) -> None:
        """Close every connection."""
        await self._public.close()
        await self._open.close()

    async def fetch(self, url: str, load: Load) -> bytes:
        """Return what a URL leads to.

        Args:
            url: As it stands in the table.
            load: Counts the bytes.

        Raises:
            ImageError: It is not to be had; says why.
        """
        deadline = Deadline(self._config.fetch_timeout_seconds)
        attempt, last = 0, None
        try:
            while True:
                try:
                    return await self._follow(url, load, deadline)
                except TryAgainError as again:
                    last = again.failure
                    self._turns.room.hold(load, 0)
                    wait = again.retry_after
                    if wait is None:
                        wait = delay_seconds(url, attempt)
                    if attempt == self._config.fetch_retries or wait >= deadline.left:
                        raise last from again
                attempt += 1
                await asyncio.sleep(wait)
                deadline.left -= wait
        except TimeoutError as error:
            seconds = self._config.fetch_timeout_seconds
            reason = f"not here within {seconds:g} seconds{f'; before: {last}' if last else ''}"
            raise ImageError(RowStatus.IMAGE_FETCH_TIMEOUT, reason) from error

    async def _follow(self, url: str, load: Load, deadline: Deadline) -> bytes:
        target = check_url(url, self._named)
        for _ in range(MAX_REDIRECTS + 1):
            async with self._turns.turn(target.place, load), deadline.running():
                result = await self._ask(target, load, deadline)
            if isinstance(result, bytes):
                return result
            target = result
        raise ImageError(RowStatus.IMAGE_HTTP_ERROR, f"more than {MAX_REDIRECTS} redirects")

    async def _ask(self, target: Target, load: Load, deadline: Deadline) -> bytes | Target:
        """Return the body, or where a redirect leads to."""
        session = self._open if target.is_named else self._public
        try:
            async with session.get(target.url, allow_redirects=False) as response:
                try:
                    if response.status in REDIRECTS:
                        location = response.headers.get("Location", "")
                        return check_url(location, self._named, base=target.url)
                    self._check_answer(response)
                    return await self._body(response, load, deadline)
                finally:
                    # What is left unread is not waited for, and its connection not used again.
                    if not response.content.at_eof():
                        response.close()
        except aiohttp.ClientError as error:
            raise _failure(error) from error
        except ImageError:  # a ValueError too
            raise
        except ValueError as error:
            reason = _plain(f"malformed URL or answer: {error}")
            raise ImageError(RowStatus.IMAGE_HTTP_ERROR, reason) from error

    def _check_answer(self, response: aiohttp.ClientResponse) -> None:
        code = response.status
        words = _plain(f"HTTP {code} {response.reason or ''}", 100)
        if code in PASSING or code >= 500:
            after = parse_retry_after(response.headers.get("Retry-After"))
            if after is not None:
                words += f", not to be asked for {after:.0f} s"
            failure = ImageError(RowStatus.IMAGE_HTTP_ERROR, words)
            raise TryAgainError(failure, after, is_busy=code == 429 or after is not None)
        if code in MISSING:
            raise ImageError(RowStatus.IMAGE_NOT_FOUND, words)
        if code in DENYING:
            raise ImageError(RowStatus.IMAGE_DENIED, words)
        if code in (204, 205):
            raise ImageError(RowStatus.IMAGE_EMPTY, words)
        if code not in (200, 203):
            raise ImageError(RowStatus.IMAGE_HTTP_ERROR, words)
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding not in ("", "identity"):
            reason = f"the body is packed ({_plain(encoding, 40)}), though nobody asked for that"
            raise ImageError(RowStatus.IMAGE_HTTP_ERROR, reason)
        directive = forbidding_directive(response.headers.getall("X-Robots-Tag", []))
        if directive is not None and not self._config.ignore_robots:
            reason = f"X-Robots-Tag: {directive} (hint: --ignore-robots)"
            raise ImageError(RowStatus.IMAGE_OPTED_OUT, reason)
        # An announcement is believed only where it speaks against itself.
        check_size(response.content_length or 0, self._max_bytes)

    async def _body(
        self, response: aiohttp.ClientResponse, load: Load, deadline: Deadline
    ) -> bytes:
        body = bytearray()
        async for chunk in response.content.iter_chunked(CHUNK_BYTES):
            body += chunk
            check_size(len(body), self._max_bytes)
            await self._turns.room.grow(load, len(body), deadline)
        if not body:
            raise ImageError(RowStatus.IMAGE_EMPTY, "the body has no bytes")
        return bytes(body)


def user_agent(contact: str) -> str:
    """Return how pairsift introduces itself.

    Raises:
        UsageError: The contact cannot stand in a header.

    Example:
        >>> user_agent("https://example.org/crawl").endswith(" (https://example.org/crawl)")
        True
    """
    if not contact.isascii() or not contact.isprintable():
        message = f"--contact {contact!r}: give an e-mail or a page, in plain ASCII"
        raise UsageError(message)
    return f"{AGENT}/{__version__} ({contact or 'no contact given'})"


def _session(config: SourceConfig, *, is_guarded: bool) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(
        limit=0,  # the turns are the limit
        resolver=ThreadedResolver(cast("asyncio.AbstractEventLoop", NameThreads())),
        ttl_dns_cache=DNS_SECONDS,
        keepalive_timeout=KEEP_SECONDS,
        socket_factory=open_public_socket if is_guarded else None,
    )
    return aiohttp.ClientSession(
        connector=connector,
        headers={"User-Agent": user_agent(config.contact), "Accept-Encoding": "identity"},
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,  # neither proxies nor passwords of the environment
    )


def _failure(error: aiohttp.ClientError) -> ImageError | TryAgainError:
    """Return what a row gets for an error of aiohttp, or that it may pass."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else None
    if isinstance(cause, BlockedAddressError):
        return ImageError(RowStatus.IMAGE_BLOCKED, f"{cause.strerror}: {_plain(str(error))}")
    words = _plain(f"{type(error).__name__}: {error}")
    if isinstance(error, aiohttp.InvalidURL):
        return ImageError(RowStatus.IMAGE_NOT_ALLOWED, _plain(f"malformed URL: {error}"))
    if isinstance(error, aiohttp.ClientResponseError):
        return ImageError(RowStatus.IMAGE_HTTP_ERROR, f"not HTTP as it should be: {words}")
    failure = ImageError(RowStatus.IMAGE_FETCH_FAILED, words)
    is_for_good = isinstance(error, aiohttp.ClientSSLError) or (
        isinstance(error, aiohttp.ClientConnectorDNSError)
        and getattr(cause, "errno", None) != socket.EAI_AGAIN
    )
    if is_for_good:
        return failure
    return TryAgainError(failure, is_silent=isinstance(error, aiohttp.ServerTimeoutError))


def _plain(text: str, length: int = 300) -> str:
    """Return words that a server had a hand in, as one short printable line."""
    return "".join(c if c.isprintable() else " " for c in text)[:length].rstrip()
