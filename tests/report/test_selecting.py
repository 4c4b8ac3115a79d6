"""Which rows are shown, and how values are counted."""

from pathlib import Path

import numpy as np

from pairsift import open_run
from pairsift.report.selecting import count_bins, distinct, rank, read_image_keys


def keys(*names: str) -> np.ndarray:
    return np.array([name.encode() for name in names], dtype="S16")


def test_no_picture_comes_twice() -> None:
    assert distinct([3, 0, 1, 2], keys("a", "b", "a", "b"), 9) == [3, 0]


def test_unknown_pictures_all_count_and_the_number_is_kept() -> None:
    assert distinct([0, 1, 2], keys("", "", ""), 2) == [0, 1]


def test_failed_rows_have_no_rank_and_ties_keep_their_order() -> None:
    values = np.array([0.2, np.nan, 0.1, 0.2], dtype=np.float32)
    assert rank(values).tolist() == [2, 0, 3]


def test_values_outside_go_to_the_end_bins() -> None:
    values = np.array([-9.0, 0.2, 0.2, 9.0, np.nan], dtype=np.float32)
    assert count_bins(values, [0.0, 0.5, 1.0]).tolist() == [3, 1]


def test_keys_tell_the_pictures_of_a_run_apart(run: Path) -> None:
    found = read_image_keys(open_run(run))
    assert len(found) == 12
    assert found[-1] == b""  # it failed
    assert len(set(found.tolist())) == 12
