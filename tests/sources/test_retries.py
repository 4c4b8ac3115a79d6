"""When to ask again."""

import time
from email.utils import formatdate

import pytest

from pairsift.sources.retries import MAX_DELAY_SECONDS, delay_seconds, parse_retry_after


def test_delays_grow_spread_and_repeat() -> None:
    found = [[delay_seconds(f"http://a/{row}", at) for at in range(8)] for row in range(50)]
    for delays in found:
        for attempt, seconds in enumerate(delays):
            whole = min(MAX_DELAY_SECONDS, 0.5 * 2**attempt)
            assert whole / 2 <= seconds < whole
    assert len({delays[0] for delays in found}) == 50
    assert found[3] == [delay_seconds("http://a/3", attempt) for attempt in range(8)]


@pytest.mark.parametrize("value", [None, "", "soon", "-1", "1.5", "Thu, 99 Xyz", "٣"])
def test_what_makes_no_sense_is_not_obeyed(value: str | None) -> None:
    assert parse_retry_after(value) is None


def test_seconds_and_dates() -> None:
    assert parse_retry_after(" 7 ") == 7
    assert parse_retry_after("9" * 400) == 9_999_999_999
    later = parse_retry_after(formatdate(time.time() + 100, usegmt=True))
    assert later is not None
    assert 90 < later <= 100
    assert parse_retry_after("Thu, 01 Jan 1970 00:00:00 GMT") == 0
