"""What tests of several folders need."""

from collections.abc import Iterator

import pytest

from tests.s3_server import S3, forget_clouds, running_s3


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    """Run one S3 server for all tests."""
    with running_s3() as url:
        yield url


@pytest.fixture
def s3(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> S3:
    """Return the server, to which the environment leads."""
    forget_clouds(monkeypatch)
    server = S3(s3_url)
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return server
