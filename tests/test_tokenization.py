"""Captions to ids, cut with the end token kept; recipes from the tokenizer's own files."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pairsift.errors import ModelRecipeError
from pairsift.recipes import TextRecipe, read_config
from pairsift.tokenization import CaptionTokenizer, clean_caption, derive_text_recipe, pad
from tests.tiny import WORDS, siglip_tokenizer, write_checkpoint

END = len(WORDS) + 2


def derive(folder: Path) -> TextRecipe:
    return derive_text_recipe(folder, read_config(folder))


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_checkpoint(tmp_path / "clip", "clip")


@pytest.fixture
def siglip(tmp_path: Path) -> Path:
    return write_checkpoint(tmp_path / "siglip", "siglip")


def test_the_recipe_of_a_clip(clip: Path) -> None:
    assert derive(clip) == TextRecipe(8, END, END, lowercase=False, trim_exact=True)


def test_the_recipe_of_a_siglip(siglip: Path) -> None:
    assert derive(siglip) == TextRecipe(8, 0, 1, lowercase=True, trim_exact=False)


def test_the_settings_in_the_file_are_switched_off(clip: Path) -> None:
    (caption,) = CaptionTokenizer(clip, derive(clip)).tokenize(["a red circle on the sea"])
    assert caption.ids == (0, 5, 1, 3, 6, 7, 8, END)
    assert (caption.num_tokens, caption.is_truncated) == (8, False)


def test_a_long_caption_keeps_its_end(clip: Path) -> None:
    (caption,) = CaptionTokenizer(clip, derive(clip)).tokenize(["red " * 300])
    assert caption.ids == (0, 1, 1, 1, 1, 1, 1, END)
    assert (caption.num_tokens, caption.is_truncated) == (302, True)


def test_without_an_end_token_it_is_just_cut(clip: Path) -> None:
    recipe = replace(derive(clip), end_id=None)
    (caption,) = CaptionTokenizer(clip, recipe).tokenize(["red " * 300])
    assert caption.ids == (0, 1, 1, 1, 1, 1, 1, 1)


def test_lowercase_is_put_before_the_own_normaliser(siglip: Path) -> None:
    upper, lower = CaptionTokenizer(siglip, derive(siglip)).tokenize(["RED Sea", "red sea"])
    assert upper == lower
    kept = CaptionTokenizer(siglip, replace(derive(siglip), lowercase=False))
    assert kept.tokenize(["RED"])[0].ids == (2, 1)


def test_the_order_and_the_unknown(siglip: Path) -> None:
    captions = ["red", "", "\N{ROCKET}", "\N{HEBREW LETTER ALEF}", "blue red"]
    ids = [c.ids for c in CaptionTokenizer(siglip, derive(siglip)).tokenize(captions)]
    assert ids == [(3, 1), (1,), (2, 1), (2, 1), (4, 3, 1)]


def test_padding_is_on_the_right(siglip: Path) -> None:
    recipe = derive(siglip)
    ids = pad(CaptionTokenizer(siglip, recipe).tokenize(["red", "red blue"]), recipe, length=4)
    assert np.array_equal(ids, [[3, 1, 0, 0], [3, 4, 1, 0]])


def test_cleaning() -> None:
    assert clean_caption("l&amp;#39;\u00c3\u00a9t\u00c3\u00a9 \t &amp; caf\u00c3\u00a9 ") == (
        "l'\u00e9t\u00e9 & caf\u00e9"
    )


@pytest.mark.parametrize(
    ("family", "changes", "field"),
    [
        ("clip", {"text": {"eos_token_id": 3}}, "eos_token_id"),
        ("clip", {"text": {"eos_token_id": 2, "vocab_size": 99}}, "eos_token_id"),
        ("clip", {"tokenizer_config": {"model_max_length": 5}}, "model_max_length"),
        ("clip", {"tokenizer_config": {"padding_side": "left"}}, "padding_side"),
        ("clip", {"tokenizer_config": {"pad_token": "<nope>"}}, "pad_token"),
        ("siglip", {"tokenizer_config": {"pad_token": None}}, "pad_token"),
        ("siglip", {"tokenizer_config": {"tokenizer_class": "GemmaTokenizer"}}, "do_lower_case"),
        ("siglip", {"tokenizer_config": {"tokenizer_class": "SiglipTokenizer"}}, "normalizer"),
    ],
)
def test_what_is_not_certain_is_named(
    tmp_path: Path, family: str, changes: dict[str, Any], field: str
) -> None:
    folder = write_checkpoint(tmp_path, family, **changes)
    with pytest.raises(ModelRecipeError, match=f"`{field}`"):
        derive(folder)


def test_legacy_configs_pool_at_the_highest_id(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path, "clip", text={"eos_token_id": 2})
    assert derive(folder).end_id == END


def test_lowercasing_that_is_known_needs_no_statement(tmp_path: Path) -> None:
    stated = {"tokenizer_class": "GemmaTokenizer"}
    folder = write_checkpoint(tmp_path, "siglip", tokenizer_config=stated)
    assert derive_text_recipe(folder, read_config(folder), lowercase=True).lowercase


def test_a_clip_tokenizer_without_an_end_is_refused(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path, "clip")
    tokenizer = siglip_tokenizer()
    tokenizer.post_processor = None
    tokenizer.save(str(folder / "tokenizer.json"))
    stated = {"pad_token": "<pad>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(stated))
    with pytest.raises(ModelRecipeError, match="eos_token_id"):
        derive(folder)


def test_a_damaged_tokenizer_is_one_clear_line(clip: Path) -> None:
    recipe = derive(clip)
    (clip / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelRecipeError, match="not a tokenizer"):
        CaptionTokenizer(clip, recipe)
    (clip / "tokenizer.json").unlink()
    with pytest.raises(ModelRecipeError, match=r"no tokenizer\.json"):
        CaptionTokenizer(clip, recipe)
