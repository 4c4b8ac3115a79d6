"""Draw the contact sheet of the docs: ``python scripts/make_storybook_sheet.py``."""

from pathlib import Path

from pairsift.storybook.contact_sheet import contact_sheet
from pairsift.storybook.pairs import pairs

SEED = 2026
OUTPUT = Path(__file__).parents[1] / "docs" / "images" / "storybook.png"

if __name__ == "__main__":
    items = [(pair.image, pair.caption.text, None) for pair in pairs(SEED, 0, 64, side=160)]
    sheet = contact_sheet(items, 8, title="The storybook: pairs 0 to 63 of seed 2026")
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(OUTPUT, optimize=True)
    print(f"{OUTPUT}: {sheet.width} by {sheet.height}, {OUTPUT.stat().st_size / 1024:.0f} KB")
