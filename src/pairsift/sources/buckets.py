"""Which object stores may be read: the buckets that the user has named."""

from pairsift.config import SourceConfig
from pairsift.errors import ImageError, UsageError
from pairsift.objects import SCHEMES, split_key
from pairsift.statuses import RowStatus


def named_buckets(config: SourceConfig) -> frozenset[str]:
    """Return the buckets of ``--allow-bucket``.

    Raises:
        UsageError: One is not SCHEME://NAME.

    Example:
        >>> sorted(named_buckets(SourceConfig(allow_bucket=("s3://mine/", "gs://yours"))))
        ['gs://yours', 's3://mine']
    """
    found = set()
    for text in config.allow_bucket:
        bucket, key = split_key(text)
        scheme, _, name = bucket.partition("://")
        if scheme not in SCHEMES or not name or key:
            message = f"--allow-bucket {text!r}: give s3://NAME, gs://NAME or az://NAME"
            raise UsageError(message)
        found.add(bucket)
    return frozenset(found)


def check_bucket(text: str, named: frozenset[str]) -> None:
    """Refuse a reference into a bucket that was not named.

    Raises:
        ImageError: It leads there, or to no key.
    """
    bucket, key = split_key(text)
    if bucket not in named:
        reason = f"the bucket was not named (hint: --allow-bucket {bucket[:100]})"
        raise ImageError(RowStatus.IMAGE_NOT_ALLOWED, reason)
    if not key:
        raise ImageError(RowStatus.IMAGE_NOT_FOUND, f"names a bucket, not an object: {bucket}")


def below(folder: str, text: str) -> str:
    """Return the address of a relative reference, which may not leave its folder.

    Args:
        folder: Address of the image root.
        text: The reference.

    Raises:
        ImageError: It leads elsewhere.

    Example:
        >>> below("s3://photos/2024", "a/../b c.jpg")
        's3://photos/2024/b c.jpg'
    """
    parts: list[str] = []
    for part in text.split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    if text.startswith("/") or ".." in parts:
        reason = f"leaves the image root: {text[:200]} (hint: --image-root)"
        raise ImageError(RowStatus.IMAGE_OUTSIDE_ROOT, reason)
    return f"{folder.rstrip('/')}/{'/'.join(parts)}"
