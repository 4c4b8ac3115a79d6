import numpy as np

from pairsift.curation.embedded import EmbeddedPairs, measure_levels
from pairsift.curation.suspects import Suspect, find_suspects
from tests.curation.drawn import WIDTH, draw_pairs, unit


def search(pairs: EmbeddedPairs, taken: np.ndarray | None = None) -> list[Suspect]:
    levels = measure_levels(pairs, np.random.default_rng(0))
    return find_suspects(pairs, levels, taken=taken)


def with_a_copied_caption(pairs: EmbeddedPairs) -> EmbeddedPairs:
    captions = pairs.captions[:].copy()
    captions[7] = captions[123]
    return EmbeddedPairs(pairs.files, pairs.rows, pairs.images, captions, pairs.texts)


def test_a_caption_of_another_row() -> None:
    (found,) = search(with_a_copied_caption(draw_pairs(500)))
    assert (found.place, found.other) == (7, 123)
    assert found.proposed > 0.7 > found.now
    assert found.margin == np.float32(found.proposed) - np.float32(found.now)


def test_what_is_explained_otherwise_is_left_out() -> None:
    taken = np.arange(500) == 7
    assert search(with_a_copied_caption(draw_pairs(500)), taken) == []


def test_a_caption_that_fits_nothing_is_no_suspect() -> None:
    pairs = draw_pairs(500)
    captions = pairs.captions[:].copy()
    captions[7] = unit(np.random.default_rng(1).normal(size=(1, WIDTH)))[0]
    spoilt = EmbeddedPairs(pairs.files, pairs.rows, pairs.images, captions, pairs.texts)
    assert search(spoilt) == []


def test_few_rows_say_nothing() -> None:
    assert search(draw_pairs(9)) == []
