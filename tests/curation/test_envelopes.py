import numpy as np
import pytest
from PIL import Image, ImageDraw

from pairsift.curation.alignment import SAME, differences
from pairsift.curation.envelopes import MOST_OUTSIDE, could_be_same, envelope_differences
from pairsift.storybook.encoding import near_copy
from pairsift.storybook.faults import NEAR_COPY_METHODS
from tests.curation.scenes import draw, thumbnails_of


@pytest.mark.parametrize("method", NEAR_COPY_METHODS)
def test_every_copy_stays_within_the_bounds(method: str) -> None:
    scenes = draw(60)
    thumbnails = thumbnails_of([*scenes, *(near_copy(scene, method) for scene in scenes)])
    assert could_be_same(thumbnails, np.arange(60), np.arange(60) + 60).all()


def test_most_other_scenes_need_no_closer_look() -> None:
    thumbnails = thumbnails_of(draw(80))
    first, second = np.triu_indices(80, 1)
    could_be = could_be_same(thumbnails, first, second)
    assert could_be.mean() < 0.2
    # Whatever is thrown out here would be thrown out there.
    out = np.flatnonzero(~could_be)[::20]
    assert (differences(thumbnails, first[out], second[out]) > SAME).all()


def test_another_thing_on_the_same_ground_is_outside() -> None:
    first = Image.new("RGB", (128, 128), "white")
    ImageDraw.Draw(first).ellipse((20, 20, 60, 60), fill="red")
    second = first.copy()
    ImageDraw.Draw(second).ellipse((76, 76, 108, 108), fill="blue")
    thumbnails = thumbnails_of([first, second])
    found = envelope_differences(thumbnails, np.array([0, 0]), np.array([0, 1]))
    assert found[0] == 0.0
    assert found[1] > MOST_OUTSIDE


def test_flat_pictures_and_no_pairs() -> None:
    flat = thumbnails_of([Image.new("RGB", (32, 32), (value,) * 3) for value in (0, 128, 255)])
    none = np.zeros(0, dtype=np.int64)
    assert could_be_same(flat, none, none).tolist() == []
    assert np.isfinite(envelope_differences(flat, np.array([0, 1]), np.array([2, 0]))).all()
