"""Decoding in a process of its own: one that crashes or hangs costs one image.

The child is this module, run by a fresh interpreter. It is told once how to decode, and then
answers one image at a time, so that it is always known which image it was.

    parent → child   the length of a frame (8 bytes, big-endian), the frame
    child → parent   a JSON header in a frame, and after "ok" the picture's RGB bytes in another
"""

import json
import os
import pickle
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image

from pairsift.errors import ImageError
from pairsift.images import DecodedImage
from pairsift.statuses import RowStatus

Decode = Callable[[bytes], DecodedImage]
"""From a file's bytes to its picture; raises ImageError. Picklable, as it goes to a child."""

START_SECONDS = 120.0
"""A child that has not said that it is ready by then never will."""

_LENGTH = struct.Struct(">Q")


class IsolatedDecoder:
    """Calls a decoder in a child process, which is started again when it was lost.

    Args:
        decode: What is called there.
        deadline_seconds: Longest time for one image.
    """

    def __init__(self, decode: Decode, *, deadline_seconds: float) -> None:
        self._decode = decode
        self._deadline_seconds = deadline_seconds
        self._child: subprocess.Popen[bytes] | None = None

    def __call__(self, data: bytes) -> DecodedImage:
        """Decode one image.

        Args:
            data: The bytes of the file.

        Raises:
            ImageError: As the decoder says; ``image_crashed`` where its process ended and
                ``image_timeout`` where it had to be ended.
        """
        child = self._child or self._start()
        watch = _Watch(child, self._deadline_seconds)
        try:
            _send(child, data)
            header = json.loads(_receive(child.stdout))
            rgb = _receive(child.stdout) if header["what"] == "ok" else b""
        except (OSError, EOFError) as error:
            self._child = None
            raise self._lost(child, has_timed_out=watch.stop()) from error
        if watch.stop():  # between its answer and now: the next image needs another one
            self._child = None
            _end(child)
        if header["what"] == "failed":
            raise ImageError(RowStatus(header["status"]), header["reason"])
        picture = Image.frombytes("RGB", tuple(header["size"]), rgb)
        return DecodedImage(picture, header["width"], header["height"], header["format"])

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            _end(self._child)
            self._child = None

    def _start(self) -> "subprocess.Popen[bytes]":
        # The working folder may hold a stranger's json.py: neither -c nor an entry of this
        # process's path that stands for it must bring it in.
        folders = [str(Path(path).absolute()) for path in sys.path if path]
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(folders))
        child = subprocess.Popen(
            [sys.executable, "-P", "-c", "from pairsift.isolation import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        watch = _Watch(child, START_SECONDS)
        try:
            _send(child, pickle.dumps(self._decode))
            _receive(child.stdout)
            if watch.stop():
                raise EOFError
        except (OSError, EOFError) as error:
            watch.stop()
            _end(child)
            reason = f"the process that decodes did not start: {error or 'it ended'}"
            raise ImageError(RowStatus.IMAGE_UNREADABLE, reason) from error
        self._child = child
        return child

    def _lost(self, child: "subprocess.Popen[bytes]", *, has_timed_out: bool) -> ImageError:
        _end(child)
        if has_timed_out:
            reason = f"decoding took longer than {self._deadline_seconds:g} s"
            return ImageError(RowStatus.IMAGE_TIMEOUT, reason)
        return ImageError(RowStatus.IMAGE_CRASHED, f"decoding ended its process: {_ending(child)}")


class _Watch:
    """Kills a child after a while, unless it is stopped before."""

    def __init__(self, child: "subprocess.Popen[bytes]", seconds: float) -> None:
        self._has_killed = False
        self._is_stopped = False
        self._lock = threading.Lock()
        self._child = child
        self._timer = threading.Timer(seconds, self._kill)
        self._timer.daemon = True
        self._timer.start()

    def _kill(self) -> None:
        with self._lock:
            if not self._is_stopped:
                self._has_killed = True
                self._child.kill()

    def stop(self) -> bool:
        """Stop watching; say whether the child was killed."""
        self._timer.cancel()
        with self._lock:
            self._is_stopped = True
            return self._has_killed


def serve() -> None:
    """Answer the parent until it closes the line; what the child does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends the child
    # Whatever a library prints must not stand between two frames.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    requests = sys.stdin.buffer
    # From the parent of this process, which is the same program: no data of anybody else.
    decode: Decode = pickle.loads(_receive(requests))  # noqa: S301
    _write_frame(answers, b"ready")
    while True:
        try:
            data = _receive(requests)
        except EOFError:
            return
        for frame in _answer(decode, data):
            _write_frame(answers, frame)


def _answer(decode: Decode, data: bytes) -> tuple[bytes, ...]:
    try:
        found = decode(data)
    except ImageError as error:
        return (_header(what="failed", status=error.status, reason=error.reason),)
    except Exception as error:  # noqa: BLE001 - the row boundary: decoders raise anything
        reason = f"{type(error).__name__}: {error}"
        return (_header(what="failed", status=RowStatus.IMAGE_UNREADABLE, reason=reason),)
    header = _header(
        what="ok",
        width=found.width,
        height=found.height,
        format=found.format,
        size=list(found.rgb.size),
    )
    return header, found.rgb.tobytes()


def _header(**facts: Any) -> bytes:
    return json.dumps(facts).encode()


def _send(child: "subprocess.Popen[bytes]", data: bytes) -> None:
    if child.stdin is None:
        raise EOFError
    _write_frame(child.stdin, data)


def _write_frame(file: Any, data: bytes) -> None:
    file.write(_LENGTH.pack(len(data)))
    file.write(data)
    file.flush()


def _receive(file: BinaryIO | Any | None) -> bytes:
    if file is None:
        raise EOFError
    (length,) = _LENGTH.unpack(_exactly(file, _LENGTH.size))
    return _exactly(file, length)


def _exactly(file: Any, length: int) -> bytes:
    data: bytes = file.read(length)
    if len(data) < length:
        raise EOFError
    return data


def _end(child: "subprocess.Popen[bytes]") -> None:
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except OSError:  # what was not yet written cannot be
                continue


def _ending(child: "subprocess.Popen[bytes]") -> str:
    code = child.returncode
    if code is not None and code < 0:
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"
    return f"exit code {code}"
