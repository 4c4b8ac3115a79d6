from pathlib import Path

import numpy as np

from pairsift.curation.run_pairs import (
    read_captions,
    read_image_embeddings,
    read_pairs,
    read_pictures,
)
from tests.curation.runs import run_of
from tests.curation.worlds import make_world


def test_pairs_are_the_scored_rows_with_their_captions(tmp_path: Path) -> None:
    world = make_world(900, seed=3)
    failed = np.arange(900) % 7 == 0
    run = run_of(tmp_path, world, failed=failed)
    captions = read_captions(run)
    assert len(captions) == 900
    pairs = read_pairs(run, captions)
    assert pairs.rows.tolist() == np.flatnonzero(~failed).tolist()
    assert np.abs(pairs.images[:] - world.images[~failed]).max() < 1e-3
    assert np.allclose(np.linalg.norm(pairs.captions[:], axis=1), 1.0, atol=1e-6)
    assert pairs.texts[0] == "caption number 1"


def test_every_row_has_a_place_for_its_picture(tmp_path: Path) -> None:
    world = make_world(20, seed=3)
    run = run_of(tmp_path, world, failed=np.arange(20) == 4)
    pictures = read_pictures(run)
    images = read_image_embeddings(run, pictures)
    assert images is not None
    assert len(pictures) == len(images) == 20
    assert not images[4].any()
    assert np.isnan(pictures.scores[4])
    assert np.abs(images[5] - world.images[5]).max() < 1e-3


def test_the_cosine_of_a_distance_is_its_similarity(tmp_path: Path) -> None:
    run = run_of(tmp_path, make_world(20, seed=3))
    run.info.update(measure="euclidean", is_distance=True)
    assert np.isfinite(read_pictures(run).scores).all()


def test_without_embeddings_there_are_no_pairs(tmp_path: Path) -> None:
    run = run_of(tmp_path, make_world(20, seed=3), embeddings="none")
    assert len(read_pairs(run, read_captions(run))) == 0
    assert read_image_embeddings(run, read_pictures(run)) is None
