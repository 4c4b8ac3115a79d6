"""Which URLs may be asked for."""

import pytest

from pairsift.config import SourceConfig
from pairsift.errors import ImageError
from pairsift.sources.urls import check_url, named_places
from pairsift.statuses import RowStatus

NAMED = named_places(SourceConfig(allow_host=("Inside.example:8000", "[::1]:81")))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("http://example.org/a.jpg", "example.org:80"),
        ("HTTPS://Example.ORG", "example.org:443"),
        ("https://example.org:443/a b.jpg?c=d#e", "example.org:443"),
        ("http://example.org./a", "example.org:80"),
        ("http://bücher.example/ü.jpg", "xn--bcher-kva.example:80"),
        ("http://8.8.8.8/a", "8.8.8.8:80"),
        ("http://inside.EXAMPLE:8000/a", "inside.example:8000"),
        ("http://[::1]:81/a", "::1:81"),
    ],
)
def test_good_ones(text: str, place: str) -> None:
    target = check_url(text, NAMED)
    assert target.place == place
    assert target.is_named == (place in NAMED)
    assert not target.url.fragment


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("file:///etc/passwd", RowStatus.IMAGE_NOT_ALLOWED),
        ("ftp://example.org/a", RowStatus.IMAGE_NOT_ALLOWED),
        ("http://example.org:22/a", RowStatus.IMAGE_NOT_ALLOWED),
        ("http://inside.example:8001/a", RowStatus.IMAGE_NOT_ALLOWED),
        ("http://user@example.org/a", RowStatus.IMAGE_NOT_ALLOWED),
        ("http://:word@example.org/a", RowStatus.IMAGE_NOT_ALLOWED),
        ("http:///a", RowStatus.IMAGE_NOT_ALLOWED),
        ("http:a", RowStatus.IMAGE_NOT_ALLOWED),
        ("http://[::1/a", RowStatus.IMAGE_NOT_ALLOWED),
        ("http://example.org:99999/a", RowStatus.IMAGE_NOT_ALLOWED),
        ("http://example.org/" + "a" * 9000, RowStatus.IMAGE_NOT_ALLOWED),
        ("http://2130706433/a", RowStatus.IMAGE_BLOCKED),
        ("http://0x7f000001/a", RowStatus.IMAGE_BLOCKED),
        ("http://0177.0.0.1/a", RowStatus.IMAGE_BLOCKED),
        ("http://127.1/a", RowStatus.IMAGE_BLOCKED),
        ("http://1.2.3.4.5/a", RowStatus.IMAGE_BLOCKED),
    ],
)
def test_bad_ones(text: str, status: RowStatus) -> None:
    with pytest.raises(ImageError) as caught:
        check_url(text, NAMED)
    assert caught.value.status is status


def test_a_redirect_may_be_relative() -> None:
    base = check_url("http://example.org/deep/a.jpg?b=c", NAMED).url
    assert str(check_url("../d.jpg", NAMED, base=base).url) == "http://example.org/d.jpg"
    assert check_url("//other.example/e", NAMED, base=base).place == "other.example:80"
