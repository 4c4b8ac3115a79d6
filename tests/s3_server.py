"""A real S3 protocol server on loopback, as a process of its own: its warnings are not ours."""

import importlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest


class S3:
    """What tests do to the server beside the code that they test.

    Args:
        url: Of the server.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._obstore: Any = importlib.import_module("obstore")

    @property
    def environment(self) -> dict[str, str]:
        """What leads obstore to it."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
        }

    def make_bucket(self, name: str) -> None:
        """Make an empty bucket; what was in one of that name stays."""
        ask(self.url, "PUT", f"/{name}")

    def put(self, bucket: str, key: str, data: bytes | Path) -> None:
        """Write an object."""
        self._obstore.put(self._open(bucket), key, data)

    def read(self, bucket: str, key: str) -> bytes:
        """Return an object's bytes."""
        return bytes(self._obstore.get(self._open(bucket), key).bytes())

    def delete(self, bucket: str, key: str) -> None:
        """Remove an object."""
        self._obstore.delete(self._open(bucket), key)

    def keys(self, bucket: str, folder: str = "") -> list[str]:
        """Return the keys below a folder, sorted."""
        pages = self._obstore.list(self._open(bucket), folder or None)
        return sorted(entry["path"] for page in pages for entry in page)

    def put_folder(self, bucket: str, prefix: str, folder: Path) -> None:
        """Write every file of a folder."""
        for path in folder.rglob("*"):
            if path.is_file():
                key = f"{prefix}/{path.relative_to(folder).as_posix()}"
                self.put(bucket, key, path.read_bytes())

    def _open(self, bucket: str) -> Any:
        return self._obstore.store.S3Store(bucket)


@contextmanager
def running_s3() -> Iterator[str]:
    """Run a server, and yield its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(url)
        yield url
    finally:
        server.terminate()
        server.wait(10)


@contextmanager
def refusing_s3(code: int) -> Iterator[str]:
    """Run a server that answers everything with one error code, and yield its URL."""

    class Refusal(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65537)
            if self.raw_requestline and self.parse_request():
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                body = b"" if self.command == "HEAD" else b"<Error><Code>Refused</Code></Error>"
                self.send_response(code)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
            del format, args

    with ThreadingHTTPServer(("127.0.0.1", 0), Refusal) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def forget_clouds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take what is set on this machine out of the environment."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)


def ask(url: str, method: str, path: str) -> None:
    """Send a request without a body; whatever comes is read."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=10)
    connection.request(method, path)
    connection.getresponse().read()
    connection.close()


def _wait_for(url: str) -> None:
    for _ in range(300):
        try:
            ask(url, "GET", "/moto-api/")
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the S3 server does not start")
