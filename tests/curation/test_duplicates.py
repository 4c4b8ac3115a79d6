import numpy as np
import pyarrow as pa
import pytest

from pairsift.curation.duplicates import candidates, group_duplicates, kept_with_captions
from pairsift.curation.hashes import perceptual_hashes
from tests.curation.drawn import draw_pairs
from tests.curation.scenes import copies_of, draw, sha256_of, thumbnails_of

SHA = pa.array(["a", "b", "a", None, "c", "b", "a"])


def test_equal_bytes_are_one_group_and_the_best_is_kept() -> None:
    scores = np.array([0.1, 0.5, 0.3, np.nan, 0.2, 0.5, np.nan])
    found = group_duplicates(SHA, scores)
    assert found.group.tolist() == [0, 1, 0, -1, -1, 1, 0]
    # Of equal scores the earlier row; without a score last.
    assert found.kept.tolist() == [False, True, True, True, True, False, False]
    assert found.kind == ["exact", "exact", "exact", "", "", "exact", "exact"]
    assert found.num_groups == 2


def test_one_image_with_all_its_captions() -> None:
    scores = np.array([0.1, 0.5, 0.3, np.nan, 0.2, 0.5, np.nan])
    captions = ["one", "two", "three", "four", "five", "two", "six"]
    collected = kept_with_captions(group_duplicates(SHA, scores), captions)
    assert collected == [[], ["two"], ["three", "one", "six"], ["four"], ["five"], [], []]


def test_copies_that_only_look_the_same() -> None:
    scenes = draw(150)
    images = [*scenes, *copies_of(scenes[3]), *copies_of(scenes[70]), scenes[9]]
    thumbnails = thumbnails_of(images)
    sha = sha256_of(images)
    scores = np.arange(len(images), dtype=np.float64)
    found = group_duplicates(
        sha, scores, hashes=perceptual_hashes(thumbnails), thumbnails=thumbnails
    )
    assert found.num_groups == 3
    assert np.flatnonzero(found.group == found.group[3]).tolist() == [3, *range(150, 155)]
    # By the hash alone one crop in twenty is too far away to be looked at.
    members = set(np.flatnonzero(found.group == found.group[70]).tolist())
    assert {70, 155, 156, 158, 159} <= members <= {70, *range(155, 160)}
    assert np.flatnonzero(found.group == found.group[9]).tolist() == [9, 160]
    assert (found.kind[3], found.kind[9]) == ("near", "exact")
    assert found.kept[154]
    assert not found.kept[3]


def test_neighbours_by_embedding_are_looked_at_too() -> None:
    pairs = draw_pairs(40)
    images = pairs.images[:].copy()
    images[30] = images[4]
    # Fourteen bits apart: too far for a hash alone.
    hashes = np.random.default_rng(0).integers(0, 1 << 63, size=40, dtype=np.uint64)
    hashes[30] = hashes[4] ^ np.uint64(0x0101010101010101 | 0x0202020202020200 & 0x7E7E7E7E7E00)
    alone = set(zip(*(side.tolist() for side in candidates(hashes)), strict=True))
    both = set(zip(*(side.tolist() for side in candidates(hashes, images)), strict=True))
    assert (4, 30) in both - alone


def test_all_failed_one_row_and_none() -> None:
    for values in ([None, None], ["a"], []):
        sha = pa.array(values, pa.string())
        num = len(values)
        thumbnails = np.zeros((num, 32, 32, 3), dtype=np.uint8)
        found = group_duplicates(
            sha,
            np.full(num, np.nan),
            hashes=perceptual_hashes(thumbnails),
            thumbnails=thumbnails,
            images=np.zeros((num, 4), dtype=np.float32),
        )
        assert found.num_groups == 0
        assert found.kept.all()
        assert found.group.tolist() == [-1] * num


def test_very_many_pictures_are_named_by_their_hash_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    images = draw(12)
    images[7] = copies_of(images[2])[0]
    thumbnails = thumbnails_of(images)
    told: list[str] = []
    monkeypatch.setattr("pairsift.curation.duplicates.NEIGHBOUR_ROWS", 5)
    monkeypatch.setattr("pairsift.curation.duplicates.nearest", None)  # it would be a mistake
    found = group_duplicates(
        sha256_of(images),
        np.zeros(12),
        hashes=perceptual_hashes(thumbnails),
        thumbnails=thumbnails,
        images=np.eye(12, dtype=np.float32),
        announce=told.append,
    )
    assert found.group[2] == found.group[7] >= 0
    assert told[0] == "looking for candidates among 12 different pictures"
    assert told[1].endswith("pairs of pictures")
