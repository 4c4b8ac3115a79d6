"""Counts, bytes and durations as people write them."""

import pytest

from pairsift.errors import UsageError
from pairsift.planning.amounts import format_bytes, format_duration, parse_amount


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("100M", 100_000_000),
        ("1.5B", 1_500_000_000),
        ("51", 51),
        (" 12k ", 12_000),
        ("2g", 2_000_000_000),
        ("1,000,000", 1_000_000),
        ("1_000", 1_000),
        (".5K", 500),
    ],
)
def test_counts(text: str, amount: int) -> None:
    assert parse_amount(text) == amount


@pytest.mark.parametrize("text", ["", "0", "-5", "many", "10 T", "1e8", "M", "0.0001k", "nan"])
def test_what_is_no_count(text: str) -> None:
    with pytest.raises(UsageError, match=r"give 100M, 1\.5B or 51"):
        parse_amount(text)


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1_000, "1.00 kB"), (999_700, "1.00 MB"),
     (45_600_000, "45.6 MB"), (307e9, "307 GB"), (2e18, "2,000 PB")],
)  # fmt: skip
def test_bytes(count: float, text: str) -> None:
    assert format_bytes(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (89, "89 s"), (90, "1.50 min"), (5_399, "90.0 min"), (5_400, "1.50 h"),
     (864_000, "10.0 days"), (1e9, "11,574 days")],
)  # fmt: skip
def test_durations(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
