from dataclasses import replace

import numpy as np
import pytest

from pairsift.curation.embedded import EmbeddedPairs, Halves, measure_levels
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
    wrong = pairs.captions[:].copy()
    wrong[:600] = np.roll(wrong[:600], 1, axis=0)
    spoilt = EmbeddedPairs(pairs.files, pairs.rows, pairs.images, wrong, pairs.texts)
    right = measure_levels(pairs, np.random.default_rng(0))
    levels = measure_levels(spoilt, np.random.default_rng(0))
    assert levels.typical == pytest.approx(right.typical, abs=0.03)
    assert levels.spread < 1.5 * right.spread


def test_halves_give_unit_rows() -> None:
    rows = draw_pairs(40).images[:]
    halves = Halves(rows.astype(np.float16))
    assert (len(halves), halves.shape) == (40, rows.shape)
    for places in (slice(3, 9), [7, 7, 2], np.arange(40) % 2 == 0, 5):
        found = halves[places]
        assert found.dtype == np.float32
        assert np.allclose(found, rows[places], atol=1e-3)
        assert np.allclose(np.linalg.norm(found, axis=-1), 1.0, atol=1e-6)
    assert not Halves(np.zeros((1, 4), dtype=np.float16))[:].any()


def test_pairs_of_halves_have_the_same_similarities() -> None:
    pairs = draw_pairs(60)
    stored = replace(
        pairs,
        images=Halves(pairs.images[:].astype(np.float16)),
        captions=Halves(pairs.captions[:].astype(np.float16)),
    )
    assert np.allclose(stored.similarities, pairs.similarities, atol=2e-3)
