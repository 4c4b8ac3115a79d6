"""The OpenVINO encoder against transformers' embeddings, and the same bits whatever the batch."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pairsift.config import ModelConfig
from pairsift.encoders.openvino import (
    HINTS,
    OpenVinoEncoder,
    choose_precision,
    fill_up,
    probe_precision,
)
from pairsift.errors import ModelError, UnknownNameError
from pairsift.protocols import TokenizedCaption
from tests.encoders.goldens import (
    NAMES,
    TOLERANCE,
    Golden,
    image_rows,
    images,
    load,
    openvino,
    text_rows,
)

FAULT = 10 * TOLERANCE
NUM_ROWS = 66


@pytest.fixture(scope="module", params=NAMES)
def golden(request: pytest.FixtureRequest) -> Golden:
    return load(request.param)


def moved(rows: Any, expected: Any) -> Any:
    """Return by how much each row moved: its largest component difference."""
    return np.abs(rows - expected).max(axis=1)


def test_images_as_the_reference(golden: Golden) -> None:
    rows = image_rows(openvino(golden.model))
    assert moved(rows, golden.image_embeddings).max() <= TOLERANCE


def test_captions_as_the_reference(golden: Golden) -> None:
    encoder = openvino(golden.model)
    captions = encoder.prepare_captions(golden.captions)
    for caption, expected in zip(captions, golden.token_ids, strict=True):
        padding = (golden.record.text.pad_id,) * (len(expected) - len(caption.ids))
        assert caption.ids + padding == tuple(expected)
    rows = encoder.encode_texts(captions)
    assert moved(rows, golden.text_embeddings).max() <= TOLERANCE


def test_long_captions_are_told_and_keep_their_end(golden: Golden) -> None:
    captions = openvino(golden.model).prepare_captions(golden.captions)
    length, end_id = golden.record.text.context_length, golden.record.text.end_id
    exact, over, far = captions[-3:]
    assert exact.num_tokens >= length
    assert over.num_tokens > length
    assert far.num_tokens >= 300
    for caption in (over, far):
        assert (len(caption.ids), caption.ids[-1], caption.is_truncated) == (length, end_id, True)


def test_another_filter_is_noticed(golden: Golden) -> None:
    other: Any = "bilinear" if golden.record.image.resample == "bicubic" else "bicubic"
    wrong = golden.with_record(image=replace(golden.record.image, resample=other))
    assert moved(image_rows(openvino(wrong)), golden.image_embeddings).min() >= FAULT


def test_mean_and_std_swapped_is_noticed(golden: Golden) -> None:
    image = golden.record.image
    mean: Any = tuple(part + 0.01 for part in image.mean) if image.mean == image.std else image.std
    wrong = golden.with_record(image=replace(image, mean=mean, std=image.mean))
    assert moved(image_rows(openvino(wrong)), golden.image_embeddings).min() >= FAULT


def test_a_crop_off_by_a_pixel_is_noticed(golden: Golden) -> None:
    pixels = [np.roll(picture, 1, axis=1) for picture in golden.pixels()]
    rows = openvino(golden.model).encode_images(pixels)
    assert moved(rows, golden.image_embeddings).min() >= FAULT


def test_the_other_resize_mode_is_noticed(golden: Golden) -> None:
    image = golden.record.image
    other: Any = "squash" if image.resize_mode == "shortest" else "shortest"
    wrong = golden.with_record(image=replace(image, resize_mode=other))
    oblong = [at for at, picture in enumerate(images()) if picture.width != picture.height]
    assert moved(image_rows(openvino(wrong)), golden.image_embeddings)[oblong].min() >= FAULT


def test_another_pad_is_noticed_where_it_matters(golden: Golden) -> None:
    text = golden.record.text
    wrong = golden.with_record(text=replace(text, pad_id=text.pad_id + 1 if not text.pad_id else 0))
    difference = moved(text_rows(openvino(wrong), golden.captions), golden.text_embeddings)
    if golden.record.family == "clip":
        assert difference.max() <= TOLERANCE
    else:
        padded = [len(set(row)) < len(row) and row[-2] == row[-1] for row in golden.token_ids]
        assert difference[padded].min() >= FAULT


def test_trimming_or_not_gives_the_reference(golden: Golden) -> None:
    # For SigLIP the graph itself keeps to the one length, even if a record says otherwise.
    text = golden.record.text
    other = golden.with_record(text=replace(text, trim_exact=not text.trim_exact))
    rows = text_rows(openvino(other), golden.captions)
    assert moved(rows, golden.text_embeddings).max() <= TOLERANCE


def test_a_lost_end_token_is_noticed(golden: Golden) -> None:
    encoder = openvino(golden.model)
    long = encoder.prepare_captions(golden.captions)[-1]
    cut = TokenizedCaption((*long.ids[:-1], long.ids[-2]), long.num_tokens)
    difference = moved(encoder.encode_texts([cut]), encoder.encode_texts([long]))
    assert difference.min() >= FAULT


def many(golden: Golden) -> tuple[list[Any], list[TokenizedCaption]]:
    """Return pictures of noise, and captions of all kinds of lengths."""
    generator = np.random.default_rng(3)
    side, text = golden.record.image.size, golden.record.text
    pixels = list(generator.integers(0, 256, (NUM_ROWS, side, side, 3), dtype=np.uint8))
    captions = []
    for number in range(NUM_ROWS):
        count = 1 + number * 11 % (text.context_length - 2)
        ids = generator.integers(3, 38, count).tolist()
        captions.append(TokenizedCaption((*ids, text.end_id or 0), count + 1))
    return pixels, captions


def test_the_same_bits_whatever_the_batch_order_and_threads(golden: Golden) -> None:
    pixels, captions = many(golden)
    first = openvino(golden.model, batch_size=64, threads=1)
    image_reference, text_reference = first.encode_images(pixels), first.encode_texts(captions)
    order = np.random.default_rng(4).permutation(len(pixels))
    for threads, batch_size in ((1, 1), (2, 7), (2, 64)):
        encoder = openvino(golden.model, batch_size=batch_size, threads=threads)
        rows = encoder.encode_images([pixels[at] for at in order])
        assert np.array_equal(rows, image_reference[order])
        rows = encoder.encode_texts([captions[at] for at in order])
        assert np.array_equal(rows, text_reference[order])
    assert np.array_equal(first.encode_texts(captions[:1]), text_reference[:1])
    assert np.array_equal(first.encode_images(pixels[:2]), image_reference[:2])


def test_the_default_batches_give_the_same_bits(golden: Golden) -> None:
    pixels, captions = many(golden)
    default, small = openvino(golden.model), openvino(golden.model, batch_size=5)
    assert np.array_equal(default.encode_images(pixels), small.encode_images(pixels))
    assert np.array_equal(default.encode_texts(captions), small.encode_texts(captions))


def test_nothing_in_nothing_out() -> None:
    encoder = openvino(load("siglip").model)
    assert encoder.encode_images([]).shape == (0, encoder.width)
    assert encoder.encode_texts([]).shape == (0, encoder.width)


def test_what_ran_is_told() -> None:
    golden = load("siglip2")
    told = openvino(replace(golden.model, weights_sha256="ab")).provenance
    assert (told.model, told.weights_sha256, told.device) == ("siglip2", "ab", "cpu")
    assert told.runtime.startswith("openvino 20")
    assert told.precision == "fp32"
    assert "bilinear" in told.image_recipe
    assert "lower-cased" in told.text_recipe


def test_the_probe_tells_precisions_apart() -> None:
    assert probe_precision(HINTS["fp32"]) == "fp32"
    assert probe_precision(HINTS[choose_precision("auto")]) == choose_precision("auto")
    with pytest.raises(UnknownNameError, match="fp32"):
        choose_precision("fp8")


@pytest.mark.parametrize("wish", ["bf16", "fp16"])
def test_a_precision_that_does_not_run_is_refused(wish: Any) -> None:
    model = load("siglip").model
    if probe_precision(HINTS[wish]) == wish:
        assert OpenVinoEncoder(model, ModelConfig(precision=wish)).provenance.precision == wish
    else:
        with pytest.raises(ModelError, match=r"computes (fp32|bf16)"):
            OpenVinoEncoder(model, ModelConfig(precision=wish))


@pytest.mark.parametrize("count", range(1, 40))
def test_batches_have_few_sizes_and_keep_their_rows(count: int) -> None:
    batch = np.arange(3 * count).reshape(count, 3)
    filled = fill_up(batch)
    assert len(filled) in (2, 4, 8, 16, 32, 64)
    assert len(filled) < 2 * max(count, 2)
    assert (filled[:count] == batch).all()
    assert (filled[count:] == batch[-1]).all()
