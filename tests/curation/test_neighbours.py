import sys

import numpy as np
import pytest

from pairsift.curation.embedded import Halves
from pairsift.curation.neighbours import nearest
from pairsift.errors import MissingExtraError
from tests.curation.drawn import draw_pairs


def test_exact_neighbours_are_the_true_ones() -> None:
    pairs = draw_pairs(300)
    places, cosines = nearest(pairs.captions[:], pairs.images[:], count=5)
    every = pairs.captions[:] @ pairs.images[:].T
    assert (places == np.argsort(-every, axis=1, kind="stable")[:, :5]).all()
    assert np.allclose(cosines, -np.sort(-every, axis=1)[:, :5], atol=1e-6)


def test_the_excluded_one_does_not_count() -> None:
    pairs = draw_pairs(50)
    own = np.arange(50)
    places, _ = nearest(pairs.images[:], pairs.images[:], count=3, excluded=own)
    assert not (places == own[:, None]).any()


def test_fewer_targets_than_asked_for() -> None:
    pairs = draw_pairs(2)
    places, cosines = nearest(pairs.captions[:], pairs.images[:], count=4, excluded=np.arange(2))
    assert places.tolist() == [[1, -1, -1, -1], [0, -1, -1, -1]]
    assert np.isneginf(cosines[:, 1:]).all()
    places, _ = nearest(pairs.captions[:], pairs.images[:0], count=1)
    assert places.tolist() == [[-1], [-1]]


def test_windows_agree_with_exact_and_with_themselves() -> None:
    pytest.importorskip("usearch")
    pairs = draw_pairs(600)
    exact, _ = nearest(pairs.captions[:], pairs.images[:], count=1)
    answers = [
        nearest(pairs.captions[:], pairs.images[:], count=3, exact_cells=10_000, window_rows=250)
        for _ in range(2)
    ]
    assert (answers[0][0] == answers[1][0]).all()
    assert (answers[0][0][:, 0] == exact[:, 0]).mean() > 0.99


def test_a_missing_index_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "usearch.index", None)
    pairs = draw_pairs(20)
    with pytest.raises(MissingExtraError, match=r"pairsift\[curate\]"):
        nearest(pairs.captions[:], pairs.images[:], count=1, exact_cells=100)


def test_many_targets_are_exact_while_the_queries_are_few() -> None:
    pairs = draw_pairs(600)
    queries = pairs.captions[:10]
    every = queries @ pairs.images[:].T
    for count in (1, 2, 3):
        places, cosines = nearest(
            queries, pairs.images, count=count, exact_cells=6400, window_rows=250
        )
        assert (places == np.argsort(-every, axis=1, kind="stable")[:, :count]).all()
        assert np.allclose(cosines, -np.sort(-every, axis=1)[:, :count], atol=1e-6)


def test_halves_are_searched_as_they_are_stored() -> None:
    pairs = draw_pairs(300)
    stored = Halves(pairs.images[:].astype(np.float16))
    places, cosines = nearest(pairs.captions[:], stored, count=1)
    exact, values = nearest(pairs.captions[:], pairs.images, count=1)
    assert (places == exact).mean() > 0.99
    assert np.allclose(cosines, values, atol=2e-3)
