"""A small hub on loopback, and a way to run the real client against it in a fresh process."""

import hashlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from tests.word_checkpoint import write_word_checkpoint

REPO = "tiny/clip"
FIRST, SECOND = "a" * 40, "b" * 40
LARGE_BYTES = 2_000  # above it the mirror names a file by its sha256, as the hub does for LFS

ROOT = Path(__file__).parents[1]


@dataclass
class Mirror:
    """What the mirror serves, how it misbehaves, and what it saw.

    Args:
        files: Bytes by (repository, commit, path).
        branches: Commit by (repository, branch).
        corrupt: Paths whose bytes are flipped on the way.
        break_after: Paths whose first answer ends after so many bytes.
        requests: Method, path and Range of every request.
        connections: Accepted connections.
        url: Where it listens.
    """

    files: dict[tuple[str, str, str], bytes] = field(default_factory=dict)
    branches: dict[tuple[str, str], str] = field(default_factory=dict)
    corrupt: set[str] = field(default_factory=set)
    break_after: dict[str, int] = field(default_factory=dict)
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)
    connections: int = 0
    url: str = ""

    def put(self, commit: str, files: dict[str, bytes], *, repo: str = REPO) -> None:
        """Add a commit and move ``main`` to it."""
        self.files |= {(repo, commit, path): content for path, content in files.items()}
        self.branches[repo, "main"] = commit

    def fetched(self) -> list[str]:
        """Return the paths whose bytes were asked for, in order."""
        return [path for method, path, _ in self.requests if method == "GET"]


def _handler(mirror: Mirror) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            mirror.connections += 1
            super().setup()

        def do_HEAD(self) -> None:
            self.answer(with_body=False)

        def do_GET(self) -> None:
            self.answer(with_body=True)

        def answer(self, *, with_body: bool) -> None:
            match = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", unquote(self.path))
            repo, revision, path = match.groups() if match else ("", "", self.path)
            wanted = self.headers.get("Range")
            mirror.requests.append((self.command, path, wanted))
            commit = mirror.branches.get((repo, revision), revision)
            content = mirror.files.get((repo, commit, path))
            if content is None:
                self.refuse(repo, commit)
                return
            sha256 = hashlib.sha256(content).hexdigest()
            blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()  # noqa: S324
            if path in mirror.corrupt:
                content = content[:-1] + bytes([content[-1] ^ 1])
            start = int(wanted.removeprefix("bytes=").split("-")[0]) if wanted else 0
            body = content[start:]
            self.send_response(206 if wanted else 200)
            self.send_header("X-Repo-Commit", commit)
            self.send_header("ETag", f'"{sha256 if len(content) > LARGE_BYTES else blob}"')
            self.send_header("Content-Length", str(len(body)))
            if wanted:
                self.send_header(
                    "Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}"
                )
            self.end_headers()
            if with_body and path in mirror.break_after:
                self.wfile.write(body[: mirror.break_after.pop(path)])
                self.close_connection = True
            elif with_body:
                self.wfile.write(body)

        def refuse(self, repo: str, commit: str) -> None:
            codes = {"RepoNotFound": not any(r == repo for r, _, _ in mirror.files)}
            codes["RevisionNotFound"] = not any(c == commit for _, c, _ in mirror.files)
            code = next((name for name, holds in codes.items() if holds), "EntryNotFound")
            self.send_response(404)
            self.send_header("X-Error-Code", code)
            if code == "EntryNotFound":
                self.send_header("X-Repo-Commit", commit)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - theirs
            """Stay silent."""

    return Handler


@contextmanager
def running(mirror: Mirror) -> Iterator[Mirror]:
    """Serve a mirror on a free loopback port until the context ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(mirror))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    mirror.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield mirror
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def tiny_files(folder: Path, *, seed: int = 0, padding_bytes: int = 0) -> dict[str, bytes]:
    """Return the files of a tiny CLIP checkpoint with random weights."""
    write_word_checkpoint(folder, "clip", seed=seed, padding_bytes=padding_bytes)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


_CLIENT = """
import json, sys
from pathlib import Path
asked = json.loads(sys.argv[1])
if asked["max_file_bytes"]:
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (asked["max_file_bytes"],) * 2)
if asked["forbid_sockets"]:
    def forbid(event, args):
        if event in ("socket.connect", "socket.getaddrinfo", "socket.bind", "socket.sendto"):
            raise RuntimeError(f"a socket was used: {event} {args}")
    sys.addaudithook(forbid)
from pairsift.config import ModelConfig
from pairsift.errors import PairsiftError
from pairsift import weights
config = ModelConfig(offline=asked["offline"], cache_dir=asked["cache"])
told = []
try:
    if asked["pull"]:
        to = Path(asked["to"]) if asked["to"] else None
        model = weights.pull_model(asked["spec"], config=config, to=to, announce=told.append)
    else:
        model = weights.resolve_model(asked["spec"], config=config, announce=told.append)
    answer = {"folder": str(model.folder), "revision": model.record.revision,
              "sha256": model.weights_sha256, "name": model.record.name,
              "files": [f.path for f in model.record.files]}
except PairsiftError as error:
    answer = {"error": type(error).__name__, "message": str(error)}
answer["told"] = told
answer["hub_imported"] = "huggingface_hub" in sys.modules
print(json.dumps(answer))
"""


def start_client(
    spec: str,
    *,
    cache: Path,
    url: str = "http://127.0.0.1:9",
    pull: bool = False,
    to: Path | None = None,
    offline: bool = False,
    forbid_sockets: bool = False,
    max_file_bytes: int = 0,
) -> subprocess.Popen[str]:
    """Start a fresh process that resolves or pulls a model.

    Args:
        spec: The model.
        cache: Its cache folder.
        url: The mirror; by default a port where nothing listens.
        pull: Call ``pull_model`` instead of ``resolve_model``.
        to: For ``pull_model``.
        offline: As ``--offline``.
        forbid_sockets: Fail at the first use of a socket.
        max_file_bytes: The operating system refuses to write larger files, as a full disk would.
    """
    asked = {
        "spec": spec,
        "cache": str(cache),
        "pull": pull or to is not None,
        "to": str(to) if to else None,
        "offline": offline,
        "forbid_sockets": forbid_sockets,
        "max_file_bytes": max_file_bytes,
    }
    settings = {"HF_ENDPOINT": url, "HF_HUB_DISABLE_XET": "1", "HF_HOME": str(cache / "home")}
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING"))}
    path = os.pathsep.join([str(ROOT / "src"), kept.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", _CLIENT, json.dumps(asked)],
        env=kept | settings | {"PYTHONPATH": path, "NO_PROXY": "127.0.0.1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(client: subprocess.Popen[str]) -> dict[str, Any]:
    """Return what a client's process found; fails if it crashed."""
    output, errors = client.communicate(timeout=120)
    assert client.returncode == 0, errors
    answer: dict[str, Any] = json.loads(output.splitlines()[-1])
    return answer


def ask(spec: str, **settings: Any) -> dict[str, Any]:
    """Resolve or pull a model in a fresh process and return what it found."""
    return finish(start_client(spec, **settings))
