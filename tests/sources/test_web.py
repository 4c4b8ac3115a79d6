"""A hostile web: the right status for each trick, and nobody stalls anybody else."""

import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import trustme
from aiohttp.abc import ResolveResult

from pairsift import __version__
from pairsift.config import ImageConfig, SourceConfig
from pairsift.errors import ImageError
from pairsift.sources import Sources, addresses, urls, web
from pairsift.statuses import RowStatus
from tests.hostile_web import PICTURE, HostileWeb

DEADLINE = 3.0
PATIENCE = 60.0  # for what must not time out, on a busy machine; a stall would be an hour


@pytest.fixture
def server() -> Iterator[HostileWeb]:
    with HostileWeb() as running:
        yield running


def settings(*servers: HostileWeb) -> SourceConfig:
    return SourceConfig(
        allow_urls=True,
        allow_host=tuple(server.place for server in servers),
        fetch_timeout_seconds=DEADLINE,
    )


def patient(*servers: HostileWeb) -> SourceConfig:
    return replace(settings(*servers), fetch_timeout_seconds=PATIENCE)


def outcome(sources: Sources, url: str) -> RowStatus:
    try:
        data = sources.read(url.encode())
    except ImageError as error:
        # Every refusal has words, and no server makes them long.
        return error.status if 0 < len(error.reason) < 600 else RowStatus.ROW_MALFORMED
    return RowStatus.OK if data == PICTURE else RowStatus.IMAGE_CORRUPT


def status_of(root: Path, url: str, config: SourceConfig) -> RowStatus:
    with closing(Sources(root, ImageConfig(max_image_bytes=1_000_000), config)) as sources:
        return outcome(sources, url)


TRICKS = {
    "/good": RowStatus.OK,
    "/redirect?to=/good": RowStatus.OK,
    "/redirect?left=4&to=/good": RowStatus.OK,
    "/redirect?left=5&to=/good": RowStatus.IMAGE_HTTP_ERROR,
    "/redirect?to=file:///etc/passwd": RowStatus.IMAGE_NOT_ALLOWED,
    "/redirect?to=ftp://127.0.0.1/a": RowStatus.IMAGE_NOT_ALLOWED,
    "/redirect?to=data:image/gif;base64,R0lGODlh": RowStatus.IMAGE_NOT_ALLOWED,
    "/redirect?to=http://user:secret@example.org/": RowStatus.IMAGE_NOT_ALLOWED,
    "/redirect?to=http://127.0.0.1:9/": RowStatus.IMAGE_NOT_ALLOWED,
    "/redirect?to=http://127.0.0.1/": RowStatus.IMAGE_BLOCKED,
    "/redirect?to=http://[::1]/": RowStatus.IMAGE_BLOCKED,
    "/redirect?to=http://169.254.169.254/latest/meta-data/": RowStatus.IMAGE_BLOCKED,
    "/redirect?to=http://[": RowStatus.IMAGE_NOT_ALLOWED,
    "/redirect?to=%20": RowStatus.IMAGE_HTTP_ERROR,  # to itself, again and again
    "/loop": RowStatus.IMAGE_HTTP_ERROR,
    "/endless": RowStatus.IMAGE_TOO_LARGE,
    "/huge": RowStatus.IMAGE_TOO_LARGE,
    "/short": RowStatus.IMAGE_FETCH_FAILED,
    "/close": RowStatus.IMAGE_FETCH_FAILED,
    "/bomb": RowStatus.IMAGE_HTTP_ERROR,
    "/busy?after=0": RowStatus.OK,
    "/busy/a?after=1": RowStatus.OK,
    "/busy/b?after=date": RowStatus.OK,
    "/busy/c?after=3600": RowStatus.IMAGE_HTTP_ERROR,
    "/busy/d?code=500&times=2": RowStatus.OK,
    "/busy/e?code=500&times=3": RowStatus.IMAGE_HTTP_ERROR,
    "/busy/f?code=503&after=nonsense": RowStatus.OK,
    "/robots?says=noai": RowStatus.IMAGE_OPTED_OUT,
    "/robots?says=nofollow": RowStatus.OK,
    "/headers": RowStatus.IMAGE_HTTP_ERROR,
    "/many": RowStatus.IMAGE_HTTP_ERROR,
    "/garbage": RowStatus.IMAGE_HTTP_ERROR,
    "/empty": RowStatus.IMAGE_EMPTY,
    "/status/204?body=": RowStatus.IMAGE_EMPTY,
    "/status/206": RowStatus.IMAGE_HTTP_ERROR,
    "/status/304": RowStatus.IMAGE_HTTP_ERROR,
    "/status/400": RowStatus.IMAGE_HTTP_ERROR,
    "/status/401": RowStatus.IMAGE_DENIED,
    "/status/403": RowStatus.IMAGE_DENIED,
    "/status/404": RowStatus.IMAGE_NOT_FOUND,
    "/status/410": RowStatus.IMAGE_NOT_FOUND,
}


def outcomes(root: Path, urls: Sequence[str], config: SourceConfig) -> list[RowStatus]:
    """Read all, on two threads: as many as decode on a small machine."""
    with closing(Sources(root, ImageConfig(max_image_bytes=1_000_000), config)) as sources:
        sources.expect(url.encode() for url in urls)
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(partial(outcome, sources), urls))


def test_every_trick_has_its_status(tmp_path: Path, server: HostileWeb) -> None:
    config = replace(settings(server), connections_per_host=100, fetch_timeout_seconds=PATIENCE)
    urls = [server.url(path) for path in TRICKS]
    assert dict(zip(TRICKS, outcomes(tmp_path, urls, config), strict=True)) == TRICKS


def test_slow_ones_stall_nobody(tmp_path: Path, server: HostileWeb) -> None:
    with HostileWeb() as alive:
        config = replace(settings(server, alive), connections_per_host=100)
        slow = [server.url(f"/{kind}/{i}") for i in range(20) for kind in ("drip", "hang")]
        # The good ones stand last, behind more slow ones than there are threads.
        good = [alive.url(f"/good/{index}") for index in range(20)]
        begin = time.monotonic()
        found = outcomes(tmp_path, [*slow, *good], config)
    assert found == [RowStatus.IMAGE_FETCH_TIMEOUT] * 40 + [RowStatus.OK] * 20
    assert time.monotonic() - begin < DEADLINE + PATIENCE


@pytest.mark.parametrize("then", ["close", "keep-alive"])
def test_more_than_was_announced(tmp_path: Path, server: HostileWeb, then: str) -> None:
    # Whether the rest is seen at all depends on when it comes; never is it part of the image.
    status = status_of(tmp_path, server.url(f"/long?then={then}"), patient(server))
    assert status in (RowStatus.IMAGE_HTTP_ERROR, RowStatus.IMAGE_CORRUPT)


def test_what_is_sent(tmp_path: Path, server: HostileWeb) -> None:
    config = replace(patient(server), contact="crawl@example.org")
    assert status_of(tmp_path, server.url("/redirect?to=/good"), config) is RowStatus.OK
    assert server.agents == {f"pairsift/{__version__} (crawl@example.org)"}
    assert set(server.headers) == {"host", "user-agent", "accept", "accept-encoding"}
    assert server.headers["accept-encoding"] == "identity"  # and no cookie, no referer


def test_proxies_of_the_environment_are_ignored(
    tmp_path: Path, server: HostileWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    with HostileWeb() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url("/"))
        monkeypatch.setenv("HTTP_PROXY", proxy.url("/"))
        monkeypatch.setenv("all_proxy", proxy.url("/"))
        assert status_of(tmp_path, server.url("/good"), patient(server)) is RowStatus.OK
        assert proxy.num_accepted == 0


def test_retries_are_counted(tmp_path: Path, server: HostileWeb) -> None:
    config = replace(patient(server), fetch_retries=1)
    assert (
        status_of(tmp_path, server.url("/busy?code=500&times=2"), config)
        is RowStatus.IMAGE_HTTP_ERROR
    )
    assert server.paths["/busy"] == 2
    assert status_of(tmp_path, server.url("/status/403"), config) is RowStatus.IMAGE_DENIED
    assert server.paths["/status/403"] == 1


def test_robots_can_be_ignored(tmp_path: Path, server: HostileWeb) -> None:
    url = server.url("/robots?says=noindex")
    assert status_of(tmp_path, url, patient(server)) is RowStatus.IMAGE_OPTED_OUT
    config = replace(patient(server), ignore_robots=True)
    assert status_of(tmp_path, url, config) is RowStatus.OK


def test_a_certificate_that_nobody_signed(tmp_path: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    with HostileWeb(tls=tls) as server:
        config = patient(server)
        assert status_of(tmp_path, server.url("/good"), config) is RowStatus.IMAGE_FETCH_FAILED
        assert not server.paths
        plain = server.url("/good").replace("https", "http")
        assert status_of(tmp_path, plain, config) is RowStatus.IMAGE_FETCH_FAILED


def test_nobody_listens(tmp_path: Path, server: HostileWeb) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{unused.getsockname()[1]}"
        config = replace(patient(server), allow_host=(place,))
        assert status_of(tmp_path, f"http://{place}/a", config) is RowStatus.IMAGE_FETCH_FAILED


# Private networks.


class FakeNames:
    """A resolver whose answers change."""

    def __init__(self, answers: dict[str, list[list[str]]]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def resolve(self, host: str, port: int, *, family: int) -> list[ResolveResult]:
        self.asked.append(host)
        answers = self.answers[host]
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in found
        ]

    async def close(self) -> None:
        pass


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[HostileWeb]:
    """A private server whose port may be asked, so that only its address speaks against it."""
    with HostileWeb() as private:
        monkeypatch.setattr(urls, "OPEN_PORTS", {80, 443, private.port})
        yield private


LOOPBACKS = [
    "127.0.0.1", "localhost", "127.0.0.2", "2130706433", "0x7f000001", "017700000001", "127.1",
    "0", "0.0.0.0",  # noqa: S104 - not bound to
    "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[::]",
    "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1]", "127.0.0.1.", "\uff11\uff12\uff17.0.0.1",
    "127.0.0.1%2e", "%31%32%37.0.0.1", "0177.0.0.1", "0x7f.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("host", LOOPBACKS)
def test_no_spelling_of_loopback_is_reached(
    tmp_path: Path, listener: HostileWeb, host: str
) -> None:
    config = SourceConfig(allow_urls=True, fetch_timeout_seconds=PATIENCE, fetch_retries=0)
    url = f"http://{host}:{listener.port}/good"
    assert status_of(tmp_path, url, config) in (
        RowStatus.IMAGE_BLOCKED,
        RowStatus.IMAGE_NOT_ALLOWED,  # no URL at all
        RowStatus.IMAGE_FETCH_FAILED,  # no such name
    )
    assert listener.num_accepted == 0


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]", "0x7f.1", "[::1]"]
)
def test_the_usual_spellings_are_called_blocked(
    tmp_path: Path, listener: HostileWeb, server: HostileWeb, host: str
) -> None:
    url = f"http://{host}:{listener.port}/good"
    assert status_of(tmp_path, url, patient()) is RowStatus.IMAGE_BLOCKED
    redirect = server.url(f"/redirect?left=2&to={url}")
    assert status_of(tmp_path, redirect, patient(server)) is RowStatus.IMAGE_BLOCKED
    assert server.num_accepted == 3
    assert listener.num_accepted == 0


def test_the_check_stands_at_every_socket(
    tmp_path: Path, listener: HostileWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The seeded fault of the tests above: without the check they would find the listener, and
    # every connection, to a name or a literal, goes through it.
    seen = []

    def let_through(address: str) -> None:
        seen.append(address)

    monkeypatch.setattr(addresses, "why_not_public", let_through)
    names = FakeNames({"both.test": [["127.0.0.3", "127.0.0.1"]]})
    monkeypatch.setattr(web, "ThreadedResolver", lambda _: names)
    for host in ("127.0.0.1", "both.test"):
        url = f"http://{host}:{listener.port}/good"
        assert status_of(tmp_path, url, patient()) is RowStatus.OK
    assert listener.num_accepted == 2
    assert seen[0] == "127.0.0.1"
    assert set(seen) == {"127.0.0.1", "127.0.0.3"}


def test_a_name_that_turns_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # 127.0.0.2 stands for a public address here: the real ones are out of reach of a test.
    real = addresses.why_not_public
    monkeypatch.setattr(
        addresses, "why_not_public", lambda a: None if a == "127.0.0.2" else real(a)
    )
    monkeypatch.setattr(web, "DNS_SECONDS", 0)
    names = FakeNames({"rebind.test": [["127.0.0.2"], ["127.0.0.1"]]})
    monkeypatch.setattr(web, "ThreadedResolver", lambda _: names)
    with HostileWeb("127.0.0.2") as public, HostileWeb() as private:
        monkeypatch.setattr(urls, "OPEN_PORTS", {public.port, private.port})
        first = f"http://rebind.test:{public.port}"
        there = f"http://rebind.test:{private.port}/good"
        config = SourceConfig(allow_urls=True, fetch_timeout_seconds=PATIENCE)
        assert (
            status_of(tmp_path, f"{first}/redirect?to={there}", config) is RowStatus.IMAGE_BLOCKED
        )
        assert public.num_accepted == 1
        assert private.num_accepted == 0
        assert names.asked == ["rebind.test", "rebind.test"]


@pytest.mark.parametrize("answer", [["127.0.0.1"], ["10.0.0.1", "127.0.0.1"], ["::1", "127.0.0.1"]])
def test_a_name_with_private_addresses_only(
    tmp_path: Path, listener: HostileWeb, monkeypatch: pytest.MonkeyPatch, answer: list[str]
) -> None:
    monkeypatch.setattr(web, "ThreadedResolver", lambda _: FakeNames({"in.test": [answer]}))
    url = f"http://in.test:{listener.port}/good"
    assert status_of(tmp_path, url, patient()) is RowStatus.IMAGE_BLOCKED
    assert listener.num_accepted == 0


def test_a_named_host_opens_itself_only(
    tmp_path: Path, listener: HostileWeb, server: HostileWeb
) -> None:
    config = patient(server)
    assert status_of(tmp_path, server.url("/good"), config) is RowStatus.OK
    there = listener.url("/good")
    assert status_of(tmp_path, there, config) is RowStatus.IMAGE_BLOCKED
    to_it = server.url(f"/redirect?to={there}")
    assert status_of(tmp_path, to_it, config) is RowStatus.IMAGE_BLOCKED
    by_name = f"http://localhost:{server.port}/good"
    assert status_of(tmp_path, by_name, config) is RowStatus.IMAGE_NOT_ALLOWED
    assert listener.num_accepted == 0
