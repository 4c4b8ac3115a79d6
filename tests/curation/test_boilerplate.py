import numpy as np

from pairsift.curation.boilerplate import find_boilerplate, fold_caption
from pairsift.curation.embedded import EmbeddedPairs
from tests.curation.drawn import WIDTH, draw_pairs, unit


def repeated(rows: np.ndarray, caption: np.ndarray, text: str = "stock photo 1") -> EmbeddedPairs:
    pairs = draw_pairs(400)
    captions, texts = pairs.captions[:].copy(), list(pairs.texts)
    captions[rows] = caption
    for count, row in enumerate(rows):
        texts[row] = f"{text}{count}"
    return EmbeddedPairs(pairs.files, pairs.rows, pairs.images, captions, tuple(texts))


def test_a_caption_on_unlike_pictures_is_found() -> None:
    rows = np.arange(0, 400, 20)
    nothing = unit(np.random.default_rng(9).normal(size=(1, WIDTH)))[0]
    (found,) = find_boilerplate(repeated(rows, nothing), np.random.default_rng(0))
    assert found.places == tuple(rows)
    assert 0.3 < found.mean_rank < 0.7
    assert found.text == "stock photo 10"


def test_a_caption_that_fits_its_pictures_is_none() -> None:
    pairs = draw_pairs(400)
    thing = pairs.images[0]
    rows = np.argsort(-(pairs.images[:] @ thing))[:12]
    found = find_boilerplate(repeated(rows, thing), np.random.default_rng(0))
    assert found == []


def test_three_of_a_caption_are_too_few() -> None:
    nothing = unit(np.random.default_rng(9).normal(size=(1, WIDTH)))[0]
    pairs = repeated(np.array([1, 100, 200]), nothing)
    assert find_boilerplate(pairs, np.random.default_rng(0)) == []


def test_one_picture_with_one_caption_many_times_is_none() -> None:
    pairs = repeated(np.arange(10), unit(np.random.default_rng(9).normal(size=(1, WIDTH)))[0])
    images = pairs.images[:].copy()
    images[:10] = images[0]
    same = EmbeddedPairs(pairs.files, pairs.rows, images, pairs.captions, pairs.texts)
    assert find_boilerplate(same, np.random.default_rng(0)) == []


def test_what_does_not_tell_captions_apart() -> None:
    assert fold_caption("Click to  ENLARGE (12)") == fold_caption("click to enlarge: 7")
    assert fold_caption("red cat") != fold_caption("red car")
