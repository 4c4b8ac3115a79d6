"""Names looked up on threads that nobody waits for at the end.

A name server that does not answer keeps its thread for half a minute, and an interpreter that ends
waits for the threads of ``concurrent.futures``, which asyncio would take.
"""

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

LOOKUPS = 64
"""At once: dead name servers block their threads for long."""


class NameThreads:
    """What aiohttp's ``ThreadedResolver`` asks of an event loop; belongs to the running one."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(LOOKUPS)

    async def getaddrinfo(self, host: str, port: int, **options: Any) -> Any:
        """Return as ``socket.getaddrinfo`` does."""
        return await self._run(partial(socket.getaddrinfo, host, port, **options))

    async def getnameinfo(self, address: Any, flags: int) -> Any:
        """Return as ``socket.getnameinfo`` does."""
        return await self._run(partial(socket.getnameinfo, address, flags))

    async def _run(self, look_up: Callable[[], Any]) -> Any:
        loop = asyncio.get_running_loop()
        async with self._free:
            answer: asyncio.Future[Any] = loop.create_future()

            def tell(result: Any, error: Exception | None) -> None:
                if answer.done():  # given up
                    return
                if error is None:
                    answer.set_result(result)
                else:
                    answer.set_exception(error)

            def work() -> None:
                result, error = None, None
                try:
                    result = look_up()
                except Exception as caught:  # noqa: BLE001 - raised where somebody waits for it
                    error = caught
                with suppress(RuntimeError):  # the loop was closed meanwhile
                    loop.call_soon_threadsafe(tell, result, error)

            threading.Thread(target=work, name="names", daemon=True).start()
            return await answer
