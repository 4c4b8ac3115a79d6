"""Object stores, against a real S3 protocol server on loopback."""

import base64
import pickle
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from pairsift.config import ImageConfig, SourceConfig
from pairsift.errors import ImageError, MissingExtraError
from pairsift.sources import Sources
from pairsift.statuses import RowStatus
from tests.hostile_web import PICTURE, HostileWeb
from tests.s3_server import S3

KEYS = ("a.jpg", "deep/er/b.jpg", "a b+c%20d&é=?.jpg")
CONFIG = SourceConfig(allow_bucket=("s3://mine", "s3://absent"), fetch_timeout_seconds=20.0)


@pytest.fixture
def bucket(s3: S3) -> str:
    for name in ("mine", "other"):
        s3.make_bucket(name)
        for key in KEYS:
            s3.put(name, key, PICTURE)
        s3.put(name, "empty.jpg", b"")
        s3.put(name, "large.jpg", bytes(300_000))
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


@pytest.mark.cloud
def test_relative_references_start_at_a_root_in_a_bucket(bucket: str) -> None:
    # No bucket is named: the root itself says what may be read.
    with closing(Sources(Path(f"{bucket}/deep"), ImageConfig(), SourceConfig())) as sources:
        references = [b"er/b.jpg", b"./x/../er//b.jpg", b"er/b.jpg"]
        sources.expect(references)
        assert [sources.read(reference) for reference in references] == [PICTURE] * 3
        assert sources.read(b"a.jpg", Path(bucket)) == PICTURE
        assert sources.read(KEYS[2].encode(), Path(bucket)) == PICTURE
        assert sources.read(base64.b64encode(PICTURE)) == PICTURE
        batches = [[b"er/b.jpg"], [b"a.jpg"]]
        roots = {b"er/b.jpg": None, b"a.jpg": Path(bucket)}
        for batch in sources.look_ahead(batches, list, lambda batch: roots[batch[0]]):
            assert sources.read(batch[0], roots[batch[0]]) == PICTURE
        for text, status in {
            "../a.jpg": RowStatus.IMAGE_OUTSIDE_ROOT,
            "er/../../a.jpg": RowStatus.IMAGE_OUTSIDE_ROOT,
            "/a.jpg": RowStatus.IMAGE_OUTSIDE_ROOT,
            "er/none.jpg": RowStatus.IMAGE_NOT_FOUND,
            f"{bucket}/deep/er/b.jpg": RowStatus.IMAGE_NOT_ALLOWED,
        }.items():
            with pytest.raises(ImageError) as caught:
                sources.read(text.encode())
            assert caught.value.status is status, text
        again: Sources = pickle.loads(pickle.dumps(sources))  # noqa: S301 - our own bytes
        with closing(again):
            assert again.read(b"er/b.jpg") == PICTURE


@pytest.mark.cloud
def test_offline_nothing_comes_from_a_root_in_a_bucket(bucket: str) -> None:
    root = Path(f"{bucket}/deep")
    with closing(Sources(root, ImageConfig(), SourceConfig(), offline=True)) as sources:
        sources.expect([b"er/b.jpg"])
        with pytest.raises(ImageError, match="--offline fetches nothing"):
            sources.read(b"er/b.jpg")
