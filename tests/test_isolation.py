"""A decoder that crashes or hangs costs one image."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pairsift import isolation
from pairsift.config import ImageConfig
from pairsift.errors import ImageError
from pairsift.images import DecodedImage, decode_image
from pairsift.isolation import IsolatedDecoder
from pairsift.statuses import RowStatus
from tests.bad_inputs import encoded, picture

CRASH = b"crash"
HANG = b"hang"
SURPRISE = b"surprise"


def treacherous(data: bytes) -> DecodedImage:
    """Decode, but for three words do what broken decoders do."""
    if data == CRASH:
        os.kill(os.getpid(), signal.SIGSEGV)
    if data == HANG:
        time.sleep(600)
    if data == SURPRISE:
        raise RuntimeError("nobody foresaw this")
    os.write(1, b"a library that talks")
    return decode_image(data, ImageConfig(), target=32)


def test_a_picture_comes_back_as_it_was() -> None:
    decoder = IsolatedDecoder(treacherous, deadline_seconds=60)
    data = encoded(picture(3), "PNG")
    for _ in range(2):
        found, direct = decoder(data), treacherous(data)
        assert found.rgb.tobytes() == direct.rgb.tobytes()
        assert (found.width, found.height, found.format) == (
            direct.width,
            direct.height,
            direct.format,
        )
    decoder.close()


@pytest.mark.parametrize(
    ("data", "status", "words"),
    [
        (CRASH, RowStatus.IMAGE_CRASHED, "SIGSEGV"),
        (HANG, RowStatus.IMAGE_TIMEOUT, "longer than 1 s"),
        (SURPRISE, RowStatus.IMAGE_UNREADABLE, "nobody foresaw this"),
        (b"no image", RowStatus.IMAGE_UNSUPPORTED, ""),
    ],
)
def test_what_goes_wrong_is_a_status_and_the_next_one_is_fine(
    data: bytes, status: RowStatus, words: str
) -> None:
    decoder = IsolatedDecoder(treacherous, deadline_seconds=1)
    with pytest.raises(ImageError) as caught:
        decoder(data)
    assert caught.value.status is status
    assert words in caught.value.reason
    assert decoder(encoded(picture(1), "PNG")).width == picture(1).width
    decoder.close()


def test_nothing_from_the_working_folder_is_executed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = tmp_path / "trace"
    (tmp_path / "json.py").write_text(f"open({str(trace)!r}, 'w').close()\nraise ImportError\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])  # as in a shell of Python
    decoder = IsolatedDecoder(treacherous, deadline_seconds=60)
    assert decoder(encoded(picture(1), "PNG")).format == "PNG"
    decoder.close()
    assert not trace.exists()


def test_a_child_that_was_ended_behind_its_answer_costs_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The deadline passes between the answer and the moment when nobody watches any more."""

    class Late(isolation._Watch):
        def stop(self) -> bool:
            self._kill()
            return super().stop()

    decoder = IsolatedDecoder(treacherous, deadline_seconds=60)
    data = encoded(picture(1), "PNG")
    decoder(data)
    with monkeypatch.context() as patch:
        patch.setattr(isolation, "_Watch", Late)
        assert decoder(data).format == "PNG"
    assert decoder(data).format == "PNG"
    decoder.close()


def test_a_watch_that_was_stopped_ends_nothing() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    watch = isolation._Watch(child, 600)
    assert not watch.stop()
    watch._kill()
    assert child.communicate(b"\n")[0] is None
    assert child.returncode == 0
