"""Training data: captions and pictures made in the background, kept in files, read in order.

Every file follows from the seed and its number, so a run that was cut off finds or remakes the
same data. Pictures are stored as the image tower takes them, preprocessed as at inference.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from pairsift.storybook.captions import ATTRIBUTES, Caption, make_caption, wrong_caption
from pairsift.storybook.drawing import draw_scene
from pairsift.storybook.rng import Draws
from pairsift.storybook.scenes import Scene, make_scene
from training.claims import encode_claims
from training.pictures import (
    compress,
    group_middles,
    patch_labels,
    patches_that_show,
    prepare_picture,
)
from training.shapes import GRID, PICTURE_SIDE
from training.truth import decode_scene, encode_scenes, mirror

# Far from any seed that a person would give, so that no evaluation meets a training scene.
TRAINING_WORLD: Final = 0x5EED_2A11_0000_0000
SHARD: Final = 2048  # pictures in a file
WORDS_SHARD: Final = 4096  # captions in a file
NUM_CAPTIONS: Final = 6  # of a picture: one true, the others wrong in one word
NUM_VIEWS: Final = 2
TOKEN_LENGTH: Final = 32  # no caption of the storybook is longer
_DETAILS: Final = ("usual",) * 7 + ("full",) * 2 + ("vague",)


@dataclass(frozen=True)
class View:
    """Pictures and captions of one file, each picture flipped or not.

    Attributes:
        pixels: uint8, shape (N, S, S, 3).
        scenes: Scene rows, shape (N, 10).
        patches: What each patch shows, kind and colour, uint8, shape (N, P, 2).
        shows: Whether a patch shows part of a thing, bool, shape (N, P).
        middles: x and y of both groups, -1 to 1, float32, shape (N, 2, 2).
        tokens: Token ids of the captions, uint16, shape (N, C, L).
        claims: Claim rows of the captions, shape (N, C, 10); caption 0 is the true one.
    """

    pixels: np.ndarray
    scenes: np.ndarray
    patches: np.ndarray
    shows: np.ndarray
    middles: np.ndarray
    tokens: np.ndarray
    claims: np.ndarray


def encode_captions(tokenizer: Any, texts: list[str], length: int) -> np.ndarray:
    """Tokenize and pad.

    Args:
        tokenizer: A tokenizer of ``training.tokenizer``, without padding of its own.
        texts: The captions.
        length: The length of a row.

    Returns:
        uint16, shape (N, length).
    """
    # SigLIP's pad is its own token; CLIP pads with the end, and reads nothing after it.
    pad = tokenizer.token_to_id("<pad>")
    end = tokenizer.token_to_id("</s>" if pad is not None else "<|endoftext|>")
    rows = np.full((len(texts), length), end if pad is None else pad, np.uint16)
    for row, encoding in zip(rows, tokenizer.encode_batch(texts), strict=True):
        ids = encoding.ids
        if len(ids) > length:
            ids = [*ids[: length - 1], end]
        row[: len(ids)] = ids
    return rows


def wrong_captions(caption: Caption, scene: Scene, seed: int, index: int) -> list[Caption]:
    """Write captions that are wrong in one word, several sorts of word first.

    Args:
        caption: The true one.
        scene: What the picture shows.
        seed: The seed of the set.
        index: Which pair of the set.

    Returns:
        ``NUM_CAPTIONS - 1`` captions: the kind, the relation where there is one, then others.
    """
    draws = Draws(seed, index, "wrongs")
    others = draws.shuffled([name for name in ATTRIBUTES if name not in ("kind", "relation")])
    found: list[Caption] = []
    for round_number in range(4):
        for attribute in ("kind", "relation", *others):
            wrong = wrong_caption(caption, scene, attribute, seed + round_number, index)
            if wrong is not None and wrong not in found:
                found.append(wrong)
            if len(found) == NUM_CAPTIONS - 1:
                return found
    while len(found) < NUM_CAPTIONS - 1:
        found.append(draws.choose(found))
    return found


def write_words(folder: Path, number: int, seed: int, tokenizers: dict[str, Any]) -> None:
    """Write a file of captions without pictures: one true and one wrong of each scene.

    Args:
        folder: Where to.
        number: Which file.
        seed: The run's seed.
        tokenizers: By family.
    """
    world = TRAINING_WORLD + seed
    first = (1 << 40) + number * WORDS_SHARD
    scenes, captions = [], []
    for index in range(first, first + WORDS_SHARD):
        draws = Draws(world, index, "words")
        scene = make_scene(world, index)
        right = make_caption(scene, world, index, detail=draws.choose(_DETAILS))
        attributes = draws.shuffled(ATTRIBUTES)
        wrongs = (wrong_caption(right, scene, name, world, index) for name in attributes)
        scenes.append(scene)
        captions.append((right, next(wrong for wrong in wrongs if wrong is not None)))
    _save(
        folder / f"words-{number:05d}.npz",
        scenes=encode_scenes(scenes),
        **_caption_arrays([c for pair in captions for c in pair], tokenizers, 2),
    )


def write_pictures(folder: Path, number: int, seed: int, tokenizers: dict[str, Any]) -> None:
    """Write a file of pictures, and for each of its views a file of captions.

    Args:
        folder: Where to.
        number: Which file.
        seed: The run's seed.
        tokenizers: By family.
    """
    world = TRAINING_WORLD + seed
    indices = range(number * SHARD, (number + 1) * SHARD)
    scenes = [make_scene(world, index) for index in indices]
    rows = encode_scenes(scenes)
    pixels = np.stack(
        [
            prepare_picture(
                compress(draw_scene(scene, side=PICTURE_SIDE), Draws(world, index, "file"))
            )
            for index, scene in zip(indices, scenes, strict=True)
        ]
    )
    flips = np.array([Draws(world, index, "flip").chance(50) for index in indices])
    for view in range(NUM_VIEWS):
        flipped = mirror(rows, flips ^ bool(view))
        captions: list[Caption] = []
        for index, row in zip(indices, flipped, strict=True):
            scene = decode_scene(row)
            detail = Draws(world, index, f"detail {view}").choose(_DETAILS)
            right = make_caption(scene, world, index, variant=view, detail=detail)
            captions += [right, *wrong_captions(right, scene, world + view, index)]
        _save(
            folder / f"captions-{number:05d}-{view}.npz",
            **_caption_arrays(captions, tokenizers, NUM_CAPTIONS),
        )
    patches = np.stack([patch_labels(scene) for scene in scenes])
    # Last, because readers wait for this one.
    _save(
        folder / f"pictures-{number:05d}.npz",
        pixels=pixels,
        scenes=rows,
        flips=flips,
        patches=patches,
    )


def read_words(folder: Path, number: int, family: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read a file of captions.

    Args:
        folder: Where from.
        number: Which file.
        family: Whose token ids.

    Returns:
        Scene rows (N, 10), token ids (N, 2, L), claim rows (N, 2, 10).
    """
    with np.load(folder / f"words-{number:05d}.npz") as file:
        return file["scenes"], file[family], file["claims"]


def read_view(folder: Path, number: int, view: int, family: str, *, seed: int) -> View:
    """Read pictures and captions, flipped as the view wants them.

    Args:
        folder: Where from.
        number: Which file.
        view: Which view of it.
        family: Whose token ids.
        seed: The run's seed.

    Returns:
        The view.
    """
    with np.load(folder / f"pictures-{number:05d}.npz") as file:
        pixels, scenes, patches = file["pixels"], file["scenes"], file["patches"]
        flips = file["flips"] ^ bool(view)
    with np.load(folder / f"captions-{number:05d}-{view}.npz") as file:
        tokens, claims = file[family], file["claims"]
    pixels[flips] = pixels[flips][:, :, ::-1]
    indices = range(number * SHARD, (number + 1) * SHARD)
    drawn = [make_scene(TRAINING_WORLD + seed, index) for index in indices]
    shows = np.stack([patches_that_show(scene) for scene in drawn])
    middles = np.stack([group_middles(scene) for scene in drawn])
    middles[flips, :, 0] *= -1
    for array in (patches, shows):
        grid = array.reshape(-1, GRID, GRID, *array.shape[2:])
        grid[flips] = grid[flips][:, :, ::-1]
    return View(pixels, mirror(scenes, flips), patches, shows, middles, tokens, claims)


def _caption_arrays(
    captions: list[Caption], tokenizers: dict[str, Any], per_scene: int
) -> dict[str, np.ndarray]:
    texts = [caption.text for caption in captions]
    arrays = {
        family: encode_captions(tokenizer, texts, TOKEN_LENGTH)
        for family, tokenizer in tokenizers.items()
    }
    arrays["claims"] = encode_claims([caption.claims for caption in captions])
    return {name: rows.reshape(-1, per_scene, rows.shape[1]) for name, rows in arrays.items()}


def _save(path: Path, **arrays: np.ndarray) -> None:
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial.npz")
    np.savez(partial, allow_pickle=False, **arrays)
    partial.replace(path)
