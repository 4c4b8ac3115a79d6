"""Images that stand in the cell itself."""

import base64
import binascii
import re
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pairsift.config import ImageConfig
from pairsift.errors import ImageError
from pairsift.sources import Sources
from pairsift.sources.inline import read_base64, read_data_uri
from pairsift.statuses import RowStatus


def encoded(kind: str) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (5, 4), "red").save(buffer, kind)
    return buffer.getvalue()


def status_of(root: Path, cell: str, max_bytes: int = 10_000) -> RowStatus:
    with pytest.raises(ImageError) as caught:
        Sources(root, ImageConfig(max_image_bytes=max_bytes)).read(cell.encode())
    return caught.value.status


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF"])
def test_base64_is_read(tmp_path: Path, kind: str) -> None:
    data = encoded(kind)
    cell = base64.b64encode(data)
    assert Sources(tmp_path, ImageConfig()).read(cell) == data
    assert Sources(tmp_path, ImageConfig()).read(b" " + cell + b"\n") == data


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"])
def test_data_uris_are_read(tmp_path: Path, kind: str) -> None:
    data = encoded(kind)
    text = base64.b64encode(data).decode()
    sources = Sources(tmp_path, ImageConfig())
    for cell in (
        f"data:image/png;base64,{text}",
        f"DATA:;BASE64,{text}",
        f"data:text/html;charset=utf-8;base64,{quote(text, safe='')}",
        f"data:image/x,{quote(data, safe='')}",
    ):
        assert sources.read(cell.encode()) == data


@given(st.binary(min_size=1, max_size=200))
def test_a_data_uri_gives_back_any_bytes(data: bytes) -> None:
    text = base64.b64encode(data).decode()
    assert read_data_uri(f"data:;base64,{text}", len(data)) == data
    assert read_data_uri(f"data:,{quote(data, safe='')}", len(data)) == data


@pytest.mark.parametrize(
    ("cell", "status"),
    [
        ("data:image/png;base64", RowStatus.IMAGE_CORRUPT),
        ("data:;base64,", RowStatus.IMAGE_EMPTY),
        ("data:,", RowStatus.IMAGE_EMPTY),
        ("data:;base64,iVBORw0K!", RowStatus.IMAGE_CORRUPT),
        ("data:;base64,iVBORw0", RowStatus.IMAGE_CORRUPT),
        ("data:;base64,iVBO Rw0K", RowStatus.IMAGE_CORRUPT),
        ("data:;base64,iVBORw==0K", RowStatus.IMAGE_CORRUPT),
    ],
)
def test_bad_data_uris(tmp_path: Path, cell: str, status: RowStatus) -> None:
    assert status_of(tmp_path, cell) is status


def test_the_limit_stands_before_decoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded("PNG")
    text = base64.b64encode(data).decode()
    cells = [text, f"data:;base64,{text}", f"data:,{quote(data, safe='')}"]
    for cell in cells:
        assert Sources(tmp_path, ImageConfig(max_image_bytes=len(data))).read(cell.encode()) == data
    decoded = []
    real = binascii.a2b_base64

    def watched(data: str, **how: bool) -> bytes:
        decoded.append(len(data))
        return real(data, **how)

    monkeypatch.setattr(binascii, "a2b_base64", watched)
    for cell in cells:
        assert status_of(tmp_path, cell, len(data) - 10) is RowStatus.IMAGE_TOO_LARGE
    assert max(decoded) < 40  # no more than the first bytes were looked at


@pytest.mark.parametrize(
    "cell",
    [
        "images/cat.jpg",
        "a/much/longer/path/that/is/in/fact/all/letters/of/base64",
        "iVBORw0KGgo",  # begins like PNG, but no image is that short
        "Qk1GAAAAAAAAADYAAAAoAAAABQAAAAQAAAABABgA",  # BMP's two letters are too little
        "iVBORw0KGgoAAAANSUhEUgAAAAUAAAAECAIAAADJUWIX.png",
        "iVBORw0KGgoAAAANSUhEUgAAAAUAAAAECAIAAADJUWI",  # no padding
    ],
)
def test_everything_else_is_a_path(tmp_path: Path, cell: str) -> None:
    assert read_base64(cell, 10_000) is None
    (tmp_path / cell).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / cell).write_bytes(b"the file")
    assert Sources(tmp_path, ImageConfig()).read(cell.encode()) == b"the file"


def test_what_is_too_long_for_a_path_says_what_is_wrong(tmp_path: Path) -> None:
    text = base64.b64encode(encoded("PNG") + bytes(9000)).decode()
    broken = "\n".join(re.findall(".{1,76}", text))
    assert status_of(tmp_path, broken, 100_000) is RowStatus.IMAGE_CORRUPT
    assert status_of(tmp_path, "/" + text, 100_000) is RowStatus.IMAGE_NOT_FOUND
