import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pairsift.curation.clusters import connected, group_alike
from pairsift.curation.embedded import BoolArray, IntArray

PAIRS = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=25)


def never(first: IntArray, _second: IntArray) -> BoolArray:
    return np.zeros(len(first), dtype=bool)


def columns(pairs: list[tuple[int, int]]) -> tuple[IntArray, IntArray]:
    whole = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return whole[:, 0], whole[:, 1]


@given(PAIRS)
def test_connected_is_the_lowest_of_a_component(pairs: list[tuple[int, int]]) -> None:
    expected = list(range(12))
    for _ in range(12):
        for one, other in pairs:
            expected[one] = expected[other] = min(expected[one], expected[other])
    assert connected(12, *columns(pairs)).tolist() == expected


def test_a_chain_is_not_a_group() -> None:
    # 0-1-2-3-4, where only neighbours are alike.
    first, second = columns([(0, 1), (1, 2), (2, 3), (3, 4)])
    group = group_alike(5, first, second, rank=np.zeros(5), verify=never)
    assert group.tolist() == [0, 0, 2, 2, 4]


def test_whom_the_representative_is_like_joins() -> None:
    first, second = columns([(0, 1), (1, 2)])
    asked: list[tuple[int, int]] = []

    def verify(one: IntArray, other: IntArray) -> BoolArray:
        asked.extend(zip(one.tolist(), other.tolist(), strict=True))
        return np.ones(len(one), dtype=bool)

    assert group_alike(3, first, second, rank=np.zeros(3), verify=verify).tolist() == [0, 0, 0]
    assert asked == [(0, 2)]


def test_the_lowest_rank_represents() -> None:
    first, second = columns([(0, 1), (1, 2)])
    group = group_alike(3, first, second, rank=np.array([2.0, 0.0, 1.0]), verify=never)
    assert group.tolist() == [1, 1, 1]


@given(PAIRS)
def test_every_member_is_like_its_representative(pairs: list[tuple[int, int]]) -> None:
    pairs = [(one, other) for one, other in pairs if one != other]
    known = set(pairs) | {(other, one) for one, other in pairs}
    group = group_alike(12, *columns(pairs), rank=np.zeros(12), verify=never)
    for place, head in enumerate(group.tolist()):
        assert place == head or (head, place) in known
        assert group[head] == head
