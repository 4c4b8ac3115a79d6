"""A drawn table, and a small model quantised with it once for all tests."""

from pathlib import Path

from pairsift.config import QuantizeConfig, ScoreConfig
from pairsift.quantizing.making import quantize_model
from pairsift.quantizing.reporting import QuantizeReport
from pairsift.storybook.writing import write_storybook

NUM_PAIRS = 140
# So few pairs set narrow ranges: drift is twice that of 300.
LIMITS = QuantizeConfig(
    calibration_pairs=40, held_out_pairs=90, max_similarity_shift=0.06, min_rank_agreement=0.9
)


def draw_book(folder: Path, *, num: int = NUM_PAIRS, seed: int = 5, faults: str = "none") -> str:
    """Draw a table and return its path."""
    write_storybook(folder, num_pairs=num, seed=seed, faults=faults)
    return str(folder / "pairs.csv")


def quantize(model: str, table: str, to: Path, limits: QuantizeConfig = LIMITS) -> QuantizeReport:
    """Quantise with defaults elsewhere."""
    return quantize_model(model, table, to, config=ScoreConfig(), limits=limits)
