"""The training code needs PyTorch; where it is not installed, its tests are not collected."""

from importlib.util import find_spec

NEED_TORCH = (
    "checkpoints",
    "evaluate",
    "export",
    "fact_losses",
    "loss",
    "stages",
    "towers",
    "train",
)
collect_ignore = [] if find_spec("torch") else [f"test_{name}.py" for name in NEED_TORCH]
