"""The page's colours can be told from what they stand on, by light, by dark and in print."""

import re
from importlib.resources import files

import pytest

STYLE = files("pairsift.report").joinpath("page.css").read_text(encoding="utf-8")
TEXT = ("ink", "muted", "accent", "warm")
MARKS = ("kept", "dropped", "accent", "warm")


def palettes() -> list[dict[str, str]]:
    """Return the variables of each scheme: light, dark, print; long colours."""
    found = []
    for block in re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL):
        pairs = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]+)", block))
        found.append(
            {n: c if len(c) == 7 else "#" + "".join(2 * x for x in c[1:]) for n, c in pairs.items()}
        )
    return found


def written_out(colour: str) -> str:
    return colour if len(colour) == 7 else "#" + "".join(2 * digit for digit in colour[1:])


def contrast(one: str, other: str) -> float:
    """Return the ratio of WCAG 2.1, 1.4.3."""
    first, second = sorted((luminance(one), luminance(other)), reverse=True)
    return (first + 0.05) / (second + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("palette", palettes(), ids=["light", "dark", "print"])
def test_text_and_marks_stand_out(palette: dict[str, str]) -> None:
    for name in TEXT:
        for ground in ("surface", "page", "sunk"):
            assert contrast(palette[name], palette[ground]) >= 4.5, (name, ground)
    for name in MARKS:
        assert contrast(palette[name], palette["surface"]) >= 3.0, name
    assert contrast(palette["kept"], palette["dropped"]) >= 3.0
    assert contrast(palette["ink"], palette["warm-soft"]) >= 4.5
