"""The fake encoder follows from its input and nothing else."""

import numpy as np
from PIL import Image

from pairsift.encoders.fake import FakeEncoder


def test_equal_input_gives_equal_rows() -> None:
    first, second = FakeEncoder(), FakeEncoder()
    captions = ["a", "b", "a", "\N{ROCKET}" * 100]
    rows = first.encode_texts(first.prepare_captions(captions))
    assert np.array_equal(rows, second.encode_texts(second.prepare_captions(captions)))
    assert np.array_equal(rows[0], rows[2])
    assert not np.array_equal(rows[0], rows[1])


def test_rows_follow_the_pixels() -> None:
    encoder = FakeEncoder()
    pictures = [Image.new("RGB", (9, 5), colour) for colour in ("red", "blue", "red")]
    rows = encoder.encode_images([encoder.prepare_image(picture) for picture in pictures])
    assert np.array_equal(rows[0], rows[2])
    assert not np.array_equal(rows[0], rows[1])


def test_long_captions_are_cut_and_told() -> None:
    (caption,) = FakeEncoder().prepare_captions(["x" * 65])
    assert (len(caption.ids), caption.is_truncated) == (64, True)


def test_it_says_that_it_is_fake() -> None:
    assert FakeEncoder().provenance.runtime == "fake"
