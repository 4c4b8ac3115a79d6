"""Objects in buckets: what goes wrong is an OSError that says where and why."""

import errno
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from pairsift.errors import UsageError
from pairsift.objects import Bucket, as_address
from tests.s3_server import S3, refusing_s3

Call = Callable[[Bucket], object]

CALLS: dict[str, Call] = {
    "read": lambda bucket: bucket.read("a"),
    "read_many": lambda bucket: list(bucket.read_many(["a", "b"])),
    "facts": lambda bucket: bucket.facts("a"),
    "put": lambda bucket: bucket.put("a", b"x"),
    "create": lambda bucket: bucket.create("a", b"x"),
    "delete": lambda bucket: bucket.delete("a"),
    "find": lambda bucket: list(bucket.find("")),
    "entries": lambda bucket: bucket.entries("folder"),
}


@pytest.mark.cloud
@pytest.mark.parametrize("name", CALLS)
@pytest.mark.usefixtures("s3")
def test_what_goes_wrong_says_where_and_why(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pairsift.objects.MAX_RETRIES", 0)
    cases = {403: "access denied", 401: "access denied", 500: "the store answers 500"}
    for code, words in cases.items():
        with refusing_s3(code) as url:
            monkeypatch.setenv("AWS_ENDPOINT_URL", url)
            with pytest.raises(OSError, match=words) as caught:
                CALLS[name](Bucket("s3://mine"))
        assert str(caught.value.filename).startswith("s3://mine")
        assert isinstance(caught.value, PermissionError) == (words == "access denied")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(OSError, match="the store cannot be reached"):
        CALLS[name](Bucket("s3://mine"))


@pytest.mark.cloud
@pytest.mark.parametrize("name", sorted(CALLS.keys() - {"facts", "delete"}))
@pytest.mark.usefixtures("s3")
def test_no_such_bucket(name: str) -> None:
    with pytest.raises(OSError, match="no such bucket") as caught:
        CALLS[name](Bucket("s3://absent"))
    assert caught.value.errno == errno.ENXIO
    assert caught.value.filename == "s3://absent"


@pytest.mark.cloud
def test_pickled_it_is_its_name(s3: S3) -> None:
    s3.make_bucket("mine")
    again: Bucket = pickle.loads(pickle.dumps(Bucket("s3://mine")))  # noqa: S301 - our own bytes
    again.put("a", b"x")
    assert again.read("a") == b"x"


@pytest.mark.cloud
def test_a_file_that_is_not_there_is_no_object(s3: S3, tmp_path: Path) -> None:
    s3.make_bucket("mine")
    with pytest.raises(FileNotFoundError) as caught:
        Bucket("s3://mine").upload("a", tmp_path / "none")
    assert caught.value.filename == str(tmp_path / "none")


@pytest.mark.cloud
@pytest.mark.parametrize("name", ["s3://", "ftp://host", "mine"])
def test_what_can_be_no_bucket(name: str) -> None:
    with pytest.raises(UsageError, match="names no bucket"):
        Bucket(name)


@pytest.mark.parametrize(
    ("place", "address"),
    [
        ("s3://mine/a/b.csv", "s3://mine/a/b.csv"),
        (Path("s3://mine/a/b.csv"), "s3://mine/a/b.csv"),
        ("GS://mine/A", "gs://mine/A"),
        (Path("az://mine"), "az://mine"),
        ("s3:/mine/a", None),
        ("s3/mine/a", None),
        ("a/s3://mine", None),
        ("C:/mine/a.csv", None),
        (Path("C:/mine/a.csv"), None),
        (Path("odd:/folder"), None),
    ],
)
def test_what_is_an_address(place: str | Path, address: str | None) -> None:
    assert as_address(place) == address


@pytest.mark.parametrize("place", ["http://host/a.csv", "file:///a.csv", "s3a://mine/a.csv"])
def test_other_addresses_are_refused(place: str) -> None:
    with pytest.raises(UsageError, match="accepted: s3, gs, az"):
        as_address(place)
