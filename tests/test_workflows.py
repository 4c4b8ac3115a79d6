"""The workflows are well-formed, and what they call is there."""

import importlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pairsift.models import RECORDS

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def load(path: Path) -> dict[Any, Any]:
    content = importlib.import_module("yaml").safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def commands(workflow: dict[Any, Any]) -> list[str]:
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    return [step["run"] for step in steps if "run" in step]


def test_they_are_there() -> None:
    assert [path.name for path in WORKFLOWS] == ["ci.yml", "image.yml", "models.yml"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_well_formed(path: Path) -> None:
    workflow = load(path)
    assert {"name", "jobs", "permissions"} <= set(workflow)
    assert True in workflow  # `on` is YAML 1.1 for true
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] > 0
        for step in job["steps"]:
            assert ("run" in step) != ("uses" in step)
            assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step.get("uses", "a/b@v1"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_what_they_call_exists(path: Path) -> None:
    made = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in commands(load(path)):
        for target in re.findall(r"make ([\w-]+)", command):
            assert re.search(rf"^{target}:", made, re.MULTILINE), target
        for script in re.findall(r"scripts/\w+\.py", command):
            assert (ROOT / script).is_file(), script


@pytest.mark.slow
def test_they_fit_the_schema(tmp_path: Path) -> None:
    check = [sys.executable, "-m", "check_jsonschema"]
    check += ["--builtin-schema", "vendor.github-workflows"]
    subprocess.run([*check, *WORKFLOWS], check=True, capture_output=True)
    broken = tmp_path / "ci.yml"
    text = WORKFLOWS[0].read_text(encoding="utf-8")
    broken.write_text(text.replace("runs-on:", "run-on:"), encoding="utf-8")
    assert subprocess.run([*check, broken], check=False, capture_output=True).returncode == 1


def test_every_known_model_is_proved() -> None:
    matrix = load(ROOT / ".github" / "workflows" / "models.yml")["jobs"]["prove"]["strategy"]
    assert [row["model"] for row in matrix["matrix"]["include"]] == list(RECORDS)
