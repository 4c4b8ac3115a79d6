"""Nothing outside the root is opened, and whatever is wrong gets its own status."""

import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pairsift.config import ImageConfig
from pairsift.errors import ImageError, UsageError
from pairsift.sources import Sources
from pairsift.statuses import RowStatus

BYTES = b"the bytes of an image"
SECRET = b"what nobody may read"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(BYTES)
    (folder / "deep" / "b.jpg").write_bytes(BYTES)
    (tmp_path / "secret.jpg").write_bytes(SECRET)
    (tmp_path / "root2").mkdir()
    (tmp_path / "root2" / "c.jpg").write_bytes(SECRET)
    return folder


def refusal(root: Path, reference: bytes, config: ImageConfig | None = None) -> ImageError:
    with pytest.raises(ImageError) as caught:
        Sources(root, config or ImageConfig()).read(reference)
    assert caught.value.reason
    assert len(caught.value.reason) < 400
    return caught.value


@pytest.mark.parametrize(
    "reference",
    [b"a.jpg", b"./a.jpg", b"deep/b.jpg", b"deep/../a.jpg", b"deep//b.jpg", b" a.jpg "],
)
def test_paths_inside(root: Path, reference: bytes) -> None:
    assert Sources(root, ImageConfig()).read(reference) == BYTES


def test_an_absolute_path_inside_is_fine(root: Path) -> None:
    assert Sources(root, ImageConfig()).read(bytes(root / "a.jpg")) == BYTES


def test_a_link_that_stays_inside_is_fine(root: Path) -> None:
    (root / "link.jpg").symlink_to("deep/b.jpg")
    (root / "folder").symlink_to(root / "deep")
    sources = Sources(root, ImageConfig())
    assert sources.read(b"link.jpg") == sources.read(b"folder/b.jpg") == BYTES


def test_the_root_may_itself_be_a_link(root: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(root)
    sources = Sources(tmp_path / "alias", ImageConfig())
    assert sources.read(b"a.jpg") == sources.read(bytes(tmp_path / "alias" / "a.jpg")) == BYTES


def test_names_with_colons_backslashes_and_other_letters(root: Path) -> None:
    for name in ("img:1.jpg", "cat: a story.jpg", "back\\slash.jpg", "Küste ☀.jpg", "C:x.jpg"):
        (root / name).write_bytes(name.encode())
        assert Sources(root, ImageConfig()).read(name.encode()) == name.encode()


def test_paths_as_windows_writes_them(root: Path) -> None:
    assert Sources(root, ImageConfig()).read(rb"deep\b.jpg") == BYTES
    assert refusal(root, rb"..\secret.jpg").status is RowStatus.IMAGE_OUTSIDE_ROOT
    assert refusal(root, rb"deep\none.jpg").status is RowStatus.IMAGE_NOT_FOUND
    assert refusal(root, rb"C:\pictures\b.jpg").status is RowStatus.IMAGE_NOT_FOUND


@pytest.mark.parametrize(
    "reference",
    [b"../secret.jpg", b"deep/../../secret.jpg", b"../root2/c.jpg", b"../nothing", b"/etc/passwd",
     b"/", b"..", b"deep/er/../../../secret.jpg"],
)  # fmt: skip
def test_paths_outside(root: Path, reference: bytes) -> None:
    assert refusal(root, reference).status is RowStatus.IMAGE_OUTSIDE_ROOT


def test_links_that_lead_outside(root: Path, tmp_path: Path) -> None:
    (root / "file.jpg").symlink_to(tmp_path / "secret.jpg")
    (root / "folder").symlink_to(tmp_path)
    (root / "chain.jpg").symlink_to("file.jpg")
    for reference in (b"file.jpg", b"folder/secret.jpg", b"chain.jpg", b"folder/root2/c.jpg"):
        assert refusal(root, reference).status is RowStatus.IMAGE_OUTSIDE_ROOT


@pytest.mark.parametrize(
    ("reference", "status"),
    [
        (b"none.jpg", RowStatus.IMAGE_NOT_FOUND),
        (b"a.jpg/inside", RowStatus.IMAGE_NOT_FOUND),
        (b"a\0.jpg", RowStatus.IMAGE_NOT_FOUND),
        (b"caf\xe9.jpg", RowStatus.IMAGE_NOT_FOUND),
        (b"n" * 300, RowStatus.IMAGE_NOT_FOUND),
        (b"n/" * 100_000, RowStatus.IMAGE_NOT_FOUND),
        (b"deep", RowStatus.IMAGE_NOT_A_FILE),
        (b".", RowStatus.IMAGE_NOT_A_FILE),
        (b"", RowStatus.IMAGE_NULL),
        (b" \t", RowStatus.IMAGE_NULL),
        (b"~/a.jpg", RowStatus.IMAGE_NOT_FOUND),
        (b"$HOME/a.jpg", RowStatus.IMAGE_NOT_FOUND),
    ],
)
def test_what_is_not_there(root: Path, reference: bytes, status: RowStatus) -> None:
    assert refusal(root, reference).status is status


def test_what_is_no_file_does_not_block(root: Path) -> None:
    os.mkfifo(root / "pipe.jpg")
    (root / "null.jpg").symlink_to("/dev/null")
    with socket.socket(socket.AF_UNIX) as listener:
        # A short name: the addresses of such sockets are limited to about a hundred bytes.
        here = Path.cwd()
        os.chdir(root)
        try:
            listener.bind("s.jpg")
        finally:
            os.chdir(here)
        assert refusal(root, b"pipe.jpg").status is RowStatus.IMAGE_NOT_A_FILE
        assert refusal(root, b"s.jpg").status is RowStatus.IMAGE_NOT_A_FILE
    assert refusal(root, b"null.jpg").status is RowStatus.IMAGE_OUTSIDE_ROOT
    assert refusal(Path("/dev"), b"zero").status is RowStatus.IMAGE_NOT_A_FILE


def test_a_loop_of_links(root: Path) -> None:
    (root / "loop.jpg").symlink_to("loop.jpg")
    assert refusal(root, b"loop.jpg").status is RowStatus.IMAGE_UNREADABLE


def test_no_permission(root: Path) -> None:
    (root / "a.jpg").chmod(0)
    if os.access(root / "a.jpg", os.R_OK):
        # The superuser reads everything: what is left to see is that nothing else breaks.
        assert Sources(root, ImageConfig()).read(b"a.jpg") == BYTES
    else:
        assert refusal(root, b"a.jpg").status is RowStatus.IMAGE_UNREADABLE


def test_empty_and_too_large(root: Path) -> None:
    (root / "empty.jpg").write_bytes(b"")
    assert refusal(root, b"empty.jpg").status is RowStatus.IMAGE_EMPTY
    small = ImageConfig(max_image_bytes=len(BYTES) - 1)
    assert refusal(root, b"a.jpg", small).status is RowStatus.IMAGE_TOO_LARGE
    enough = ImageConfig(max_image_bytes=len(BYTES))
    assert Sources(root, enough).read(b"a.jpg") == BYTES


def test_a_huge_file_is_refused_by_its_size_alone(root: Path) -> None:
    with (root / "sparse.jpg").open("wb") as file:
        file.truncate(1 << 40)
    assert refusal(root, b"sparse.jpg").status is RowStatus.IMAGE_TOO_LARGE


def test_no_such_root(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--image-root"):
        Sources(tmp_path / "none", ImageConfig())


def open_files() -> int:
    listing = Path("/proc/self/fd")
    return len(list(listing.iterdir())) if listing.is_dir() else 0


def test_many_threads_share_one(root: Path) -> None:
    for index in range(40):
        (root / f"{index}.jpg").write_bytes(str(index).encode())
    sources = Sources(root, ImageConfig())
    open_before = open_files()
    with ThreadPoolExecutor(4) as pool:
        names = [f"{index}.jpg".encode() for index in range(40)]
        assert list(pool.map(sources.read, names)) == [str(index).encode() for index in range(40)]
    assert open_files() == open_before


def test_a_locale_without_the_name_s_letters(root: Path) -> None:
    # Another process, because the encoding of file names is fixed when Python starts.
    code = """
import sys
from pathlib import Path
from pairsift.config import ImageConfig
from pairsift.sources import Sources
try:
    Sources(Path(sys.argv[1]), ImageConfig()).read("\\u65e5.png".encode())
except Exception as error:
    print(repr(getattr(error, "status", error)))
"""
    plain = os.environ | {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    ran = subprocess.run(
        [sys.executable, "-c", code, str(root)],
        env=plain,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "image_not_found" in ran.stdout


@pytest.mark.parametrize("has_proc", [True, False])
def test_a_folder_that_becomes_a_link_before_the_file_is_opened(
    root: Path, has_proc: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking and opening; only the last part of a path can be told not to be followed."""
    (root.parent / "root2" / "b.jpg").write_bytes(SECRET)
    open_file, readlink = os.open, Path.readlink

    def swap_then_open(path: Path, *arguments: int) -> int:
        (root / "deep").rename(root / "away")
        (root / "deep").symlink_to(root.parent / "root2")
        return open_file(path, *arguments)

    def no_proc(path: Path) -> Path:
        if str(path).startswith("/proc"):
            raise FileNotFoundError(path)
        return readlink(path)

    monkeypatch.setattr(os, "open", swap_then_open)
    if not has_proc:
        monkeypatch.setattr(Path, "readlink", no_proc)
    assert refusal(root, b"deep/b.jpg").status is RowStatus.IMAGE_OUTSIDE_ROOT
