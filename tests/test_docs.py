"""The pages that are made from the code are equal to it."""

import subprocess
import sys
import tomllib
from pathlib import Path

from pairsift.errors import PairsiftError

ROOT = Path(__file__).parents[1]


def test_generated_pages_are_fresh() -> None:
    command = [sys.executable, "scripts/make_docs.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), "run scripts/make_docs.py"


def test_every_exit_code_of_an_error_is_explained() -> None:
    page = (ROOT / "docs" / "exit-codes.md").read_text(encoding="utf-8")
    codes = {PairsiftError.exit_code} | {error.exit_code for error in all_errors(PairsiftError)}
    assert all(f"| {code} |" in page for code in codes)


def test_every_dependency_has_a_reason() -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = [name.split(">")[0] for name in project["dependencies"]]
    names += [n.split(">")[0] for extra in project["optional-dependencies"].values() for n in extra]
    assert [name for name in names if f"| `{name}` |" not in page] == []


def all_errors(error: type[PairsiftError]) -> set[type[PairsiftError]]:
    children = set(error.__subclasses__())
    return children | {inner for child in children for inner in all_errors(child)}
