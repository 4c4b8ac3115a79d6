"""Figures and tables that comparisons are tested with."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pairsift.comparing.figures import Figures

FIGURES = Figures(
    name="large fp32",
    model="models/large",
    precision="fp32",
    pairs_per_second=100.0,
    peak_bytes=2_000_000_000,
    setup_seconds=1.0,
    auc=0.99,
    auc_95=(0.98, 0.995),
    auc_gap=0.0,
    auc_gap_95=(0.0, 0.0),
    spearman=1.0,
    kendall=1.0,
    kept=30,
    kept_jaccard=1.0,
    kept_shared=1.0,
    is_reference=True,
    is_on_front=True,
)


def three() -> list[Figures]:
    """A reference, a faster one that is on the front, and one that is not."""

    def other(**changes: Any) -> Figures:
        return replace(FIGURES, is_reference=False, **changes)

    small = other(
        name="small bf16",
        model="models/small",
        precision="bf16",
        pairs_per_second=1_500.0,
        auc=0.95,
        auc_95=(0.94, 0.96),
        spearman=0.75,
        kept_shared=0.6,
    )
    beaten = other(name="old int8", model="old", precision="int8", auc=0.9, is_on_front=False)
    return [FIGURES, small, replace(beaten, auc_95=(0.88, 0.92), pairs_per_second=400.0)]


def write_pairs(folder: Path, num: int, *, broken: int = 0, missing: int = 0) -> str:
    """Write a table of small pictures, all different; the last ones cannot be read."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(7)
    lines = ["image,caption"]
    for row in range(num):
        pixels = generator.integers(0, 256, (40, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{row}.png")
        lines.append(f"{row}.png,caption number {row}")
    for row in range(broken):
        (folder / f"broken{row}.png").write_bytes(b"no picture")
        lines.append(f"broken{row}.png,a broken one")
    lines += [f"missing{row}.png,one that is not there" for row in range(missing)]
    (folder / "pairs.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(folder / "pairs.csv")
