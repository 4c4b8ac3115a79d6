import numpy as np
import pytest

from pairsift.curation.groups import Groups


def test_each_row_knows_its_group() -> None:
    groups = Groups(np.array([5, 2, 5, 5]))
    assert groups.size_of_row.tolist() == [3, 1, 3, 3]
    assert groups.place_in_group.tolist() == [0, 0, 1, 2]
    assert groups.order[groups.start_of_row + groups.place_in_group].tolist() == [0, 1, 2, 3]
    assert [(label, rows.tolist()) for label, rows in groups.rows()] == [(2, [1]), (5, [0, 2, 3])]


@pytest.mark.parametrize(("least", "labels"), [(1, [2, 5]), (2, [5]), (4, [])])
def test_large_groups(least: int, labels: list[int]) -> None:
    assert Groups(np.array([5, 2, 5, 5])).large(least) == labels


def test_no_rows() -> None:
    groups = Groups(np.zeros(0, dtype=np.int64))
    assert groups.rows() == []
    assert groups.order.tolist() == []
