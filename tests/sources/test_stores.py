"""Object stores, against a real S3 protocol server on loopback."""

import importlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pairsift.config import ImageConfig, SourceConfig
from pairsift.errors import ImageError, MissingExtraError
from pairsift.sources import Sources
from pairsift.statuses import RowStatus
from tests.hostile_web import PICTURE, HostileWeb

KEYS = ("a.jpg", "deep/er/b.jpg", "a b+c%20d&é=?.jpg")
CONFIG = SourceConfig(allow_bucket=("s3://mine", "s3://absent"), fetch_timeout_seconds=20.0)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    # A process of its own: its warnings are not ours.
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(url)
        yield url
    finally:
        server.terminate()
        server.wait(10)


def _wait_for(url: str) -> None:
    for _ in range(300):
        try:
            _ask(url, "GET", "/moto-api/")
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the S3 server does not start")


def _ask(url: str, method: str, path: str) -> None:
    connection = HTTPConnection(urlsplit(url).netloc, timeout=10)
    connection.request(method, path)
    connection.getresponse().read()
    connection.close()


@pytest.fixture
def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    obstore = importlib.import_module("obstore")
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    for name in ("mine", "other"):
        _ask(endpoint, "PUT", f"/{name}")
        store = obstore.store.S3Store(name)
        for key in KEYS:
            obstore.put(store, key, PICTURE)
        obstore.put(store, "empty.jpg", b"")
        obstore.put(store, "large.jpg", bytes(300_000))
    return "s3://mine"


def status_of(root: Path, reference: str, config: SourceConfig = CONFIG) -> RowStatus:
    sources = Sources(root, ImageConfig(max_image_bytes=200_000), config)
    with closing(sources), pytest.raises(ImageError) as caught:
        sources.read(reference.encode())
    assert 0 < len(caught.value.reason) < 500
    return caught.value.status


@pytest.mark.cloud
def test_objects_are_read(tmp_path: Path, bucket: str) -> None:
    references = [f"{bucket}/{key}".encode() for key in KEYS]
    with closing(Sources(tmp_path, ImageConfig(), CONFIG)) as sources:
        sources.expect(references)
        assert [sources.read(reference) for reference in references] == [PICTURE] * 3
        assert sources.read(b"S3://mine/a.jpg") == PICTURE


@pytest.mark.cloud
def test_refusals(tmp_path: Path, bucket: str) -> None:
    assert status_of(tmp_path, f"{bucket}/none.jpg") is RowStatus.IMAGE_NOT_FOUND
    assert status_of(tmp_path, f"{bucket}/empty.jpg") is RowStatus.IMAGE_EMPTY
    assert status_of(tmp_path, f"{bucket}/large.jpg") is RowStatus.IMAGE_TOO_LARGE
    assert status_of(tmp_path, "s3://absent/a.jpg") is RowStatus.IMAGE_NOT_FOUND
    assert status_of(tmp_path, "s3://other/a.jpg") is RowStatus.IMAGE_NOT_ALLOWED
    assert status_of(tmp_path, f"{bucket}/../other/a.jpg") is not RowStatus.OK


@pytest.mark.cloud
def test_denied_and_silent_endpoints(
    tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(CONFIG, fetch_timeout_seconds=2.0, fetch_retries=0)
    with HostileWeb() as server:
        # The endpoint's path stands before the bucket's name, so it chooses the trick.
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url("/status/403"))
        assert status_of(tmp_path, f"{bucket}/403", config) is RowStatus.IMAGE_DENIED
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url("/hang"))
        assert status_of(tmp_path, f"{bucket}/a.jpg", config) is RowStatus.IMAGE_FETCH_TIMEOUT
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url("/drip"))
        assert status_of(tmp_path, f"{bucket}/a.jpg", config) is RowStatus.IMAGE_FETCH_TIMEOUT
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        assert status_of(tmp_path, f"{bucket}/a.jpg", config) is RowStatus.IMAGE_FETCH_FAILED


@pytest.mark.cloud
def test_the_other_two_kinds_of_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = SourceConfig(
        allow_bucket=("gs://good", "az://good", "gs://status", "az://status"), fetch_retries=0
    )
    with HostileWeb() as server:
        for name in ("AZURE_ENDPOINT", "GOOGLE_BASE_URL"):
            monkeypatch.setenv(name, server.url(""))
        for name in ("AZURE", "GOOGLE"):
            monkeypatch.setenv(f"{name}_ALLOW_HTTP", "true")
            monkeypatch.setenv(f"{name}_SKIP_SIGNATURE", "true")
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")
        for scheme in ("gs", "az"):
            with closing(Sources(tmp_path, ImageConfig(), config)) as sources:
                assert sources.read(f"{scheme}://good/a.jpg".encode()) == PICTURE
            for code, status in ((403, RowStatus.IMAGE_DENIED), (404, RowStatus.IMAGE_NOT_FOUND)):
                assert status_of(tmp_path, f"{scheme}://status/{code}", config) is status


def test_the_missing_extra_names_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(MissingExtraError, match=r'pip install "pairsift\[cloud\]"'):
        Sources(tmp_path, ImageConfig(), CONFIG)
