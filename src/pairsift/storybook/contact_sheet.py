"""Contact sheets: many pictures with their captions and similarities on one page."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from pairsift.storybook.vocabulary import Rgb

Item = tuple[Image.Image, str, float | None]

_SIDE: Final = 160  # of a picture
_PAD: Final = 10
_GAP: Final = 14
_TEXT_SIZE: Final = 13
_LINE: Final = 17
_MOST_LINES: Final = 4
_PAGE: Final[Rgb] = (241, 243, 246)
_CARD: Final[Rgb] = (255, 255, 255)
_EDGE: Final[Rgb] = (216, 221, 228)
_INK: Final[Rgb] = (38, 42, 50)
_QUIET: Final[Rgb] = (108, 115, 126)
# From poor to good; told apart by the colour-blind (Okabe and Ito 2008: vermilion and blue).
_POOR: Final[Rgb] = (213, 94, 0)
_GOOD: Final[Rgb] = (0, 114, 178)

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def _plain(text: str) -> str:
    """One line that any font can be asked to draw."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    kept = (c if unicodedata.category(c)[0] != "C" else " " for c in text)
    return " ".join("".join(kept).split())


def _wrapped(text: str, font: Font, width: int, *, most_lines: int) -> list[str]:
    """Lines no wider than ``width``; what does not fit ends in an ellipsis."""
    lines: list[str] = []
    line = ""
    # Nobody reads more than this on a card, and a caption may have 10,000 words.
    words = _plain(text)[:400].split(" ")
    for word in words:
        wider = f"{line} {word}".strip()
        if font.getlength(wider) <= width:
            line = wider
            continue
        if line:
            lines.append(line)
        line = word
        while font.getlength(line) > width:
            cut = max(1, len(line) * width // int(font.getlength(line) + 1))
            while cut > 1 and font.getlength(line[:cut]) > width:
                cut -= 1
            lines.append(line[:cut])
            line = line[cut:]
            if len(lines) > most_lines:
                break
    lines.append(line)
    if len(lines) > most_lines:
        lines = lines[:most_lines]
        last = lines[-1]
        while last and font.getlength(f"{last}…") > width:
            last = last[:-1]
        lines[-1] = f"{last.rstrip()}…"
    return lines


def _mixed(share: float) -> Rgb:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(_POOR, _GOOD, strict=True))
    return red, green, blue


def _fitted(image: Image.Image) -> Image.Image:
    """The whole picture, as large as its place allows."""
    small = image.convert("RGB")
    scale = min(_SIDE / small.width, _SIDE / small.height)
    size = (max(1, round(small.width * scale)), max(1, round(small.height * scale)))
    return small.resize(size, Image.Resampling.LANCZOS)


def contact_sheet(
    items: Sequence[Item], columns: int = 8, *, title: str = "", low: float = 0.0, high: float = 1.0
) -> Image.Image:
    """Lay out pictures with captions and similarities.

    Args:
        items: For each card a picture, its caption, and its similarity or None.
        columns: Cards in a row.
        title: A heading; none when empty.
        low: The similarity that gets an empty bar.
        high: The similarity that gets a full bar.

    Returns:
        An RGB picture.

    Example:
        >>> contact_sheet([(Image.new("RGB", (64, 64)), "a black square", 0.31)], 1).size
        (208, 253)
    """
    font = ImageFont.load_default(_TEXT_SIZE)
    heading = ImageFont.load_default(_TEXT_SIZE + 9)
    captions = [_wrapped(text, font, _SIDE, most_lines=_MOST_LINES) for _, text, _ in items]
    has_scores = any(similarity is not None for _, _, similarity in items)
    top = _GAP + (38 if title else 0)
    rows = math.ceil(len(items) / columns)
    wide = _SIDE + 2 * _PAD
    heights = []
    for row in range(rows):
        num_lines = max(len(lines) for lines in captions[row * columns : (row + 1) * columns])
        heights.append(_SIDE + 2 * _PAD + 6 + num_lines * _LINE + (22 if has_scores else 0))
    page = Image.new(
        "RGB",
        (columns * (wide + _GAP) + _GAP, top + sum(heights) + len(heights) * _GAP),
        _PAGE,
    )
    draw = ImageDraw.Draw(page)
    if title:
        draw.text((_GAP, _GAP - 2), _plain(title), fill=_INK, font=heading)
    for number, ((image, _, similarity), lines) in enumerate(zip(items, captions, strict=True)):
        row, column = divmod(number, columns)
        x = _GAP + column * (wide + _GAP)
        y = top + sum(heights[:row]) + row * _GAP
        box = (x, y, x + wide - 1, y + heights[row] - 1)
        draw.rounded_rectangle(box, radius=8, fill=_CARD, outline=_EDGE)
        small = _fitted(image)
        page.paste(
            small, (x + _PAD + (_SIDE - small.width) // 2, y + _PAD + (_SIDE - small.height) // 2)
        )
        bottom = y + _PAD + _SIDE + 6
        if similarity is not None:
            share = min(1.0, max(0.0, (similarity - low) / (high - low)))
            draw.text((x + _PAD, bottom), f"{similarity:.3f}", fill=_mixed(share), font=font)
            bar = (x + _PAD + 48, bottom + 5, x + _PAD + _SIDE - 1, bottom + 11)
            draw.rounded_rectangle(bar, radius=3, fill=_EDGE)
            if share > 0.04:
                full = (bar[0], bar[1], bar[0] + round((bar[2] - bar[0]) * share), bar[3])
                draw.rounded_rectangle(full, radius=3, fill=_mixed(share))
        elif has_scores:
            draw.text((x + _PAD, bottom), "no score", fill=_QUIET, font=font)
        bottom += 22 if has_scores else 0
        for line in lines:
            draw.text((x + _PAD, bottom), line, fill=_INK, font=font)
            bottom += _LINE
    return page
