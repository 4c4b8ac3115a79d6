"""Contact sheets take any picture and any caption."""

import pytest
from PIL import Image

from pairsift.storybook.contact_sheet import contact_sheet
from pairsift.storybook.pairs import pairs


def test_a_sheet_shows_its_pictures() -> None:
    items = [(pair.image, pair.caption.text, 0.3) for pair in pairs(1, 0, 5)]
    sheet = contact_sheet(items, 3, title="Pairs")
    assert sheet.mode == "RGB"
    # Three cards wide, two rows high.
    assert 3 * 180 < sheet.width < 3 * 220
    assert 2 * 190 < sheet.height < 2 * 320
    card = sheet.crop((24, 62, 184, 222))
    original = items[0][0].resize((160, 160), Image.Resampling.LANCZOS)
    assert card.tobytes() == original.tobytes()


@pytest.mark.parametrize(
    "caption",
    [
        "",
        "猫が二匹 и кот",
        "\U0001f431" * 50,
        "a\0b\nc\td",
        "\ud800 lone",
        "שלום",
        "x" * 5000,
        "word " * 10_000,
    ],
)
def test_any_caption(caption: str) -> None:
    sheet = contact_sheet([(Image.new("L", (30, 900)), caption, None)], 1)
    assert sheet.height < 340


@pytest.mark.parametrize("similarity", [-1.0, 0.0, 0.5, 1.0, 7.5])
def test_any_similarity(similarity: float) -> None:
    items = [(Image.new("RGB", (5, 5)), "a", similarity), (Image.new("RGB", (5, 5)), "b", None)]
    assert contact_sheet(items, 2, low=0.2, high=0.4).width > 360
