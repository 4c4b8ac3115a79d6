"""Measures by name, bound to what a model says of itself."""

from dataclasses import dataclass

import numpy as np
import pytest

from pairsift.errors import UnknownNameError, UsageError
from pairsift.measures import MEASURES, MeasureEntry, find_measure


@dataclass(frozen=True)
class Numbers:
    name: str = "toy"
    logit_scale: float | None = None
    logit_bias: float | None = None


CLIP = Numbers("toy-clip", logit_scale=100.0)
SIGLIP = Numbers("toy-siglip", logit_scale=112.7, logit_bias=-16.77)
ROW = np.array([[0.6, 0.8]], dtype=np.float32)


def test_the_default_comes_first() -> None:
    assert next(iter(MEASURES)) == "cosine"


def test_a_measure_takes_its_numbers_from_the_model() -> None:
    assert find_measure("logit", CLIP)(ROW, ROW)[0] == pytest.approx(100.0)
    assert find_measure("logit", CLIP).range == (-100.0, 100.0)
    assert find_measure("logit", SIGLIP)(ROW, ROW)[0] == pytest.approx(112.7 - 16.77)
    # 1 / (1 + exp(-(0 * 112.7 - 16.77))) at a right angle
    across = np.array([[-0.8, 0.6]], dtype=np.float32)
    got = find_measure("siglip-probability", SIGLIP)(ROW, across)[0]
    assert got == pytest.approx(5.2106e-8, rel=1e-3)


def test_only_clip_score_has_a_prefix() -> None:
    prefixes = {name: find_measure(name, SIGLIP).caption_prefix for name in MEASURES}
    assert prefixes.pop("clip-score") == "A photo depicts "
    assert set(prefixes.values()) == {""}


def test_distances_say_so() -> None:
    distances = {name for name in MEASURES if find_measure(name, SIGLIP).is_distance}
    assert distances >= {"euclidean", "angular"}
    assert distances.isdisjoint({"cosine", "clip-score", "logit", "siglip-probability"})


@pytest.mark.parametrize("entry", MEASURES.values(), ids=MEASURES)
def test_a_measure_says_whether_it_reads_the_scale(entry: MeasureEntry) -> None:
    if entry.reads_scale:
        with pytest.raises(UsageError, match="logit_scale"):
            entry.bind(Numbers())
    else:
        entry.bind(Numbers())


@pytest.mark.parametrize(
    ("typed", "nearest"), [("cosin", "cosine"), ("clip_score", "clip-score"), ("LOGIT", "logit")]
)
def test_an_unknown_name_says_the_nearest(typed: str, nearest: str) -> None:
    with pytest.raises(UnknownNameError, match=f"did you mean {nearest}\\?"):
        find_measure(typed, CLIP)


def test_a_name_like_none_of_them_lists_all() -> None:
    with pytest.raises(UnknownNameError, match="available: cosine, euclidean"):
        find_measure("xyzzy", CLIP)


@pytest.mark.parametrize(
    ("name", "record", "missing"),
    [
        ("siglip-probability", CLIP, "logit_bias"),
        ("siglip-probability", Numbers(), "logit_scale"),
        ("logit", Numbers(), "logit_scale"),
    ],
)
def test_a_model_without_the_number_is_refused(name: str, record: Numbers, missing: str) -> None:
    with pytest.raises(UsageError, match=missing):
        find_measure(name, record)
