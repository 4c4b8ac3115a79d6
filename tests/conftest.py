"""What tests of several folders need."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.s3_server import S3, forget_clouds, running_s3


@pytest.fixture(scope="session", autouse=True)
def ctrl_c() -> None:
    """Take Ctrl-C for what it is.

    A shell that starts the tests in its background has them ignore it, and what they start as well.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    """Run one S3 server for all tests."""
    with running_s3() as url:
        yield url


@pytest.fixture
def s3(s3_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> S3:
    """Return the server, to which the environment leads; tables are staged in a new folder."""
    forget_clouds(monkeypatch)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    server = S3(s3_url)
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return server
