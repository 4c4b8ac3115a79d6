"""Many fetches on one thread: nobody stalls anybody else, and nothing is lost or kept."""

import os
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from pairsift.config import ImageConfig, SourceConfig
from pairsift.errors import ImageError
from pairsift.sources import Sources, door, web
from pairsift.statuses import RowStatus
from tests.hostile_web import PICTURE, HostileWeb

SLACK = 60.0  # seconds of a busy machine; a stall would be an hour


@pytest.fixture
def server() -> Iterator[HostileWeb]:
    with HostileWeb() as running:
        yield running


def settings(*servers: HostileWeb) -> SourceConfig:
    return SourceConfig(allow_urls=True, allow_host=tuple(server.place for server in servers))


def test_a_dead_host_costs_one_deadline_and_stalls_no_other(tmp_path: Path) -> None:
    with HostileWeb() as dead, HostileWeb() as alive:
        config = replace(settings(dead, alive), connections_per_host=2, fetch_timeout_seconds=1.0)
        slow = [dead.url(f"/hang/{index}").encode() for index in range(100)]
        good = [alive.url(f"/good/{index}").encode() for index in range(100)]
        with closing(Sources(tmp_path, ImageConfig(), config)) as sources:
            sources.expect([*slow, *good])
            assert [sources.read(reference) for reference in good] == [PICTURE] * 100
            for reference in slow:
                with pytest.raises(ImageError) as caught:
                    sources.read(reference)
                assert caught.value.status is RowStatus.IMAGE_FETCH_TIMEOUT
        # Each with a deadline of its own would ask a hundred times.
        assert dead.num_accepted <= 5


def test_a_busy_host_is_left_alone_by_all(tmp_path: Path, server: HostileWeb) -> None:
    config = replace(settings(server), connections_per_host=4)
    references = [server.url(f"/limited/{index}").encode() for index in range(40)]
    with closing(Sources(tmp_path, ImageConfig(), config)) as sources:
        sources.expect(references)
        assert [sources.read(reference) for reference in references] == [PICTURE] * 40
    # Each row by itself would ask 36 times in vain in the first second alone.
    assert server.num_accepted <= 40 + 5 * 6


@pytest.mark.parametrize("after", ["1", "3600"])
def test_a_host_that_is_always_busy_is_given_up(
    tmp_path: Path, server: HostileWeb, after: str
) -> None:
    config = replace(settings(server), connections_per_host=2)
    urls = [server.url(f"/busy/{i}?times=99&after={after}") for i in range(50)]
    with closing(Sources(tmp_path, ImageConfig(), config)) as sources:
        sources.expect(url.encode() for url in urls)
        for url in urls:
            with pytest.raises(ImageError) as caught:
                sources.read(url.encode())
            assert caught.value.status is RowStatus.IMAGE_HTTP_ERROR
    assert server.num_accepted <= 20


def test_connections_are_limited_by_host(tmp_path: Path, server: HostileWeb) -> None:
    config = replace(settings(server), connections_per_host=3)
    references = [server.url(f"/good/{index}?wait=0.02").encode() for index in range(30)]
    with closing(Sources(tmp_path, ImageConfig(), config)) as sources:
        sources.expect(references)
        assert [sources.read(reference) for reference in references] == [PICTURE] * 30
    # One more for the thread that waits: what it waits for goes before the limits.
    assert 2 <= server.most_at_once <= 4


def test_little_memory_slows_down_but_loses_nothing(tmp_path: Path, server: HostileWeb) -> None:
    config = replace(settings(server), fetch_ahead_bytes=2 * len(PICTURE))
    references = [server.url(f"/good/{index}").encode() for index in range(40)]
    with closing(Sources(tmp_path, ImageConfig(), config)) as sources:
        sources.expect(references)
        time.sleep(0.5)
        assert server.num_accepted < 20
        assert [sources.read(reference) for reference in reversed(references)] == [PICTURE] * 40


def test_what_two_rows_share_is_fetched_once(tmp_path: Path, server: HostileWeb) -> None:
    reference = server.url("/good?wait=0.2").encode()
    with closing(Sources(tmp_path, ImageConfig(), settings(server))) as sources:
        sources.expect([reference])
        sources.expect([reference])
        assert sources.read(reference) == sources.read(reference) == PICTURE
        assert server.num_accepted == 1
        assert sources.read(reference) == PICTURE
        assert server.num_accepted == 2  # nothing is kept


def test_closing_ends_those_who_wait(tmp_path: Path, server: HostileWeb) -> None:
    config = replace(settings(server), fetch_timeout_seconds=3600)
    sources = Sources(tmp_path, ImageConfig(), config)
    ended = []

    def wait() -> None:
        try:
            sources.read(server.url("/hang").encode())
        except ImageError as error:
            ended.append(error.status)

    thread = threading.Thread(target=wait)
    thread.start()
    while server.num_accepted == 0:
        time.sleep(0.01)
    sources.close()
    thread.join(SLACK)
    assert ended == [RowStatus.IMAGE_FETCH_FAILED]
    # And it can be used again.
    assert sources.read(server.url("/good").encode()) == PICTURE
    sources.close()


def test_whatever_goes_wrong_is_one_row_s_affair(
    tmp_path: Path, server: HostileWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    class PanicError(BaseException):
        """As native code raises it: no Exception."""

    async def panic(*_: object) -> bytes:
        message = "no longer myself"
        raise PanicError(message)

    with closing(Sources(tmp_path, ImageConfig(), settings(server))) as sources:
        with monkeypatch.context() as patch:
            patch.setattr(web.WebClient, "fetch", panic)
            with pytest.raises(ImageError, match="no longer myself"):
                sources.read(server.url("/good").encode())
        assert sources.read(server.url("/good").encode()) == PICTURE


def test_forgetting_gives_the_memory_back(tmp_path: Path, server: HostileWeb) -> None:
    config = replace(settings(server), fetch_ahead_bytes=1)
    with closing(Sources(tmp_path, ImageConfig(), config)) as sources:
        for batch in range(5):
            names = [server.url(f"/good/{batch}/{index}").encode() for index in range(5)]
            sources.expect(names)
            time.sleep(0.05)
            sources.forget()
        # Had anything been kept, this would never begin: nobody waits for it.
        sources.expect([server.url("/good/last").encode()])
        wait_until(lambda: server.paths["/good/last"] > 0)


def test_a_forked_child_fetches_for_itself(tmp_path: Path, server: HostileWeb) -> None:
    with closing(Sources(tmp_path, ImageConfig(), settings(server))) as sources:
        assert sources.read(server.url("/good/parent").encode()) == PICTURE
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12: threads and fork
            child = os.fork()
        if child == 0:
            code = 1
            try:
                code = 0 if sources.read(server.url("/good/child").encode()) == PICTURE else 2
            finally:
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
        assert server.paths["/good/child"] == 1


def test_looking_ahead_fetches_before_anybody_reads(
    tmp_path: Path, server: HostileWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "LOOK_AHEAD", 10)
    batches = [[server.url(f"/good/{at}/{i}").encode() for i in range(4)] for at in range(6)]
    taken = []

    def source() -> Iterator[list[bytes]]:
        for at, batch in enumerate(batches):
            taken.append(at)
            yield batch

    with closing(Sources(tmp_path, ImageConfig(), settings(server))) as sources:
        seen: list[list[bytes]] = []
        for at, batch in enumerate(sources.look_ahead(source(), lambda batch: batch)):
            assert taken[-1] == min(5, at + 2)  # a little more than ten references
            following = {f"/good/{at + 1}/{i}" for i in range(4)}
            wait_until(partial(following.issubset, server.paths))
            if at == 4:
                break
            sources.expect(batch[:3])  # the fourth is not wanted after all
            seen.append([sources.read(reference) for reference in batch[:3]])
        assert seen == [[PICTURE] * 3] * 4
        assert max(server.paths.values()) == 1
        assert sources._fetcher is not None
        assert not sources._fetcher._tickets  # nothing is kept


def test_looking_ahead_holds_back_no_paths(tmp_path: Path) -> None:
    taken = []

    def source() -> Iterator[list[bytes]]:
        for at in range(5):
            taken.append(at)
            yield [b"a.png", b"\xff", b""]

    sources = Sources(tmp_path, ImageConfig(), SourceConfig(allow_urls=True))
    for at, _ in enumerate(sources.look_ahead(source(), lambda batch: batch)):
        assert taken[-1] == at


def wait_until(condition: Callable[[], bool]) -> None:
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() - begin < SLACK
        time.sleep(0.01)
