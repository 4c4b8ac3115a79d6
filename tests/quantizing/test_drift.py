"""The drift: nothing where nothing moved, and each limit refuses its own fault."""

import numpy as np
import pytest

from pairsift.config import QuantizeConfig
from pairsift.invariants import Outcome
from pairsift.protocols import FloatArray
from pairsift.quantizing.drift import judge_drift, measure_drift

Rows = tuple[FloatArray, FloatArray]
NUM = 400


def unit(rows: np.ndarray) -> FloatArray:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    shortened: FloatArray = (rows / lengths).astype(np.float32)
    return shortened


def world(seed: int = 2) -> Rows:
    rng = np.random.default_rng(seed)
    images = unit(rng.normal(size=(NUM, 48)))
    noise = rng.uniform(0.05, 0.3, (NUM, 1)) * rng.normal(size=(NUM, 48))
    return images, unit(images + noise)


def failed(exact: Rows, whole: Rows, limits: QuantizeConfig | None = None) -> set[str]:
    checks = judge_drift(measure_drift(exact, whole, seed=0), limits or QuantizeConfig())
    return {check.name for check in checks if check.outcome is Outcome.FAIL}


def test_the_same_rows_do_not_drift() -> None:
    drift = measure_drift(world(), world(), seed=0)
    assert (drift.shift_max, drift.bias, drift.auc_loss) == (0.0, 0.0, 0.0)
    assert drift.rank_agreement == pytest.approx(1.0)
    assert failed(world(), world()) == set()


def test_a_little_noise_passes_and_is_told() -> None:
    images, texts = world()
    moved = unit(images + np.random.default_rng(1).normal(0, 5e-4, images.shape))
    drift = measure_drift((images, texts), (moved, texts), seed=0)
    assert 0 < drift.shift_p50 < drift.shift_p99 <= drift.shift_max < 0.02
    assert drift.image_distance > 0
    assert drift.caption_distance == 0.0
    assert failed((images, texts), (moved, texts)) == set()


def test_swapped_rows_are_refused() -> None:
    images, texts = world()
    assert failed((images, texts), (images[::-1].copy(), texts)) == {
        "similarities",
        "ranks",
        "separation",
    }


def test_each_limit_is_its_own() -> None:
    images, texts = world()
    moved = unit(images + np.random.default_rng(1).normal(0, 5e-3, images.shape))
    exact, whole = (images, texts), (moved, texts)
    drift = measure_drift(exact, whole, seed=0)
    open_limits = {
        "max_similarity_shift": 2.0,
        "min_rank_agreement": -1.0,
        "max_auc_loss": 1.0,
    }
    tight = {
        "similarities": {"max_similarity_shift": drift.shift_p99 * 0.99},
        "ranks": {"min_rank_agreement": drift.rank_agreement + 1e-6},
        "separation": {"max_auc_loss": drift.auc_loss - 1e-9},
    }
    for name, limit in tight.items():
        assert failed(exact, whole, QuantizeConfig(**(open_limits | limit))) == {name}  # type: ignore[arg-type]
