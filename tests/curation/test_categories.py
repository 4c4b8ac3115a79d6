from pathlib import Path

import numpy as np
import pytest

from pairsift.curation.categories import label_pictures, read_categories
from pairsift.curation.rows import read_rows
from pairsift.encoders.fake import FakeEncoder
from pairsift.errors import UsageError
from pairsift.runs import Run
from tests.curation.runs import run_of
from tests.curation.worlds import World, make_world

NAMES = ("animals", "vehicles", "food")


def fake_run(folder: Path, world: World) -> Run:
    run = run_of(folder, world)
    run.info["config"]["model"]["runtime"] = "fake"
    return run


def test_names_come_from_the_option_or_a_file(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_text("animals\nvehicles\n")
    assert read_categories(str(path)) == ("animals", "vehicles")
    assert read_categories("animals, vehicles") == ("animals", "vehicles")
    assert len(read_categories(", ".join(f"category {i}" for i in range(500)))) == 500
    path.write_bytes(b"caf\xe9, bar")
    with pytest.raises(UsageError, match=r"cannot read the categories .*names\.txt"):
        read_categories(str(path))


def test_pictures_get_the_nearest_category(tmp_path: Path) -> None:
    encoder = FakeEncoder()
    right = np.arange(30) % 3
    prompts = [
        encoder.encode_texts(
            encoder.prepare_captions([name, f"a photo of {name}", f"a picture of {name}"])
        ).mean(axis=0)
        for name in NAMES
    ]
    images = np.stack(prompts)[right].astype(np.float32)
    images /= np.linalg.norm(images, axis=1, keepdims=True)
    run = fake_run(tmp_path, World(images, images, np.zeros(30, dtype=bool)))
    found = label_pictures(run, read_rows(run), NAMES)
    assert found.labels.tolist() == right.tolist()
    assert found.names == list(NAMES)


def test_another_model_is_refused(tmp_path: Path) -> None:
    run = fake_run(tmp_path, make_world(5, seed=0, width=24))
    with pytest.raises(UsageError, match="not the one that made"):
        label_pictures(run, read_rows(run), NAMES)


def test_without_embeddings_it_is_said(tmp_path: Path) -> None:
    run = run_of(tmp_path / "none", make_world(5, seed=0), embeddings="none")
    with pytest.raises(UsageError, match="take categories from a column"):
        label_pictures(run, read_rows(run), NAMES)


def test_where_nothing_was_scored_no_row_has_a_category(tmp_path: Path) -> None:
    run = run_of(tmp_path, make_world(5, seed=0), failed=np.ones(5, dtype=bool))
    assert label_pictures(run, read_rows(run), NAMES).labels.tolist() == [-1] * 5
