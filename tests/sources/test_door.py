"""What a cell is taken for, and what is refused before anything is opened."""

import pickle
from pathlib import Path

import pytest

from pairsift.config import ImageConfig, SourceConfig
from pairsift.errors import ImageError, UsageError
from pairsift.sources import Sources
from pairsift.statuses import RowStatus


def refusal(sources: Sources, reference: bytes) -> ImageError:
    with pytest.raises(ImageError) as caught:
        sources.read(reference)
    assert 0 < len(caught.value.reason) < 400
    return caught.value


@pytest.mark.parametrize(
    ("reference", "hint"),
    [
        (b"http://127.0.0.1/a.jpg", "--allow-urls"),
        (b"HTTPS://example.org/a.jpg", "--allow-urls"),
        (b"s3://bucket/a.jpg", "--allow-bucket s3://bucket"),
        (b"gs://b/a", "--allow-bucket gs://b"),
        (b"AZ://b/a", "--allow-bucket az://b"),
        (b"file:///etc/passwd", "file"),
        (b"FILE:/etc/passwd", "file"),
        (b"ftp://example.org/a.jpg", "ftp"),
        (b"hdfs://node/a.jpg", "hdfs"),
    ],
)
def test_nothing_is_fetched_that_was_not_allowed(
    tmp_path: Path, reference: bytes, hint: str
) -> None:
    sources = Sources(tmp_path, ImageConfig())
    sources.expect([reference])
    error = refusal(sources, reference)
    assert error.status is RowStatus.IMAGE_NOT_ALLOWED
    assert hint in error.reason


def test_offline_wins_over_everything(tmp_path: Path) -> None:
    config = SourceConfig(
        allow_urls=True, allow_host=("127.0.0.1:8000",), allow_bucket=("s3://bucket",)
    )
    sources = Sources(tmp_path, ImageConfig(), config, offline=True)
    for reference in (b"http://127.0.0.1:8000/a.jpg", b"s3://bucket/a.jpg"):
        sources.expect([reference])
        error = refusal(sources, reference)
        assert error.status is RowStatus.IMAGE_NOT_ALLOWED
        assert "--offline" in error.reason


@pytest.mark.parametrize(
    ("config", "option"),
    [
        (SourceConfig(allow_host=("localhost",)), "--allow-host"),
        (SourceConfig(allow_host=("http://a:80",)), "--allow-host"),
        (SourceConfig(allow_host=("a:99999",)), "--allow-host"),
        (SourceConfig(allow_urls=True, contact="a\r\nCookie: b"), "--contact"),
        (SourceConfig(allow_bucket=("mine",)), "--allow-bucket"),
        (SourceConfig(allow_bucket=("http://mine",)), "--allow-bucket"),
        (SourceConfig(allow_bucket=("s3://mine/folder",)), "--allow-bucket"),
    ],
)
def test_options_that_make_no_sense_end_the_job(
    tmp_path: Path, config: SourceConfig, option: str
) -> None:
    with pytest.raises(UsageError, match=option):
        Sources(tmp_path, ImageConfig(), config)


def test_pickled_it_is_its_recipe(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"image")
    sources = Sources(tmp_path, ImageConfig(max_image_bytes=5), SourceConfig(allow_urls=True))
    again = pickle.loads(pickle.dumps(sources))  # noqa: S301 - our own bytes
    assert again.root == sources.root
    assert again.read(b"a.jpg") == b"image"
    (tmp_path / "a.jpg").write_bytes(b"larger")
    assert refusal(again, b"a.jpg").status is RowStatus.IMAGE_TOO_LARGE


def test_what_was_expected_may_be_wrong(tmp_path: Path) -> None:
    sources = Sources(tmp_path, ImageConfig())
    sources.expect([b"", b"\xff", b"a\0", b"a.jpg", b"data:,", b"http://a/"])
    sources.forget()
    sources.close()
    assert refusal(sources, b"\xff").status is RowStatus.IMAGE_NOT_FOUND
