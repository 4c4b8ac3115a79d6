"""Draws pairs with the similarities that a checkpoint gives: ``python -m training.sheet``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from textwrap import wrap
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pairsift.storybook.captions import ATTRIBUTES, wrong_caption
from pairsift.storybook.pairs import make_pair
from training.data import encode_captions
from training.evaluate import as_scored, load_model
from training.towers import embed_images, embed_texts

_COLUMNS: Final = 3
_CELL: Final = (430, 150)
_PICTURE: Final = 128


def draw_pairs(folder: Path, *, seed: int, count: int = 12) -> Image.Image:
    """Draw the first pairs of a seed, each with its caption and one that has a word wrong.

    Args:
        folder: The checkpoint.
        seed: The seed of the pairs.
        count: How many.

    Returns:
        The picture; beside each caption stands its similarity.
    """
    model, tokenizer, shape = load_model(folder)
    wide, tall = _CELL
    sheet = Image.new("RGB", (wide * _COLUMNS, tall * -(-count // _COLUMNS)), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for index in range(count):
        pair = make_pair(seed, index)
        # A different sort of word in each cell, where the caption names one.
        turned = [*ATTRIBUTES[index % 5 : 5], *ATTRIBUTES[: index % 5]]
        wrongs = [wrong_caption(pair.caption, pair.scene, name, seed, index) for name in turned]
        wrong = next(caption for caption in wrongs if caption is not None)
        texts = [pair.caption.text, wrong.text]
        image = embed_images(model, shape, as_scored(pair.image)[None])
        tokens = encode_captions(tokenizer, texts, shape.context_length)
        cosines = (embed_texts(model, shape, tokens) @ image.T)[:, 0]
        left, top = index % _COLUMNS * wide, index // _COLUMNS * tall
        sheet.paste(pair.image, (left + 8, top + 8))
        line = top + 10
        for text, cosine, ink in zip(texts, cosines, ("#00664A", "#A33B00"), strict=True):
            mark = "true" if text is texts[0] else "wrong"
            label = f"{np.round(cosine, 2):.2f}  {mark}"
            draw.text((left + _PICTURE + 18, line), label, fill=ink, font=font)
            line += 17
            for part in wrap(text, 40):
                draw.text((left + _PICTURE + 18, line), part, fill="black", font=font)
                line += 16
            line += 8
    return sheet


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="checkpoint folder")
    parser.add_argument("picture", type=Path, help="PNG file to write")
    parser.add_argument("--seed", type=int, default=11)
    options = parser.parse_args(arguments)
    sheet = draw_pairs(options.folder, seed=options.seed)
    sheet.quantize(256).save(options.picture, optimize=True)


if __name__ == "__main__":
    main(sys.argv[1:])
