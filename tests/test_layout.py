"""The package's shape: imports point down, and importing it is cheap."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "pairsift"

# A module imports only from lines above its own, or from its own line leftwards.
LINES: list[list[str]] = [
    ["statuses", "errors", "histograms", "stages", "schema", "allowance"],
    ["config", "protocols"],
    ["images", "checkpoints", "recipes", "preprocess", "tokenization", "records", "models"],
    ["formulas", "measures", "objects", "locks", "hub", "pulls", "cards", "weights"],
    ["sources"],
    ["storybook"],
    ["encoders"],
    ["tables"],
    ["runs", "job"],
    [
        "memory",
        "isolation",
        "decoding",
        "embedding",
        "pairing",
        "scorers",
        "calculator",
        "scoring",
        "given",
        "build",
    ],
    ["engines"],
    ["curation"],
    ["fingerprints", "invariants", "checking", "planning", "agreement", "quantizing", "comparing"],
    ["api", "spark"],
    ["charts", "progress", "summary", "demo", "options", "report", "model_commands"],
    [
        "interrupts",
        "curation_summary",
        "balance_summary",
        "curation_commands",
        "balance_commands",
        "finding_summary",
        "finding_commands",
    ],
    ["planning_summary", "planning_commands", "cli"],
]
RANK = {name: (row, column) for row, line in enumerate(LINES) for column, name in enumerate(line)}
HEAVY = (
    "aiohttp",
    "numpy",
    "obstore",
    "pyarrow",
    "openvino",
    "torch",
    "PIL",
    "tokenizers",
    "huggingface_hub",
    "rich",
)


def module_names() -> list[str]:
    return sorted(
        path.relative_to(SOURCE).parts[0].removesuffix(".py") for path in SOURCE.rglob("*.py")
    )


def imported_modules(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            if node.module == "pairsift":
                found |= {alias.name for alias in node.names}
            elif node.module and node.module.startswith("pairsift."):
                found.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("pairsift.")}
    return found


def violations(rank: dict[str, tuple[int, int]]) -> list[str]:
    wrong: list[str] = []
    for path in SOURCE.rglob("*.py"):
        own = path.relative_to(SOURCE).parts[0].removesuffix(".py")
        if own in ("__init__", "__main__"):
            continue
        wrong += [
            f"{path.relative_to(SOURCE)} imports {other}"
            for other in imported_modules(path) - {own, "__version__"}
            if other not in rank or own not in rank or rank[other] >= rank[own]
        ]
    return wrong


def test_imports_point_down() -> None:
    assert violations(RANK) == []


def test_a_turned_order_is_noticed() -> None:
    turned = {name: (-row, -column) for name, (row, column) in RANK.items()}
    assert violations(turned)


def test_every_module_has_a_place() -> None:
    assert set(module_names()) - set(RANK) - {"__init__", "__main__", "data"} == set()


def test_depth_is_one() -> None:
    code = [p for p in SOURCE.rglob("*.py") if "data" not in p.relative_to(SOURCE).parts]
    assert max(len(path.relative_to(SOURCE).parts) for path in code) <= 2


@pytest.mark.parametrize("statement", ["import pairsift", "import pairsift.config"])
def test_import_is_light(statement: str) -> None:
    probe = f"import sys; {statement}; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
