"""NNCF: quiet, repeatable, and the projection stays float32."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import openvino as ov
import pytest

from pairsift.encoders.graph import build_image_tower
from pairsift.errors import MissingExtraError
from pairsift.models import DATA, find_record
from pairsift.quantizing import towers
from pairsift.quantizing.towers import last_product, quantize_tower

pytestmark = pytest.mark.quantize

ROOT = Path(__file__).parents[2]
NAME = "storybook-small"


def small_tower() -> ov.Model:
    return build_image_tower(DATA / NAME, find_record(NAME))


def pixels(num: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 255, (1, 96, 96, 3), dtype=np.uint8) for _ in range(num)]


def test_the_same_pairs_give_the_same_tower(capfd: pytest.CaptureFixture[str]) -> None:
    one, other = (quantize_tower(small_tower(), pixels(4)) for _ in range(2))
    told = capfd.readouterr()
    assert (told.out, told.err) == ("", "")
    for left, right in zip(one.get_ordered_ops(), other.get_ordered_ops(), strict=True):
        assert left.get_type_name() == right.get_type_name()
        if left.get_type_name() == "Constant":
            assert np.array_equal(left.get_data(), right.get_data())


def test_all_products_but_the_last_have_ranges() -> None:
    plain = small_tower()
    tower = quantize_tower(plain, pixels(4))
    products = [op for op in tower.get_ops() if op.get_type_name() == "MatMul"]
    kinds = {
        op.get_friendly_name(): op.input_value(0).get_node().get_type_name() for op in products
    }
    without = {name for name, kind in kinds.items() if kind != "FakeQuantize"}
    assert without == {last_product(tower)}
    assert len(kinds) > 10


def test_nothing_is_reported(tmp_path: Path) -> None:
    script = (
        "import pairsift.encoders.openvino, sys\n"
        "from pairsift.quantizing.towers import load_nncf\n"
        "nncf = load_nncf()\n"
        "import nncf.telemetry.wrapper as w, nncf.telemetry.decorator as d\n"
        "print(type(w.telemetry).__name__, type(d.telemetry).__name__)"
    )
    kept = {k: v for k, v in os.environ.items() if k not in ("CI", "NNCF_CI")}
    environment = {**kept, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["MagicMock", "MagicMock"]
    assert list(tmp_path.iterdir()) == []


def test_a_missing_extra_says_its_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nncf", None)
    with pytest.raises(MissingExtraError, match=r'pip install "pairsift\[quantize\]"'):
        towers.load_nncf()
