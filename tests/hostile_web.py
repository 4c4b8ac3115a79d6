"""A web server on loopback that does what servers should not, and counts who came."""

import asyncio
import gzip
import ssl
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from io import BytesIO
from time import monotonic, time
from types import TracebackType
from urllib.parse import parse_qs, urlsplit

from PIL import Image


@dataclass(frozen=True)
class Visit:
    """One request; ``times`` says the how manyth of its path."""

    web: "HostileWeb"
    path: str
    query: dict[str, str]
    times: int


def picture(colour: str = "red", side: int = 40) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (side, side), colour).save(buffer, "PNG")
    return buffer.getvalue()


PICTURE = picture()
BOMB = gzip.compress(bytes(100_000_000), 1)


class HostileWeb:
    """Serves while the context lasts.

    Args:
        host: Address to listen at.
        tls: For https.

    ``num_accepted`` counts connections, ``paths`` requests by path, ``headers`` keeps the last
    request's; ``most_at_once`` is the highest number of open connections.
    """

    def __init__(self, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self.host = host
        self.port = 0
        self.num_accepted = 0
        self.num_open = 0
        self.most_at_once = 0
        self.paths: Counter[str] = Counter()
        self.headers: dict[str, str] = {}
        self.agents: set[str] = set()
        self.num_left, self.window_ends = 0, 0.0
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def place(self) -> str:
        return f"{self.host}:{self.port}"

    def url(self, path: str) -> str:
        return f"{'https' if self._tls else 'http'}://{self.place}{path}"

    def __enter__(self) -> "HostileWeb":
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, self.host, 0, ssl=self._tls)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.num_accepted += 1
        self.num_open += 1
        self.most_at_once = max(self.most_at_once, self.num_open)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.rstrip().split("\r\n")
            fields = [line.partition(": ") for line in lines]
            self.headers = {name.lower(): value for name, _, value in fields}
            self.agents.add(self.headers.get("user-agent", ""))
            parts = urlsplit(first.split(" ")[1])
            self.paths[parts.path] += 1
            query = {
                key: values[0]
                for key, values in parse_qs(parts.query, keep_blank_values=True).items()
            }
            name = parts.path.split("/")[1]
            await asyncio.sleep(float(query.get("wait", "0")))
            writer.write(ANSWERS[name](Visit(self, parts.path, query, self.paths[parts.path])))
            await writer.drain()
            tail, pause = TAILS.get(name, (b"", -1.0))
            while pause >= 0:
                writer.write(tail)
                await writer.drain()
                await asyncio.sleep(pause)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.num_open -= 1
            writer.close()


def answer(code: int, body: bytes = b"", **headers: str | int) -> bytes:
    """Return a whole answer; ``length`` replaces the Content-Length, None leaves it out."""
    fields = {"content-length": len(body), "connection": "close"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value != "")
    return f"HTTP/1.1 {code} Words\r\n{lines}\r\n".encode() + body


def stale(visit: Visit) -> bytes:
    """Answer with an error so many times, then with the picture."""
    if visit.times > int(visit.query.get("times", "1")):
        return answer(200, PICTURE)
    after = visit.query.get("after", "")
    after = formatdate(time() + 2, usegmt=True) if after == "date" else after
    return answer(int(visit.query.get("code", "429")), retry_after=after)


def redirect(visit: Visit) -> bytes:
    left, to = int(visit.query.get("left", "0")), visit.query["to"]
    location = f"/redirect?left={left - 1}&to={to}" if left else to
    return answer(302, location=location, set_cookie="a=b")


def limited(visit: Visit) -> bytes:
    """Answer eight requests a second, and tell the rest to come back in a second."""
    web = visit.web
    if monotonic() >= web.window_ends:
        web.num_left, web.window_ends = 8, monotonic() + 1.0
    web.num_left -= 1
    return answer(200, PICTURE) if web.num_left >= 0 else answer(429, retry_after=1)


ANSWERS: dict[str, Callable[[Visit], bytes]] = {
    # Of object stores a client expects the last two.
    "good": lambda _: answer(
        200, PICTURE, etag='"1"', last_modified="Thu, 01 Jan 2026 00:00:00 GMT"
    ),
    "empty": lambda _: answer(200),
    "status": lambda visit: answer(
        int(visit.path.rsplit("/", 1)[1]), visit.query.get("body", "words").encode()
    ),
    "redirect": redirect,
    "loop": lambda _: answer(301, location="/loop"),
    "short": lambda _: answer(200, PICTURE[:50], content_length=len(PICTURE)),
    "long": lambda visit: answer(
        200, PICTURE + b"x" * 10_000, content_length=50, connection=visit.query["then"]
    ),
    "bomb": lambda _: answer(200, BOMB, content_encoding="gzip"),
    "busy": stale,
    "limited": limited,
    "robots": lambda visit: answer(200, PICTURE, x_robots_tag=visit.query["says"]),
    "headers": lambda _: answer(200, PICTURE, x_much="x" * 1_000_000),
    "many": lambda _: answer(200, PICTURE, **{f"x-{index}": "y" for index in range(50_000)}),
    "garbage": lambda _: b"\x16\x03\x01 this is no answer\r\n\r\n" * 10,
    "close": lambda _: b"",
    "hang": lambda _: b"",
    "huge": lambda _: answer(200, PICTURE, content_length=10**12),
    "drip": lambda _: answer(200, content_length=100_000),
    "endless": lambda _: answer(200, content_length="", transfer_encoding="chunked"),
}
TAILS = {  # after the answer: what is sent for ever, and how long a pause is in between
    "hang": (b"", 3600.0),
    "huge": (b"", 3600.0),
    "drip": (b"\0", 0.05),
    "endless": (b"10000\r\n" + bytes(65536) + b"\r\n", 0.0),
}
