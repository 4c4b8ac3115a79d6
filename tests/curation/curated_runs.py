"""Small runs that were really scored, for what reads pictures again."""

from pathlib import Path

from PIL import Image

from pairsift import open_run
from pairsift.cli import run
from pairsift.runs import Run

NUM = 12
MISSING = 5
COPY = 7  # the same picture as row 2


def scored_run(folder: Path) -> Run:
    """Score a CSV of twelve small pictures with the fake encoder; one is missing, one a copy."""
    folder.mkdir(exist_ok=True)
    lines = ["image,caption,theme,note"]
    for n in range(NUM):
        shade = 2 if n == COPY else n
        if n != MISSING:
            picture = Image.new("RGB", (16, 12), (20 * shade, 90, 255 - 20 * shade))
            picture.save(folder / f"{n}.png")
        lines.append(f'{n}.png,"caption of picture {n}",{"ab"[n % 2]},007')
    (folder / "pairs.csv").write_text("\r\n".join(lines) + "\r\n", encoding="utf-8")
    arguments = ["score", str(folder / "pairs.csv"), "-o", str(folder / "scored.csv")]
    if run([*arguments, "--runtime", "fake"]) != 0:
        raise RuntimeError("scoring failed")
    return open_run(folder / "scored.csv")
