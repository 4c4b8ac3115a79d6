"""The benchmark of cards, on the CPU with a tiny checkpoint: it runs, and it checks first."""

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.gpu import main, matrix_rate, tower_flops
from pairsift.encoders.torch import TorchEncoder
from tests.encoders.goldens import FOLDER

pytestmark = [pytest.mark.torch, pytest.mark.slow]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    generator = np.random.default_rng(3)
    for number in range(10):
        small = generator.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        picture = Image.fromarray(small).resize((160, 120), Image.Resampling.BICUBIC)
        picture.save(folder / f"{number:02}.jpg", quality=95)
    return folder


def arguments(pictures: Path, *more: str) -> list[str]:
    return [
        "--models", f"{FOLDER / 'clip-quick'},{FOLDER / 'siglip2'}", "--device", "cpu",
        "--precision", "fp32", "--batch", "4", "--num", "10", "--repeats", "2", "--workers", "0",
        "--threads", "1", "--matrix-side", "128", "--images", str(pictures), *more,
    ]  # fmt: skip


def test_it_runs_where_there_is_no_card(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "gpu.json"
    main(arguments(pictures, "--out", str(out)))
    report = json.loads(out.read_text(encoding="utf-8"))
    assert [result["model"] for result in report["results"]] == [
        str(FOLDER / "clip-quick"),
        str(FOLDER / "siglip2"),
    ]
    for result in report["results"]:
        assert result["pairs"] == 10
        assert max(result["differences"].values()) < 1e-4
        assert all(len(rates) == 2 and min(rates) > 0 for rates in result["rates"].values())
        assert result["gflops_a_pair"] > 0
        assert set(result["share_of_matrix_rate"]) == {"pairsift, tensors", "pairsift, files"}
    assert "of the matrix rate" in capsys.readouterr().out


def test_no_time_is_printed_for_other_scores(
    pictures: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    encode = TorchEncoder.encode_images

    def turned(self: TorchEncoder, pixels: Any) -> Any:
        return encode(self, pixels)[::-1]

    monkeypatch.setattr(TorchEncoder, "encode_images", turned)
    with pytest.raises(SystemExit, match="no time is worth printing"):
        main(arguments(pictures))
    assert "pairs/s" not in capsys.readouterr().out


def test_a_wrong_product_is_no_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    torch: Any = importlib.import_module("torch")

    product = torch.Tensor.__matmul__
    monkeypatch.setattr(
        torch.Tensor, "__matmul__", lambda self, other: product(self, other) * 1.001
    )
    with pytest.raises(SystemExit, match="product of two matrices is off"):
        matrix_rate(torch, torch.device("cpu"), torch.float32, 64)


def test_operations_are_counted_as_the_formula_says(tmp_path: Path) -> None:
    """2 for each multiplication and addition; products and the patches' convolution."""
    transformers: Any = importlib.import_module("transformers")
    transformers.CLIPConfig().save_pretrained(tmp_path)
    image, texts = tower_flops(tmp_path, 224, [8, 77])
    assert image == vit_flops(50, 768, 3072, 12) + 2 * 49 * 768 * 3 * 32**2 + 2 * 768 * 512
    for length, found in texts.items():
        assert found == vit_flops(length, 512, 2048, 12) + 2 * 512 * 512


def vit_flops(tokens: int, width: int, inner: int, layers: int) -> int:
    attention = 2 * 4 * tokens * width**2 + 2 * 2 * tokens**2 * width
    return layers * (attention + 2 * 2 * tokens * width * inner)
