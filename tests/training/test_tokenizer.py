import pytest

from pairsift.storybook.captions import make_caption
from pairsift.storybook.scenes import make_scene
from training.tokenizer import special_ids, train_tokenizer


@pytest.fixture(scope="module")
def captions() -> list[str]:
    return [make_caption(make_scene(2, index), 2, index).text for index in range(400)]


def test_clip_wraps_and_ends_with_the_highest_id(captions: list[str]) -> None:
    tokenizer = train_tokenizer("clip", captions)
    special = special_ids(tokenizer)
    assert special["end"] == tokenizer.get_vocab_size() - 1
    ids = tokenizer.encode("Two red Apples").ids
    assert (ids[0], ids[-1]) == (special["start"], special["end"])
    assert ids == tokenizer.encode("two  red\napples").ids


def test_siglip_ends_and_does_not_start(captions: list[str]) -> None:
    tokenizer = train_tokenizer("siglip", captions)
    special = special_ids(tokenizer)
    assert special["pad"] != special["end"]
    assert tokenizer.encode("").ids == [special["end"]]
    assert tokenizer.encode("two red apples").ids[-1] == special["end"]


@pytest.mark.parametrize("family", ["clip", "siglip"])
def test_any_text_has_ids_that_say_it(family: str, captions: list[str]) -> None:
    tokenizer = train_tokenizer("clip" if family == "clip" else "siglip", captions)
    texts = ["größer", "дом", "😀", "\x00", "שלום", "a_b", "the unseen quokka"]
    all_ids = [tuple(tokenizer.encode(text).ids) for text in texts]
    assert len(set(all_ids)) == len(texts)
    special = special_ids(tokenizer)
    unknown = {special["end"], tokenizer.token_to_id("<unk>")}
    assert all(unknown.isdisjoint(ids[1:-1]) for ids in all_ids)
