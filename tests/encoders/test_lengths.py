"""Captions by length: every one once, and a length that follows from the caption alone."""

from hypothesis import given
from hypothesis import strategies as st

from pairsift.encoders.lengths import by_length, padded_length
from pairsift.protocols import TokenizedCaption
from pairsift.recipes import TextRecipe
from tests.encoders.goldens import load

TRIMMED = TextRecipe(77, 0, 0, lowercase=False, trim_exact=True)


def test_the_padded_length_follows_from_the_caption() -> None:
    text = load("clip-quick").record.text
    assert [padded_length(count, text) for count in (2, 16, 17, 76, 77)] == [8, 16, 24, 77, 77]
    assert padded_length(3, load("siglip").record.text) == 64


@given(st.lists(st.integers(1, 77), max_size=60), st.integers(1, 9))
def test_every_caption_once_with_its_own_length(counts: list[int], size: int) -> None:
    captions = [TokenizedCaption((1,) * count, count) for count in counts]
    batches = list(by_length(captions, TRIMMED, size))
    assert sorted(index for _, indices in batches for index in indices) == list(range(len(counts)))
    for length, indices in batches:
        assert 1 <= len(indices) <= size
        assert {padded_length(counts[index], TRIMMED) for index in indices} == {length}
