"""Numbers as people write and read them."""

import re

from pairsift.errors import UsageError

_FACTORS = {"": 1, "k": 1_000, "m": 1_000_000, "b": 1_000_000_000, "g": 1_000_000_000}
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?|\.\d+)([kmbg]?)", re.IGNORECASE)
_BYTE_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


def parse_amount(text: str) -> int:
    """Return a count as people write it.

    Args:
        text: Digits with an optional K, M or B (or G); commas and underscores are skipped.

    Raises:
        UsageError: It is no such count, or less than one.

    Example:
        >>> parse_amount("100M"), parse_amount("1.5B"), parse_amount("51")
        (100000000, 1500000000, 51)
    """
    found = _AMOUNT.fullmatch(text.strip().replace(",", "").replace("_", ""))
    amount = round(float(found[1]) * _FACTORS[found[2].lower()]) if found else 0
    if amount < 1:
        message = f"--pairs {text!r} is no count of pairs; give 100M, 1.5B or 51"
        raise UsageError(message)
    return amount


def format_bytes(count: float) -> str:
    """Return bytes in decimal units, three digits.

    Example:
        >>> format_bytes(1536), format_bytes(307e9), format_bytes(12)
        ('1.54 kB', '307 GB', '12 bytes')
    """
    power = 0
    while count >= 999.5 and power < len(_BYTE_UNITS) - 1:
        count, power = count / 1000.0, power + 1
    shown = _three_digits(count) if power else f"{count:.0f}"
    return f"{shown} {_BYTE_UNITS[power]}"


def format_duration(seconds: float) -> str:
    """Return a duration in the unit in which a person would say it.

    Example:
        >>> format_duration(42), format_duration(900), format_duration(86400), format_duration(1e6)
        ('42 s', '15.0 min', '24.0 h', '11.6 days')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{_three_digits(seconds / 60)} min"
    if seconds < 72 * 3600:
        return f"{_three_digits(seconds / 3600)} h"
    return f"{_three_digits(seconds / 86400)} days"


def _three_digits(value: float) -> str:
    decimals = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{decimals}f}"
