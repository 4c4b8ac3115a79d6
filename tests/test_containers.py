"""The images as far as they can be looked at without building them."""

import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
CONSTRAINTS = (ROOT / "docker" / "constraints.txt").read_text(encoding="utf-8")
EXTRAS = ("cloud", "curate", "torch")


def instructions(name: str) -> list[list[str]]:
    joined = DOCKERFILE.replace("\\\n", " ")
    return [shlex.split(line)[1:] for line in joined.splitlines() if line.startswith(f"{name} ")]


def lint(text: str) -> subprocess.CompletedProcess[str]:
    hadolint = Path(sys.executable).with_name("hadolint")
    return subprocess.run(
        [str(hadolint), "-"], input=text, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_hadolint_has_nothing_to_say() -> None:
    done = lint(DOCKERFILE)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("right", "wrong", "rule"),
    [
        ("USER 10001:10001\n", "USER root\n", "DL3002"),
        ("--no-cache-dir --constraint", "--constraint", "DL3042"),
        ("RUN groupadd", "RUN cd /tmp && groupadd", "DL3003"),
    ],
)
def test_hadolint_would_say_it(right: str, wrong: str, rule: str) -> None:
    assert right in DOCKERFILE
    assert rule in lint(DOCKERFILE.replace(right, wrong)).stdout


def test_the_base_is_pinned_by_its_full_tag() -> None:
    """Hadolint does not look behind ARG."""
    ((base,),) = instructions("ARG")
    assert re.fullmatch(r"PYTHON_IMAGE=python:3\.\d+\.\d+-slim-\w+", base)
    assert base.partition("=")[2] in (ROOT / "docs" / "containers.md").read_text(encoding="utf-8")
    stages = {line[2] for line in instructions("FROM")}
    assert {line[0] for line in instructions("FROM")} - stages == {"${PYTHON_IMAGE}"}


def test_images_do_not_run_as_root() -> None:
    stages = re.split(r"^FROM .* AS (\w+)$", DOCKERFILE, flags=re.MULTILINE)
    ends = {
        name: body.strip().splitlines()[-1]
        for name, body in zip(stages[1::2], stages[2::2], strict=True)
    }
    assert list(ends)[-1] == "cpu"  # the default
    assert ends["cpu"] == ends["cuda"] == "USER 10001:10001"


def test_whatever_is_kept_goes_where_any_user_may_write() -> None:
    """Weights and copies of tables: with ``--user`` there is no home, and / is read-only."""
    variables = dict(word.split("=", 1) for line in instructions("ENV") for word in line)
    assert variables["HF_HOME"] == variables["XDG_CACHE_HOME"] == "/cache"
    assert any("--mode 1777 /cache" in " ".join(line) for line in instructions("RUN"))


def test_what_is_copied_is_there_and_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for *sources, _ in instructions("COPY"):
        for source in sources:
            if sources[0].startswith("--from"):
                continue
            assert (ROOT / source).exists(), source
            assert f"!{source.split('/')[0]}" in ignored, source


def test_every_dependency_is_pinned_to_a_version_that_fits() -> None:
    lines = [line for line in CONSTRAINTS.splitlines() if not line.startswith("#")]
    pinned = dict(line.split("==") for line in lines)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = list(project["dependencies"])
    wanted += [name for extra in EXTRAS for name in project["optional-dependencies"][extra]]
    for requirement in map(Requirement, wanted):
        assert requirement.specifier.contains(pinned[requirement.name]), requirement
    used = re.findall(r"\.whl\)\[([\w,]+)\]", DOCKERFILE)
    assert {name for extras in used for name in extras.split(",")} == set(EXTRAS)


def test_the_devcontainer_calls_what_is_there() -> None:
    path = ROOT / ".devcontainer" / "devcontainer.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    folder = settings["containerEnv"]["VENV"]
    assert settings["remoteUser"] != "root"
    assert settings["postCreateCommand"] == f"make {folder}/.installed-all"
    interpreter = settings["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"]
    assert interpreter == f"{folder}/bin/python"
    # `make test-all` runs Spark, which needs Java.
    assert any("/java:" in feature for feature in settings["features"])
    dry = ["make", "--dry-run", *settings["postCreateCommand"].split()[1:], f"VENV={folder}"]
    done = subprocess.run(dry, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "--group dev" in done.stdout
