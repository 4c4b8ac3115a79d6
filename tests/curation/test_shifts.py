from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairsift.curation.embedded import EmbeddedPairs, measure_levels
from pairsift.curation.shifts import Shift, best_stretches, find_shifts, partners
from tests.curation.drawn import draw_pairs, picked, with_captions_of


def search(pairs: EmbeddedPairs) -> list[Shift]:
    return find_shifts(pairs, measure_levels(pairs, np.random.default_rng(0)))


def slipped(pairs: EmbeddedPairs, first: int, last: int, direction: int) -> EmbeddedPairs:
    """Captions of rows first..last handed on by one; the end takes what is left over."""
    source = np.arange(len(pairs))
    source[first : last + 1] = np.roll(source[first : last + 1], -direction)
    return with_captions_of(pairs, source)


@pytest.mark.parametrize("direction", [1, -1])
def test_a_block_is_one_finding(direction: int) -> None:
    (shift,) = search(slipped(draw_pairs(800), 200, 420, direction))
    assert shift.direction == direction
    assert abs(shift.first_row - 200) <= 1
    assert abs(shift.last_row - 420) <= 1
    assert shift.similarity_proposed > 0.8
    assert shift.similarity_now < 0.2


def test_a_caption_that_goes_round_is_told() -> None:
    (shift,) = search(slipped(draw_pairs(800), 200, 420, 1))
    assert (shift.first_row, shift.last_row) == (200, 420)
    assert shift.wraps


def test_clean_and_swapped_sets_have_none() -> None:
    pairs = draw_pairs(800)
    assert search(pairs) == []
    source = np.arange(800)
    source[[10, 11, 300, 301, 500, 700]] = source[[11, 10, 301, 300, 700, 500]]
    assert search(with_captions_of(pairs, source)) == []


def test_failed_rows_inside_do_not_break_a_block() -> None:
    whole = slipped(draw_pairs(800), 200, 420, 1)
    kept = np.flatnonzero(np.random.default_rng(1).random(800) > 0.2)
    (shift,) = search(picked(whole, kept))
    assert abs(shift.first_row - 200) <= 3
    assert abs(shift.last_row - 420) <= 3


def test_five_captions_an_image() -> None:
    pairs = draw_pairs(1000)
    groups = np.arange(1000) // 5 * 5
    captions = pairs.captions[groups]
    same = EmbeddedPairs(pairs.files, pairs.rows, pairs.images[groups], captions, pairs.texts)
    (shift,) = search(slipped(same, 300, 599, 1))
    assert abs(shift.first_row - 300) <= 5
    assert abs(shift.last_row - 599) <= 5


def test_a_lost_caption_does_not_wrap() -> None:
    pairs = draw_pairs(800)
    source = np.arange(800)
    source[200:420] += 1
    source[420] = 5
    (shift,) = search(with_captions_of(pairs, source))
    assert (shift.first_row, shift.last_row) == (200, 420)
    assert not shift.wraps


def test_a_block_does_not_run_from_one_file_into_the_next() -> None:
    pairs = slipped(draw_pairs(800), 200, 420, 1)
    files = (np.arange(800) >= 300).astype(np.int64)
    rows = np.where(files == 1, pairs.rows - 300, pairs.rows)
    split = EmbeddedPairs(files, rows, pairs.images, pairs.captions, pairs.texts)
    found = search(split)
    assert [(shift.file, shift.first_row) for shift in found] == [(0, 200), (1, 0)]


def test_fewer_than_ten_rows_say_nothing() -> None:
    assert search(slipped(draw_pairs(9), 1, 8, 1)) == []


def test_partners_stay_in_the_file_and_skip_failed_rows() -> None:
    pairs = draw_pairs(6)
    files = np.array([0, 0, 0, 1, 1, 1])
    rows = np.array([0, 1, 3, 0, 1, 2])
    split = EmbeddedPairs(files, rows, pairs.images, pairs.captions, pairs.texts)
    assert partners(split, 1).tolist() == [1, -1, -1, 4, 5, -1]
    assert partners(split, -1).tolist() == [-1, 0, -1, -1, 3, 4]


@given(st.lists(st.integers(-5, 5), max_size=30))
def test_the_best_stretch_is_found(votes: list[int]) -> None:
    found = best_stretches([float(vote) for vote in votes])
    sums = [sum(votes[a:b]) for a in range(len(votes)) for b in range(a + 1, len(votes) + 1)]
    best = max([0, *sums])
    assert max([0.0, *(score for _, _, score in found)]) == best
    assert all(score == sum(votes[begin:end]) for begin, end, score in found)
    assert all(a[1] <= b[0] for a, b in pairwise(found))


def test_a_million_votes_that_fall_are_counted_once() -> None:
    # Sums that fall leave thousands of short stretches behind: each is asked a few times, not all.
    votes = np.full(1_000_000, -1.1)
    votes[::20] = 0.9
    found = best_stretches(votes)
    assert len(found) == 50_000
    assert found[1][:2] == (20, 21)
