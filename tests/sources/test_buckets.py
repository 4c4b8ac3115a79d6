"""Which object stores may be read."""

import pytest

from pairsift.config import SourceConfig
from pairsift.errors import ImageError
from pairsift.sources.buckets import check_bucket, named_buckets
from pairsift.statuses import RowStatus

NAMED = named_buckets(SourceConfig(allow_bucket=("s3://mine", "GS://yours/")))


def test_named_ones_are_open() -> None:
    for text in ("s3://mine/a.jpg", "S3://mine/deep/er/a b.jpg", "gs://yours/%20"):
        check_bucket(text, NAMED)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("s3://other/a.jpg", RowStatus.IMAGE_NOT_ALLOWED),
        ("gs://mine/a.jpg", RowStatus.IMAGE_NOT_ALLOWED),
        ("s3://mine2/a.jpg", RowStatus.IMAGE_NOT_ALLOWED),
        ("s3://mine.evil/a.jpg", RowStatus.IMAGE_NOT_ALLOWED),
        ("s3://user@mine/a.jpg", RowStatus.IMAGE_NOT_ALLOWED),
        ("s3:///mine/a.jpg", RowStatus.IMAGE_NOT_ALLOWED),
        ("s3:mine/a.jpg", RowStatus.IMAGE_NOT_ALLOWED),
        ("s3://mine", RowStatus.IMAGE_NOT_FOUND),
        ("s3://mine/", RowStatus.IMAGE_NOT_FOUND),
    ],
)
def test_others_are_not(text: str, status: RowStatus) -> None:
    with pytest.raises(ImageError) as caught:
        check_bucket(text, NAMED)
    assert caught.value.status is status
