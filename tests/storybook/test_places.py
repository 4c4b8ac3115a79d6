"""Places look unlike each other, and the same place is never twice the same."""

import numpy as np
import pytest

from pairsift.storybook.places import paint_place
from pairsift.storybook.vocabulary import PLACES


@pytest.mark.parametrize("place", PLACES)
def test_layouts_differ(place: str) -> None:
    painted = {paint_place(place, layout, 96).tobytes() for layout in range(20)}
    assert len(painted) == 20


def test_places_differ() -> None:
    means = [
        np.mean([np.asarray(paint_place(p, n, 96)).mean(axis=(0, 1)) for n in range(8)], axis=0)
        for p in PLACES
    ]
    for n, one in enumerate(means):
        for other in means[:n]:
            assert np.abs(one - other).max() > 8
