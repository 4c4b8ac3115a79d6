"""Embeddings that are kept, and those that give way."""

import numpy as np

from pairsift.memory import ENTRY_BYTES, Distinct, EmbeddingCache, ShardMemory, caption_key

WIDTH = 4


def row(number: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.full(WIDTH, number, dtype=np.float32)


def test_the_longest_unused_gives_way() -> None:
    cache = EmbeddingCache(WIDTH, 2 * (4 * WIDTH + ENTRY_BYTES))
    cache.put(b"a", row(1), (3, 4, "PNG"))
    cache.put(b"b", row(2))
    assert cache.get(b"a") is not None
    cache.put(b"c", row(3))
    assert cache.get(b"b") is None
    found = cache.get(b"a")
    assert found is not None
    assert (found[0].tolist(), found[1]) == ([1.0] * WIDTH, (3, 4, "PNG"))


def test_what_was_handed_out_does_not_change() -> None:
    cache = EmbeddingCache(WIDTH, 4 * WIDTH + ENTRY_BYTES)
    cache.put(b"a", row(1))
    found = cache.get(b"a")
    cache.put(b"b", row(2))
    assert found is not None
    assert found[0].tolist() == [1.0] * WIDTH


def test_without_memory_nothing_is_kept() -> None:
    cache = EmbeddingCache(WIDTH, 0)
    cache.put(b"a", row(1))
    assert cache.get(b"a") is None


def test_distinct_rows_keep_their_places() -> None:
    distinct = Distinct(WIDTH)
    for number in range(100):
        distinct.add([b"%d" % number], [row(number)])
    assert distinct.rows.shape == (100, WIDTH)
    assert [distinct.rows[distinct.places[b"%d" % n], 0] for n in range(100)] == list(range(100))


def test_captions_are_told_apart_by_their_tokens() -> None:
    assert caption_key((1, 2)) == caption_key((1, 2))
    assert len({caption_key(ids) for ids in ((), (1,), (1, 2), (2, 1), (258,), (1, 2, 0))}) == 6


def test_serial_keys_are_given_out_once() -> None:
    memory = ShardMemory(WIDTH)
    assert len({memory.serial() for _ in range(50)}) == 50
