import numpy as np
import pytest

from pairsift.curation.worth import SIGNS, find_signs


def test_signs_in_the_score_columns() -> None:
    cosines = np.array([0.3, -0.1, np.nan, 0.2, 0.1], dtype=np.float32)
    signs = find_signs(
        cosines,
        truncated=np.array([True, False, True, False, False]),
        widths=np.array([640, 640, 10, 199, 0]),
        heights=np.array([200, 213, 10, 199, 0]),
    )
    found = {sign.name: (sign.rows, sign.looked_at, sign.examples) for sign in signs}
    assert found == {
        "negative_similarity": (1, 4, (1,)),
        "caption_truncated": (1, 4, (0,)),
        "image_small": (1, 3, (3,)),
        "image_extreme_aspect": (2, 3, (0, 1)),
    }
    assert signs[0].rate == 0.25
    assert set(found) < set(SIGNS)


@pytest.mark.parametrize("num", [0, 3])
def test_nothing_was_scored(num: int) -> None:
    signs = find_signs(np.full(num, np.nan, dtype=np.float32))
    assert [(sign.rows, sign.looked_at, sign.rate) for sign in signs] == [(0, 0, 0.0)]


def test_few_examples_of_many() -> None:
    signs = find_signs(np.full(100, -0.5, dtype=np.float32), num_examples=3)
    assert signs[0].examples == (0, 1, 2)


def test_pictures_that_were_not_read_do_not_count() -> None:
    pixels = np.array(
        [[0.0, 0.9, 0.0], [200.0, 0.1, 0.9], [200.0, 0.9, 0.1], [np.nan] * 3], dtype=np.float32
    )
    signs = find_signs(np.array([0.3, 0.3, np.nan, 0.3], dtype=np.float32), pixels=pixels)
    assert {sign.name: (sign.rows, sign.looked_at) for sign in signs[1:]} == {
        "image_blank": (1, 2),
        "image_dark": (1, 2),
        "image_blurred": (0, 2),
    }
