import json

import numpy as np
import pytest

from pairsift.encoders.fake import FakeEncoder
from pairsift.errors import WeightsError
from pairsift.fingerprints import (
    CanaryFigures,
    ask_canaries,
    canary_figures_from_plain,
    fingerprint_from_plain,
    fixed_pairs,
    greatest_distance,
    hash_inputs,
    take_fingerprint,
)


def test_the_fixed_pairs_provoke() -> None:
    images, captions = fixed_pairs()
    assert len(images) == len(captions) == len(set(captions)) == 16
    assert all(image.width != image.height for image in images)
    assert len({image.tobytes() for image in images}) == 16
    assert max(len(caption.split()) for caption in captions) > 77
    assert any(caption.isupper() for caption in captions)
    assert any(not caption.isascii() for caption in captions)


def test_they_are_the_same_each_time() -> None:
    assert hash_inputs(*fixed_pairs()) == hash_inputs(*fixed_pairs())
    images, captions = fixed_pairs()
    images[3].putpixel((0, 0), (1, 2, 3))
    assert hash_inputs(images, captions) != hash_inputs(*fixed_pairs())


def test_a_fingerprint_survives_its_card() -> None:
    taken = take_fingerprint(FakeEncoder())
    read = fingerprint_from_plain(json.loads(json.dumps(taken.to_plain())))
    assert read.inputs == taken.inputs
    assert greatest_distance(read.images, taken.images) < 5e-4
    assert greatest_distance(read.texts, taken.texts) < 5e-4


@pytest.mark.parametrize("plain", [{}, None, {"float16": "!", "shape": [2], "inputs": ""}, 3])
def test_what_is_no_fingerprint_is_an_error(plain: object) -> None:
    with pytest.raises(WeightsError, match="cannot be read"):
        fingerprint_from_plain(plain)


def test_canary_figures() -> None:
    figures = ask_canaries(FakeEncoder(), with_hard=False)
    assert (figures.num_easy, figures.num_hard, figures.hard_right) == (12, 0, 0)
    assert 0 <= figures.easy_right <= 12
    assert ask_canaries(FakeEncoder(), with_hard=True).num_hard == 64
    assert canary_figures_from_plain(figures.to_plain()) == figures
    with pytest.raises(WeightsError, match="cannot be read"):
        canary_figures_from_plain({"easy": 1})


def test_distance_is_the_worst_row() -> None:
    one = np.eye(3, dtype=np.float32)
    other = one.copy()
    other[2, 2] = 0.5
    assert greatest_distance(one, other) == 0.5
    assert CanaryFigures(1, 2, 3, 4, 0.5).to_plain()["margin"] == 0.5
