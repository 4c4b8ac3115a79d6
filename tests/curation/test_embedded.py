import numpy as np
import pytest

from pairsift.curation.embedded import EmbeddedPairs, measure_levels
from pairsift.errors import ShapeError
from tests.curation.drawn import draw_pairs


def test_arrays_of_different_length_are_refused() -> None:
    pairs = draw_pairs(5)
    with pytest.raises(ShapeError, match="differ"):
        EmbeddedPairs(pairs.files, pairs.rows[:4], pairs.images, pairs.captions, pairs.texts)


def test_levels_tell_right_from_mismatched() -> None:
    levels = measure_levels(draw_pairs(2000), np.random.default_rng(0))
    assert levels.typical == pytest.approx(0.86, abs=0.02)
    assert levels.null == pytest.approx(0.0, abs=0.01)
    assert levels.null < levels.fence < levels.typical


def test_a_wrong_third_hardly_moves_the_levels() -> None:
    pairs = draw_pairs(2000)
    wrong = pairs.captions.copy()
    wrong[:600] = np.roll(wrong[:600], 1, axis=0)
    spoilt = EmbeddedPairs(pairs.files, pairs.rows, pairs.images, wrong, pairs.texts)
    right = measure_levels(pairs, np.random.default_rng(0))
    levels = measure_levels(spoilt, np.random.default_rng(0))
    assert levels.typical == pytest.approx(right.typical, abs=0.03)
    assert levels.spread < 1.5 * right.spread
