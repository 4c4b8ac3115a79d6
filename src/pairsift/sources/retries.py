"""When to ask again: exponential backoff with jitter, and what the server asks for."""

import hashlib
import time
from email.utils import parsedate_to_datetime

from pairsift.errors import ImageError

FIRST_DELAY_SECONDS = 0.5
MAX_DELAY_SECONDS = 8.0


class TryAgainError(Exception):
    """An attempt failed in a way that may pass.

    Args:
        failure: What the row gets if there is no further attempt.
        retry_after: Seconds that the server asks to wait, or None.
        is_silent: The host did not answer at all.
        is_busy: The host asks everybody to come back later.
    """

    def __init__(
        self,
        failure: ImageError,
        retry_after: float | None = None,
        *,
        is_silent: bool = False,
        is_busy: bool = False,
    ) -> None:
        super().__init__(failure, retry_after)
        self.failure = failure
        self.retry_after = retry_after
        self.is_silent = is_silent
        self.is_busy = is_busy


def delay_seconds(url: str, attempt: int) -> float:
    """Return how long to wait after an attempt, if the server does not say.

    The jitter is derived from the URL: many rows spread out, and a run can be repeated.

    Args:
        url: What is asked for.
        attempt: From 0.

    Returns:
        Between half and the whole of 0.5, 1, 2, 4, 8, 8, … seconds.

    Example:
        >>> 0.25 <= delay_seconds("http://example.org/", 0) < 0.5
        True
    """
    digest = hashlib.sha256(f"{attempt} {url}".encode()).digest()
    share = 0.5 + int.from_bytes(digest[:4], "big") / 2**33
    return share * min(MAX_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2.0**attempt)


def parse_retry_after(value: str | None, *, now: float | None = None) -> float | None:
    """Return the seconds that a Retry-After header asks to wait (RFC 9110, section 10.2.3).

    Args:
        value: Seconds or an HTTP date.
        now: Seconds since the epoch (default: the clock).

    Returns:
        0 or more, or None where there is no such header or it makes no sense.

    Example:
        >>> parse_retry_after("120")
        120.0
        >>> parse_retry_after("Thu, 01 Jan 1970 00:01:00 GMT", now=20.0)
        40.0
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:10])
    try:
        moment = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, moment - (time.time() if now is None else now))
