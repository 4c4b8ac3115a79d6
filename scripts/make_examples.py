#!/usr/bin/env python3
"""Run the README's commands and put what they print into the README, and the demo's picture too.

Speeds differ from machine to machine, so no test compares them; run it again when the output of a
command changes. It needs the built-in models.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURE = (
    "![The best and the worst of 300 drawn pairs, with their captions and similarities]"
    "(docs/images/demo.png)"
)
COMMANDS = {
    "storybook": "pairsift storybook book --pairs 1000 --seed 5"
    " --faults swap=0.02,word=0.01,broken-image=0.005",
    "score": "pairsift score book/pairs.csv -o scored.csv --model storybook",
    "check": "pairsift models check storybook",
}


def printed(command: str, folder: Path) -> str:
    """Return what a command prints, both streams, without the blanks at line ends."""
    done = subprocess.run(
        [sys.executable, "-m", "pairsift", *command.split()[1:]],
        cwd=folder,
        check=True,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return "\n".join(line.rstrip() for line in done.stdout.strip("\n").splitlines())


def filled(readme: str, mark: str, text: str) -> str:
    """Return the README with the text between a mark and its end replaced."""
    begin = readme.index(mark) + len(mark)
    end = readme.index("<!-- end -->", begin)
    return f"{readme[:begin]}\n{text}\n{readme[end:]}"


def python_block(readme: str) -> str:
    found = re.search(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    if found is None:
        raise SystemExit("the README has no Python block")
    return found[1]


def main() -> None:
    page = ROOT / "README.md"
    readme = page.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for key, command in COMMANDS.items():
            block = f"```\n$ {command}\n{printed(command, folder)}\n```"
            readme = filled(readme, f"<!-- output: {key} -->", block)
        subprocess.run([sys.executable, "-c", python_block(readme)], cwd=folder, check=True)
        printed("pairsift demo demo", folder)
        readme = filled(readme, "<!-- picture -->", PICTURE)
        shutil.copy(folder / "demo" / "contact-sheet.png", ROOT / "docs" / "images" / "demo.png")
    page.write_text(readme, encoding="utf-8")


if __name__ == "__main__":
    main()
