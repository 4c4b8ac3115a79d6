"""Score how well each caption fits its image, as a column in your own table.

The names below are loaded when they are first used, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pairsift.api import load_calculator, score_file, score_table
    from pairsift.calculator import ImageTextSimilarityCalculator
    from pairsift.runs import open_run
    from pairsift.scoring import PairScorer

__version__ = "0.1.0"

__all__ = [
    "ImageTextSimilarityCalculator",
    "PairScorer",
    "__version__",
    "load_calculator",
    "open_run",
    "score_file",
    "score_table",
]

_HOMES = {
    "ImageTextSimilarityCalculator": "pairsift.calculator",
    "PairScorer": "pairsift.scoring",
    "load_calculator": "pairsift.api",
    "open_run": "pairsift.runs",
    "score_file": "pairsift.api",
    "score_table": "pairsift.api",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return __all__
