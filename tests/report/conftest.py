import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.report.scored import score_folder, write_pictures

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror="alert(1)">',
    "</style><style>body{display:none}</style>",
    "صورة قطة على الطاولة \u202eabc",
    "a 🐈‍⬛ on a \x00\x1b[2J mat\x7f",
    "word " * 10_000,
    "' onmouseover='alert(1)",
    "javascript:alert(1) &lt;b&gt; ${x} {{x}}",
    "//evil.example/x.png http://evil.example/y.js",
)


@pytest.fixture
def make_table(tmp_path: Path) -> Callable[..., Path]:
    """Write pictures and a table of them; the last row's picture is not there."""

    def make(captions: Sequence[str], name: str = "pairs.csv") -> Path:
        pictures = write_pictures(tmp_path / "pictures", len(captions))
        path = tmp_path / name
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["image", "caption", "category"])
            for index, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
                is_last = index == len(captions) - 1 and len(captions) > 1
                where = "pictures/none.png" if is_last else f"pictures/{picture}"
                writer.writerow([where, caption, f"kind {index % 3}"])
        return path

    return make


@pytest.fixture
def run(tmp_path: Path, make_table: Callable[..., Path]) -> Path:
    """A run of twelve pairs, one of which failed."""
    table = make_table([f"a picture of thing {index}" for index in range(12)])
    return score_folder(table, tmp_path / "scored.csv.pairsift")


@pytest.fixture
def hostile_run(tmp_path: Path, make_table: Callable[..., Path]) -> Path:
    """A run whose captions are attacks."""
    captions = [caption.replace("\x00", "") for caption in HOSTILE]
    return score_folder(make_table([*captions, "the last"]), tmp_path / "hostile.csv.pairsift")
