"""Measures a checkpoint on storybook pairs of a seed: ``python -m training.evaluate FOLDER``.

The checkpoint is read by transformers in fp32, or with ``--runtime`` by an encoder of pairsift at
a chosen precision; scenes, captions and truth come from the seed alone. A pair of a caption and a
picture that do not belong together may be true all the same; it is never counted as wrong, and
the share of such pairs is reported.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from PIL import Image
from tokenizers import Tokenizer
from transformers import CLIPModel, SiglipModel

from pairsift.build import build_encoder
from pairsift.config import ModelConfig
from pairsift.storybook.captions import ATTRIBUTES, wrong_caption
from pairsift.storybook.pairs import StorybookPair, make_pair
from training.claims import encode_claims, truth_matrix
from training.data import encode_captions
from training.pictures import prepare_picture
from training.shapes import SHAPES, Shape
from training.towers import embed_images, embed_texts
from training.truth import encode_scenes

RETRIEVAL: Final = 500
_QUALITY: Final = 92  # as `pairsift storybook` writes JPEG files


@dataclass(frozen=True)
class Embedder:
    """A checkpoint as two functions, whatever runs it.

    Attributes:
        name: The model's name.
        runtime: What runs it, with its version, and at which precision.
        images: From uint8 pixels (N, S, S, 3) to unit-norm rows (N, D).
        texts: From captions to unit-norm rows (N, D).
    """

    name: str
    runtime: str
    images: Callable[[np.ndarray], np.ndarray]
    texts: Callable[[list[str]], np.ndarray]


def load_embedder(folder: Path, *, runtime: str, precision: str, threads: int) -> Embedder:
    """Load a checkpoint for one runtime.

    Args:
        folder: The checkpoint.
        runtime: ``transformers``, or a runtime of pairsift.
        precision: For pairsift's runtimes; transformers runs in fp32.
        threads: Threads of the towers.

    Returns:
        The embedder.
    """
    if runtime == "transformers":
        model, tokenizer, shape = load_model(folder)

        def texts(captions: list[str]) -> np.ndarray:
            ids = encode_captions(tokenizer, captions, shape.context_length)
            return embed_texts(model, shape, ids)

        return Embedder(
            shape.name,
            "transformers fp32",
            lambda pixels: embed_images(model, shape, pixels),
            texts,
        )
    config = ModelConfig(
        model=str(folder),
        runtime=runtime,  # type: ignore[arg-type]
        precision=precision,  # type: ignore[arg-type]
        threads=threads,
        offline=True,
    )
    encoder, _ = build_encoder(config)
    ran = encoder.provenance
    return Embedder(
        folder.name,
        f"{ran.runtime} {ran.precision}",
        lambda pixels: encoder.encode_images(list(pixels)),
        lambda captions: encoder.encode_texts(encoder.prepare_captions(captions)),
    )


def load_model(folder: Path) -> tuple[Any, Any, Shape]:
    """Load a checkpoint folder of one of the two shapes.

    Args:
        folder: The checkpoint.

    Returns:
        The transformers model in fp32, the tokenizer, and the shape.
    """
    config = json.loads((folder / "config.json").read_text())
    shape = next(shape for shape in SHAPES.values() if shape.family == config["model_type"])
    model = (CLIPModel if shape.family == "clip" else SiglipModel).from_pretrained(
        folder, dtype=torch.float32
    )
    model.eval()
    return model, Tokenizer.from_file(str(folder / "tokenizer.json")), shape


def auc(positives: np.ndarray, negatives: np.ndarray) -> float:
    """Area under the ROC curve: how often a positive is above a negative, ties count half.

    Args:
        positives: Similarities, shape (N,).
        negatives: Similarities, shape (M,).

    Returns:
        From 0 to 1.

    Example:
        >>> auc(np.array([2.0, 3.0]), np.array([1.0, 2.0]))
        0.875
    """
    ordered = np.sort(negatives)
    below = np.searchsorted(ordered, positives, "left")
    upto = np.searchsorted(ordered, positives, "right")
    return float((below + upto).mean() / 2 / len(negatives))


def as_scored(image: Image.Image) -> np.ndarray:
    """Pass a picture through the file that `pairsift storybook` would write.

    Args:
        image: The drawn picture.

    Returns:
        What the model takes, uint8, shape (S, S, 3).
    """
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_QUALITY, subsampling=0)
    return prepare_picture(Image.open(buffer).convert("RGB"))


def ranked_first(cosines: np.ndarray, truth: np.ndarray) -> float:
    """Share of rows whose best column is true.

    Args:
        cosines: Queries by candidates, shape (N, M).
        truth: Where they agree, bool, shape (N, M).

    Returns:
        From 0 to 1.
    """
    return float(truth[np.arange(len(cosines)), cosines.argmax(1)].mean())


def evaluate(embedder: Embedder, *, seed: int, num_pairs: int) -> dict[str, Any]:
    """Measure a checkpoint.

    Args:
        embedder: The checkpoint.
        seed: The seed of the pairs.
        num_pairs: How many pairs.

    Returns:
        The figures, ready for JSON.
    """
    embed = embedder.texts
    pairs = [make_pair(seed, index) for index in range(num_pairs)]
    scenes = encode_scenes([pair.scene for pair in pairs])
    claims = encode_claims([pair.caption.claims for pair in pairs])
    images = embedder.images(np.stack([as_scored(pair.image) for pair in pairs]))
    texts = embed([pair.caption.text for pair in pairs])
    right = (images * texts).sum(1)
    order = np.random.default_rng(seed).permutation(num_pairs)
    while (order == np.arange(num_pairs)).any():
        order = np.random.default_rng(int(order[0]) + 1).permutation(num_pairs)
    true_anyway = np.array(
        [truth_matrix(claims[o : o + 1], scenes[i : i + 1])[0, 0] for i, o in enumerate(order)]
    )
    shuffled = (images * texts[order]).sum(1)[~true_anyway]
    figures: dict[str, Any] = {
        "model": embedder.name,
        "runtime": embedder.runtime,
        "seed": seed,
        "pairs": num_pairs,
        "auc": auc(right, shuffled),
        "shuffled_excluded": float(true_anyway.mean()),
        "similarity_true_mean": float(right.mean()),
        "similarity_shuffled_mean": float(shuffled.mean()),
    }
    figures |= _retrieval(images, texts, claims, scenes)
    figures["one_word_wrong"] = _one_word_wrong(pairs, images, right, embed, seed)
    return figures


def _retrieval(
    images: np.ndarray, texts: np.ndarray, claims: np.ndarray, scenes: np.ndarray
) -> dict[str, float]:
    """Rank-1 figures over every whole block of 500 pairs, by scene truth."""
    to_text, to_image, others = [], [], []
    for start in range(0, len(images) - RETRIEVAL + 1, RETRIEVAL):
        part = slice(start, start + RETRIEVAL)
        truth = truth_matrix(claims[part], scenes[part])  # captions by pictures
        cosines = images[part] @ texts[part].T
        to_text.append(ranked_first(cosines, truth.T))
        to_image.append(ranked_first(cosines.T, truth))
        others.append(float((truth.sum() - RETRIEVAL) / (RETRIEVAL * (RETRIEVAL - 1))))
    if not to_text:
        return {}
    return {
        "right_caption_first": float(np.mean(to_text)),
        "right_picture_first": float(np.mean(to_image)),
        "retrieval_true_anyway": float(np.mean(others)),
    }


def _one_word_wrong(
    pairs: list[StorybookPair], images: np.ndarray, right: np.ndarray, embed: Any, seed: int
) -> dict[str, dict[str, float]]:
    """How often the true caption is above the same caption with one word wrong."""
    table = {}
    for attribute in ATTRIBUTES:
        wrongs = [wrong_caption(p.caption, p.scene, attribute, seed, p.index) for p in pairs]
        named = [row for row, wrong in enumerate(wrongs) if wrong is not None]
        if not named:
            continue
        texts = embed([wrong.text for wrong in wrongs if wrong is not None])
        wins = right[named] > (images[named] * texts).sum(1)
        table[attribute] = {
            "accuracy": float(wins.mean()),
            "pairs": len(named),
            "not_named": 1 - len(named) / len(pairs),
        }
    return table


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="checkpoint folder")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--runtime", default="transformers", help="or openvino, torch")
    parser.add_argument("--precision", default="fp32", help="of openvino and torch")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    embedder = load_embedder(
        options.folder,
        runtime=options.runtime,
        precision=options.precision,
        threads=options.threads,
    )
    figures = evaluate(embedder, seed=options.seed, num_pairs=options.pairs)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main(sys.argv[1:])
