import numpy as np
import pytest
from PIL import Image

from pairsift.curation.hashes import (
    RADIUS,
    hamming,
    make_thumbnail,
    near_hashes,
    perceptual_hashes,
)
from tests.curation.scenes import copies_of, draw, thumbnails_of


def random_hashes(num: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 1 << 63, size=num, dtype=np.uint64)


def flipped(hashes: np.ndarray, bits: int, seed: int = 1) -> np.ndarray:
    generator = np.random.default_rng(seed)
    masks = [
        sum(1 << int(bit) for bit in generator.choice(64, bits, replace=False)) for _ in hashes
    ]
    return hashes ^ np.array(masks, dtype=np.uint64)


def test_copies_differ_in_few_bits_and_scenes_in_many() -> None:
    scenes = draw(40)
    hashes = perceptual_hashes(thumbnails_of(scenes))
    for scene, own in zip(scenes, hashes, strict=True):
        copies = perceptual_hashes(thumbnails_of(copies_of(scene)))
        assert np.median(hamming(copies, np.full(len(copies), own))) <= RADIUS / 2
    apart = hamming(hashes[:-1], hashes[1:])
    assert np.median(apart) > 2 * RADIUS


def test_a_flat_picture_has_a_hash_of_its_own_brightness() -> None:
    grey = [Image.new("RGB", (50, 40), (value,) * 3) for value in (10, 128, 255)]
    hashes = perceptual_hashes(thumbnails_of(grey))
    assert len(set(hashes.tolist())) == 1


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (32, 32), (2000, 7)])
def test_any_size_has_a_thumbnail(size: tuple[int, int]) -> None:
    assert make_thumbnail(Image.new("RGB", size, (1, 2, 3))).shape == (32, 32, 3)


@pytest.mark.parametrize("bits", [1, 3, 6])
def test_up_to_six_bits_every_pair_is_found(bits: int) -> None:
    hashes = random_hashes(500)
    both = np.concatenate([hashes, flipped(hashes, bits)])
    first, second = near_hashes(both, radius=bits)
    assert set(zip(first.tolist(), second.tolist(), strict=True)) == {
        (place, place + 500) for place in range(500)
    }


def test_at_ten_bits_most_pairs_are_found_and_beyond_none() -> None:
    hashes = random_hashes(2000)
    ten = near_hashes(np.concatenate([hashes, flipped(hashes, 10)]))
    assert len(ten[0]) > 0.6 * 2000
    eleven = near_hashes(np.concatenate([hashes, flipped(hashes, 11)]))
    assert len(eleven[0]) == 0


def test_none_and_one() -> None:
    for num in (0, 1):
        first, second = near_hashes(random_hashes(num))
        assert len(first) == len(second) == 0
    assert len(perceptual_hashes(np.zeros((0, 32, 32, 3), dtype=np.uint8))) == 0
