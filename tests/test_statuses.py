from pairsift.statuses import STATUS_MEANINGS, RowStatus


def test_every_status_has_a_meaning() -> None:
    assert set(STATUS_MEANINGS) == set(RowStatus)
