"""Draws a run's curves from its log: ``python -m training.curves LOG PNG``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageDraw, ImageFont

# Okabe and Ito 2008: colours that stay apart for everybody.
_INKS: Final = {
    "kind": "#D55E00",
    "colour": "#009E73",
    "count": "#CC79A7",
    "size": "#E69F00",
    "side": "#56B4E9",
    "right": "#0072B2",
}
_STAGES: Final = ("words", "look", "both")
_PANEL: Final = (460, 320)
_LEFT, _TOP, _RIGHT, _BOTTOM = 44, 34, 70, 34
_NOT_SHARES: Final = ("time", "stage", "step", "rate", "loss", "contrast", "far", "spots")


def read_log(path: Path) -> list[dict[str, Any]]:
    """Read a run's log.

    Args:
        path: The JSON Lines file.

    Returns:
        Its lines.
    """
    return [json.loads(line) for line in path.read_text().splitlines()]


def draw_curves(log: list[dict[str, Any]]) -> Image.Image:
    """Draw one panel a stage: how often each sort of fact was right, by step.

    Args:
        log: The lines of a run's log.

    Returns:
        The picture.
    """
    stages = [name for name in _STAGES if any(line["stage"] == name for line in log)]
    sheet = Image.new("RGB", (_PANEL[0] * len(stages), _PANEL[1]), "white")
    for number, stage in enumerate(stages):
        lines = [line for line in log if line["stage"] == stage]
        sheet.paste(_draw_panel(stage, lines), (number * _PANEL[0], 0))
    return sheet


def _draw_panel(stage: str, lines: list[dict[str, Any]]) -> Image.Image:
    image = Image.new("RGB", _PANEL, "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(12)
    last = max(line["step"] for line in lines)

    def at(step: float, value: float) -> tuple[float, float]:
        across = step / last * (_PANEL[0] - _LEFT - _RIGHT)
        return _LEFT + across, _PANEL[1] - _BOTTOM - value * (_PANEL[1] - _TOP - _BOTTOM)

    for tick in range(0, 11, 2):
        draw.line([at(0, tick / 10), at(last, tick / 10)], fill="#DDDDDD")
        x, y = at(0, tick / 10)
        draw.text((x - 6, y), f"{tick / 10:.1f}", fill="#444444", font=font, anchor="rm")
    title = f"{stage}: share right in training, by step"
    draw.text((_LEFT, 14), title, fill="black", font=font, anchor="lm")
    x, y = at(last, 0)
    draw.text((x, y + 8), f"{last} steps", fill="#444444", font=font, anchor="ra")
    names = [name for name in lines[-1] if name not in _NOT_SHARES]
    ends = sorted(((lines[-1][name], name) for name in names), reverse=True)
    highest = 0.0
    for value, name in ends:
        ink = _INKS.get(name, "#000000")
        draw.line([at(line["step"], line[name]) for line in lines], fill=ink, width=2)
        # Names stand where their lines end, but never on each other.
        highest = max(highest + 14, at(last, value)[1])
        draw.text((x + 6, highest), f"{name}", fill=ink, font=font, anchor="lm")
    return image


def main(arguments: list[str]) -> None:
    log, picture = map(Path, arguments)
    draw_curves(read_log(log)).save(picture, optimize=True)


if __name__ == "__main__":
    main(sys.argv[1:])
