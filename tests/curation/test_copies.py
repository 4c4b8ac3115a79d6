import numpy as np
import pyarrow as pa

from pairsift.curation.copies import best_of_groups, captions_of_groups, exact_groups

NAN = np.nan
GROUPS = np.array([0, 0, -1, 1, 1, 1])
SCORES = np.array([0.1, 0.3, 0.2, 0.5, NAN, 0.5], dtype=np.float32)


def test_equal_digests_are_a_group() -> None:
    digests = pa.chunked_array([["x", "y"], ["x", None, None, "z"]])
    assert exact_groups(digests).tolist() == [0, -1, 0, -1, -1, -1]
    assert exact_groups(pa.chunked_array([], pa.string())).tolist() == []


def test_the_best_of_a_group_stays_and_ties_go_by_order() -> None:
    goes = best_of_groups(GROUPS, SCORES, np.ones(6, dtype=bool))
    assert np.flatnonzero(goes).tolist() == [0, 4, 5]


def test_only_rows_that_are_left_may_stay() -> None:
    left = np.array([1, 0, 1, 0, 0, 0], dtype=bool)
    goes = best_of_groups(GROUPS, SCORES, left)
    assert np.flatnonzero(goes).tolist() == [1]


def test_no_group() -> None:
    assert not best_of_groups(np.full(3, -1), SCORES[:3], np.ones(3, dtype=bool)).any()


def test_captions_of_a_group_gather_at_the_one_that_stays() -> None:
    captions = pa.chunked_array([["a", "b", "c"], ["d", None, "d"]])
    everybody = np.ones(6, dtype=bool)
    found = captions_of_groups(GROUPS, np.array([1, 2, 3]), captions, everybody)
    assert found == {1: ["b", "a"], 3: ["d"]}
    found = captions_of_groups(GROUPS, np.array([1, 2, 3]), captions, np.arange(6) > 0)
    assert found == {1: ["b"], 3: ["d"]}
