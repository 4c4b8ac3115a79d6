"""Which device and which arithmetic PyTorch uses, and the proof that it does.

PyTorch itself is passed in: it is imported in ``encoders.torch`` alone.
"""

from typing import Any

from pairsift.errors import UnknownNameError

PROBE_SIDE = 64
# Each survives in some types only: in bf16 1 + 2⁻⁹ is 1; in fp16 and TF32 1 + 2⁻¹³ is 1; and in
# fp16, which ends at 65,504, 2¹⁷ is infinite (IEEE 754; TF32 has fp16's 10 bits and fp32's range).
PROBE_VALUES = (1 + 2**-9, 1 + 2**-13, 2.0**17)


def find_devices(torch: Any, wish: str) -> tuple[str, ...]:
    """Return the devices that a wish stands for, by their full names.

    Args:
        torch: The library.
        wish: ``auto`` (every CUDA device, else MPS, else the CPU), ``cuda`` (every one that is
            visible), ``cuda:N``, ``mps``, ``cpu``, or several of one kind with commas between.

    Raises:
        UnknownNameError: There is no such device here, or the kinds are mixed.
    """
    there = {
        "cpu": 1,
        "cuda": torch.cuda.device_count(),
        "mps": int(torch.backends.mps.is_available()),
    }
    if wish == "auto":
        wish = next(kind for kind in ("cuda", "mps", "cpu") if there[kind])
    names: list[str] = []
    for part in wish.split(","):
        kind, _, number = part.strip().partition(":")
        if not there.get(kind) or (number and not _is_below(number, there[kind])):
            found = ", ".join(f"{name} ({count})" for name, count in there.items() if count)
            message = f"no device {part!r} here; available: {found}"
            raise UnknownNameError(message)
        numbers = [number] if number else range(there[kind])
        names += [f"{kind}:{each}" if kind == "cuda" else kind for each in numbers]
    if len({name.partition(":")[0] for name in names}) > 1:
        message = f"devices of one kind only, not {wish!r}: their numbers differ"
        raise UnknownNameError(message)
    return tuple(names)


def _is_below(number: str, count: int) -> bool:
    return number.isdecimal() and int(number) < count


def choose_precision(torch: Any, wish: str, *, on_cpu: bool) -> tuple[str, Any]:
    """Return the precision and its type; auto is fp32 on the CPU and fp16 on accelerators.

    OpenAI trained and ran CLIP in fp16; sums and norms here stay in fp32.

    Raises:
        UnknownNameError: There is no such precision.
    """
    types = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    name = ("fp32" if on_cpu else "fp16") if wish == "auto" else wish
    if name not in types:
        message = f"unknown precision {wish!r}; accepted: auto, {', '.join(types)}"
        raise UnknownNameError(message)
    return name, types[name]


def forbid_shortcuts(torch: Any) -> None:
    """Have products computed in the type that they are written in, and summed in fp32.

    By PyTorch's defaults convolutions in fp32 are computed in TF32, and parts of long sums of
    halves are added in halves. The settings are those of the whole process.
    """
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False


def probe_precision(torch: Any, device: Any, kind: Any) -> tuple[str, str]:
    """Return the precisions in which a product and a convolution really run.

    Args:
        torch: The library.
        device: Where.
        kind: The type of states and weights.

    Returns:
        Each ``fp32``, ``tf32``, ``bf16`` or ``fp16``.
    """
    values = torch.zeros((PROBE_SIDE, PROBE_SIDE), dtype=torch.float32)
    for place, value in enumerate(PROBE_VALUES):
        # A row for each: an infinity times 0 would spoil the others of its row.
        values[place, place] = value
    states = values.to(device, kind)
    weights = torch.eye(PROBE_SIDE).to(device, kind)
    with torch.inference_mode():
        product = states @ weights
        convolved = torch.nn.functional.conv2d(
            states.view(PROBE_SIDE, PROBE_SIDE, 1, 1), weights.view(PROBE_SIDE, PROBE_SIDE, 1, 1)
        )
    return _precision_of(product), _precision_of(convolved)


def _precision_of(out: Any) -> str:
    diagonal = out.reshape(PROBE_SIDE, PROBE_SIDE).diagonal().float().cpu().tolist()
    small, smaller, large = diagonal[: len(PROBE_VALUES)]
    if smaller != 1.0:
        return "fp32"
    if small == 1.0:
        return "bf16"
    return "tf32" if large == PROBE_VALUES[2] else "fp16"
