"""A hub on loopback that speaks as much of the protocol as the real client needs."""

import hashlib
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class HubMirror:
    """Serves one repository folder as ``ORG/NAME``.

    Args:
        folder: The files.
        repo: Their name on the hub.
    """

    def __init__(self, folder: Path, *, repo: str = "org/tiny") -> None:
        self.folder = folder
        self.repo = repo
        self.commit = COMMIT
        self.break_after: int | None = None
        self.lie: dict[str, bytes] = {}
        self.requests: Counter[str] = Counter()
        self.ranges: list[str] = []
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

            def do_HEAD(self) -> None:
                mirror.answer(self, body=False)

            def do_GET(self) -> None:
                mirror.answer(self, body=True)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "HubMirror":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, handler: BaseHTTPRequestHandler, *, body: bool) -> None:
        self.requests[handler.command] += 1
        prefix = f"/{self.repo}/resolve/"
        path = handler.path.split("?")[0]
        if not path.startswith(prefix):
            self._missing(handler, "RepoNotFound")
            return
        revision, _, name = path.removeprefix(prefix).partition("/")
        if revision not in {"main", self.commit}:
            self._missing(handler, "RevisionNotFound")
            return
        file = self.folder / name
        if not file.is_file():
            self._missing(handler, "EntryNotFound")
            return
        data = file.read_bytes()
        # As on the hub: git's hash of a small file, the sha256 of a large one.
        blob = hashlib.sha1(b"blob %d\0" % len(data) + data)  # noqa: S324 - git's own
        tag = hashlib.sha256(data).hexdigest() if len(data) > 2000 else blob.hexdigest()
        data = self.lie.get(name, data)
        begin = 0
        wish = handler.headers.get("Range")
        if wish and body:
            self.ranges.append(wish)
            begin = int(wish.removeprefix("bytes=").partition("-")[0])
        handler.send_response(206 if begin else 200)
        handler.send_header("X-Repo-Commit", self.commit)
        handler.send_header("ETag", f'"{tag}"')
        handler.send_header("Accept-Ranges", "bytes")
        if begin:
            handler.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
        handler.send_header("Content-Length", str(len(data) - begin))
        handler.end_headers()
        if not body:
            return
        if self.break_after is not None and len(data) > self.break_after and not begin:
            handler.wfile.write(data[: self.break_after])
            handler.wfile.flush()
            self.break_after = None
            handler.close_connection = True
            handler.connection.close()
            return
        handler.wfile.write(data[begin:])

    def _missing(self, handler: BaseHTTPRequestHandler, code: str) -> None:
        handler.send_response(404)
        handler.send_header("X-Error-Code", code)
        handler.send_header("X-Repo-Commit", self.commit)
        handler.send_header("Content-Length", "0")
        handler.end_headers()
