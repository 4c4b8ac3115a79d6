"""Which device, which precision, and a probe that sees what really runs."""

import importlib
from types import SimpleNamespace
from typing import Any

import pytest

from pairsift.encoders import torch_device
from pairsift.encoders.torch_device import choose_precision, find_devices, probe_precision
from pairsift.errors import UnknownNameError


def machine(*, cuda: int = 0, mps: bool = False) -> Any:
    """Return what PyTorch says of a machine with these devices."""
    return SimpleNamespace(
        cuda=SimpleNamespace(device_count=lambda: cuda),
        backends=SimpleNamespace(mps=SimpleNamespace(is_available=lambda: mps)),
    )


@pytest.mark.parametrize(
    ("wish", "there", "expected"),
    [
        ("auto", {}, ("cpu",)),
        ("auto", {"mps": True}, ("mps",)),
        ("auto", {"cuda": 2}, ("cuda:0", "cuda:1")),
        ("cuda", {"cuda": 1}, ("cuda:0",)),
        ("cuda", {"cuda": 3}, ("cuda:0", "cuda:1", "cuda:2")),
        ("cuda:1", {"cuda": 3}, ("cuda:1",)),
        ("cuda:2, cuda:0", {"cuda": 3}, ("cuda:2", "cuda:0")),
        ("cpu,cpu", {"cuda": 1}, ("cpu", "cpu")),
    ],
)
def test_found(wish: str, there: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert find_devices(machine(**there), wish) == expected


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ("cuda:3", r"no device 'cuda:3' here; available: cpu \(1\), cuda \(3\)"),
        ("cuda:-1", "no device"),
        ("cuda:x", "no device"),
        ("mps", "no device"),
        ("cuda:0,", "no device ''"),
        ("cpu,cuda:0", "devices of one kind"),
    ],
)
def test_not_found(wish: str, words: str) -> None:
    with pytest.raises(UnknownNameError, match=words):
        find_devices(machine(cuda=3), wish)


@pytest.fixture(scope="module")
def torch() -> Any:
    return importlib.import_module("torch")


@pytest.mark.torch
@pytest.mark.parametrize("name", ["fp32", "bf16", "fp16"])
def test_the_probe_tells_the_types_apart(torch: Any, name: str) -> None:
    found, kind = choose_precision(torch, name, on_cpu=True)
    assert found == name
    assert probe_precision(torch, torch.device("cpu"), kind) == (name, name)


@pytest.mark.torch
def test_the_probe_knows_tf32(torch: Any) -> None:
    side = torch_device.PROBE_SIDE
    values = torch.zeros((side, side))
    for place, value in enumerate(torch_device.PROBE_VALUES):
        values[place, place] = value
    # TF32 keeps 10 of the 23 bits of a fraction.
    cut = (values.view(torch.int32) & ~0x1FFF).view(torch.float32)
    assert torch_device._precision_of(cut) == "tf32"
    assert torch_device._precision_of(values) == "fp32"


@pytest.mark.torch
def test_auto_precision(torch: Any) -> None:
    assert choose_precision(torch, "auto", on_cpu=True)[0] == "fp32"
    assert choose_precision(torch, "auto", on_cpu=False)[0] == "fp16"
    with pytest.raises(UnknownNameError, match="fp8"):
        choose_precision(torch, "fp8", on_cpu=True)


@pytest.mark.torch
def test_shortcuts_are_off(torch: Any) -> None:
    torch.backends.cudnn.allow_tf32 = True
    torch_device.forbid_shortcuts(torch)
    assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction
    assert torch.get_float32_matmul_precision() == "highest"
