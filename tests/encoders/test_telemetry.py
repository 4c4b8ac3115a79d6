"""Nothing that runs the towers reports to anybody."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Every module that imports either: imported first in its process, it must find them hidden.
IMPORTS = re.compile(r"^\s*(import|from) (openvino|nncf)\b", re.MULTILINE)
MODULES = sorted(
    ".".join(path.relative_to(ROOT / "src").with_suffix("").parts)
    for path in (ROOT / "src" / "pairsift").rglob("*.py")
    if IMPORTS.search(path.read_text(encoding="utf-8"))
)
SHOWS = "import sys; print(type(sys.modules.get('openvino_telemetry')).__name__)"


@pytest.mark.parametrize("module", MODULES)
def test_openvino_finds_nothing_to_report_with(module: str, tmp_path: Path) -> None:
    assert imported(f"import {module}; {SHOWS}", tmp_path) == "NoneType"
    assert list(tmp_path.iterdir()) == []


def test_there_are_such_modules() -> None:
    assert {f"pairsift.encoders.{name}" for name in ("graph", "onnx", "openvino")} <= set(MODULES)


def test_openvino_alone_would_have_something(tmp_path: Path) -> None:
    # Were this to fail, the line in `pairsift.encoders` could go.
    assert imported(f"import openvino; {SHOWS}", tmp_path, TF_BUILD="1") == "module"


def imported(statement: str, home: Path, **more: str) -> str:
    """Return what a new process prints that has a home folder and is on no CI.

    Where ``TF_BUILD`` is set, OpenVINO sends nothing, as on any CI that it knows.
    """
    kept = {name: value for name, value in os.environ.items() if name not in ("CI", "NNCF_CI")}
    environment = {**kept, "HOME": str(home), "PYTHONPATH": str(ROOT / "src"), **more}
    command = [sys.executable, "-c", statement]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()
