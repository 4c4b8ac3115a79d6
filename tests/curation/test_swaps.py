import numpy as np

from pairsift.curation.embedded import EmbeddedPairs, measure_levels
from pairsift.curation.swaps import Swap, exchange, find_swaps, least_margin
from tests.curation.drawn import WIDTH, draw_pairs, unit, with_captions_of


def search(pairs: EmbeddedPairs, taken: np.ndarray | None = None) -> list[Swap]:
    levels = measure_levels(pairs, np.random.default_rng(0))
    return find_swaps(pairs, levels, taken=taken, generator=np.random.default_rng(0))


def swapped(pairs: EmbeddedPairs, num: int) -> tuple[EmbeddedPairs, set[tuple[int, int]]]:
    chosen = np.random.default_rng(3).permutation(len(pairs))[: 2 * num].reshape(num, 2)
    source = np.arange(len(pairs))
    source[chosen[:, 0]], source[chosen[:, 1]] = chosen[:, 1], chosen[:, 0]
    return with_captions_of(pairs, source), {(min(p), max(p)) for p in chosen.tolist()}


def test_swaps_are_found_with_their_partner() -> None:
    pairs, truth = swapped(draw_pairs(1000), 20)
    found = search(pairs)
    assert {(swap.first, swap.second) for swap in found} == truth
    swap = found[0]
    assert min(swap.proposed) > 0.7
    assert max(swap.now) < 0.6
    assert swap.margin >= swap.least


def test_a_clean_set_has_none() -> None:
    assert search(draw_pairs(1000)) == []


def test_wrong_captions_without_a_partner_are_no_swaps() -> None:
    pairs = draw_pairs(1000)
    captions = pairs.captions[:].copy()
    captions[::10] = unit(np.random.default_rng(5).normal(size=(100, WIDTH)))
    spoilt = EmbeddedPairs(pairs.files, pairs.rows, pairs.images, captions, pairs.texts)
    assert search(spoilt) == []


def test_few_are_false_beside_very_many_wrong_captions() -> None:
    # Of 1,300 wrong captions 150 pairs find a partner by chance: they must not pass for swaps, nor
    # hide from the count of what chance gives.
    pairs, truth = swapped(draw_pairs(4000), 100)
    used = {place for pair in truth for place in pair}
    wrong = [place for place in range(0, 4000, 3) if place not in used]
    captions = pairs.captions[:].copy()
    captions[wrong] = unit(np.random.default_rng(5).normal(size=(len(wrong), WIDTH)))
    spoilt = EmbeddedPairs(pairs.files, pairs.rows, pairs.images, captions, pairs.texts)
    found = {(swap.first, swap.second) for swap in search(spoilt)}
    assert len(found & truth) >= 90
    assert len(found - truth) <= 5


def test_captions_that_are_true_of_several_pictures_are_no_swaps() -> None:
    pairs = draw_pairs(1000)
    # Twenty scenes of fifty pictures each: any two captions of a scene may be exchanged.
    groups = np.arange(1000) // 50 * 50
    noise = 0.1 * np.random.default_rng(6).normal(size=(1000, WIDTH))
    captions = unit(pairs.images[groups] + noise)
    images = unit(pairs.images[groups] + noise[::-1])
    same = EmbeddedPairs(pairs.files, pairs.rows, images, captions, pairs.texts)
    assert search(same) == []


def test_pairs_that_are_explained_otherwise_are_left_alone() -> None:
    pairs, truth = swapped(draw_pairs(1000), 20)
    one = min(truth)
    taken = np.zeros(1000, dtype=bool)
    taken[list(one)] = True
    assert {(swap.first, swap.second) for swap in search(pairs, taken)} == truth - {one}


def test_the_same_seed_finds_the_same() -> None:
    pairs, _ = swapped(draw_pairs(1000), 20)
    assert search(pairs) == search(pairs)


def test_few_rows_say_nothing() -> None:
    pairs, _ = swapped(draw_pairs(9), 2)
    assert search(pairs) == []


def test_who_loses_a_partner_is_matched_with_the_next() -> None:
    # 0 and 1 gain most together; 2 would gain with 0, but 3 is what is left for it.
    pairs, _ = swapped(draw_pairs(400), 0)
    levels = measure_levels(pairs, np.random.default_rng(0))
    images = pairs.images[[0, 1, 0, 1]]
    captions = pairs.captions[[1, 0, 1, 0]]
    found = exchange(images, captions, levels)
    assert len(found) == 2
    assert sorted(place for one, other, _ in found for place in (one, other)) == [0, 1, 2, 3]


def test_no_margin_is_high_enough_among_many_false() -> None:
    assert least_margin(np.array([0.3, 0.2]), np.full(50, 0.4), 1.0) == float("inf")
    assert least_margin(np.array([0.3, 0.2]), np.zeros(0), 1.0) == 0.2
