from pathlib import Path

import numpy as np
import pytest

from pairsift.storybook.captions import is_true, make_caption
from pairsift.storybook.scenes import make_scene
from training import data
from training.claims import truth_matrix
from training.tokenizer import train_tokenizer


@pytest.fixture
def tokenizers() -> dict[str, object]:
    texts = [make_caption(make_scene(2, index), 2, index).text for index in range(200)]
    return {family: train_tokenizer(family, texts) for family in ("clip", "siglip")}


def test_wrong_captions_are_false_and_several() -> None:
    for index in range(60):
        scene = make_scene(4, index)
        right = make_caption(scene, 4, index)
        wrongs = data.wrong_captions(right, scene, 4, index)
        assert len(wrongs) == data.NUM_CAPTIONS - 1
        assert not any(is_true(wrong.claims, scene) for wrong in wrongs)


def test_long_captions_keep_their_end(tokenizers: dict[str, object]) -> None:
    for tokenizer in tokenizers.values():
        row = data.encode_captions(tokenizer, ["red " * 100, "red"], 8)
        assert row.shape == (2, 8)
        end = tokenizer.encode("").ids[-1]  # type: ignore[attr-defined]
        assert row[0, -1] == end
        assert end in row[1]


def test_files_hold_what_they_say(
    tmp_path: Path, tokenizers: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "SHARD", 12)
    monkeypatch.setattr(data, "WORDS_SHARD", 12)
    data.write_words(tmp_path, 0, 1, tokenizers)
    data.write_pictures(tmp_path, 1, 1, tokenizers)
    scenes, tokens, claims = data.read_words(tmp_path, 0, "clip")
    assert tokens.shape == (12, 2, data.TOKEN_LENGTH)
    assert truth_matrix(claims[:, 0], scenes).diagonal().all()
    assert not truth_matrix(claims[:, 1], scenes).diagonal().any()
    views = [data.read_view(tmp_path, 1, view, "siglip", seed=1) for view in range(2)]
    for view in views:
        assert truth_matrix(view.claims[:, 0], view.scenes).diagonal().all()
        for wrong in range(1, data.NUM_CAPTIONS):
            assert not truth_matrix(view.claims[:, wrong], view.scenes).diagonal().any()
    # The second view is the first one in a mirror.
    np.testing.assert_array_equal(views[0].pixels, views[1].pixels[:, :, ::-1])
