"""The words of the world fit together."""

from itertools import combinations

from pairsift.storybook import vocabulary as v


def test_sizes_of_the_world() -> None:
    assert len(v.KINDS) == len(set(v.KINDS)) == 24
    assert len(v.CATEGORIES) == 8
    assert len(v.COLOURS) == 11
    assert len(v.PLACES) == 7


def test_every_name_has_words() -> None:
    assert set(v.NOUNS) == set(v.KINDS) | set(v.CATEGORIES)
    assert set(v.COLOUR_WORDS) == set(v.COLOURS)
    assert set(v.PLACE_PHRASES) == set(v.PLACE_TAGS) == set(v.PLACES) == set(v.TRUE_PLACES)
    assert set(v.RELATION_WORDS) == set(v.RELATIONS) == set(v.OPPOSITE)
    assert set(v.SIZE_WORDS) == set(v.SIZES)


def test_no_word_means_two_things() -> None:
    meanings = [words for table in (v.COLOUR_WORDS, v.SIZE_WORDS) for words in table.values()]
    meanings += [tuple(n for noun in v.NOUNS[kind] for n in set(noun)) for kind in v.NOUNS]
    words = [word for group in meanings for word in group]
    assert len(words) == len(set(words))


def test_colours_stay_apart() -> None:
    for one, other in combinations(v.COLOURS.values(), 2):
        assert sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) > 60**2
