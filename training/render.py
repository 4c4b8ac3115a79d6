"""Makes training data in the background: ``python -m training.render --out DIR``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from pairsift.storybook.captions import DETAILS, make_caption
from pairsift.storybook.scenes import make_scene
from training.data import TRAINING_WORLD, write_pictures, write_words
from training.shapes import SHAPES
from training.tokenizer import train_tokenizer

_TOKENIZER_CAPTIONS = 30_000


def load_tokenizers(folder: Path, seed: int) -> dict[str, Any]:
    """Load the two tokenizers, or train and save them first.

    Args:
        folder: Where they are kept.
        seed: The run's seed.

    Returns:
        Tokenizers by family.
    """
    tokenizers: dict[str, Any] = {}
    for shape in SHAPES.values():
        path = folder / f"tokenizer-{shape.family}.json"
        if not path.exists():
            world, first = TRAINING_WORLD + seed, 1 << 48
            captions = [
                make_caption(
                    make_scene(world, index), world, index, detail=DETAILS[index % len(DETAILS)]
                ).text
                for index in range(first, first + _TOKENIZER_CAPTIONS)
            ]
            tokenizer = train_tokenizer(shape.family, captions)
            partial = path.with_suffix(f".{os.getpid()}.partial")
            tokenizer.save(str(partial))
            partial.replace(path)
        tokenizers[shape.family] = Tokenizer.from_file(str(path))
    return tokenizers


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the training run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--words", type=int, default=0, help="caption files to make")
    parser.add_argument("--pictures", type=int, default=0, help="picture files to make")
    parser.add_argument("--parent", type=int, default=0, help="stop when this process is gone")
    options = parser.parse_args(arguments)
    folder = options.out / "data"
    folder.mkdir(parents=True, exist_ok=True)
    tokenizers = load_tokenizers(folder, options.seed)
    for kind, number_of_files, write in (
        ("words", options.words, write_words),
        ("pictures", options.pictures, write_pictures),
    ):
        for number in range(number_of_files):
            if options.parent and os.getppid() != options.parent:
                return
            if not (folder / f"{kind}-{number:05d}.npz").exists():
                write(folder, number, options.seed, tokenizers)


if __name__ == "__main__":
    main(sys.argv[1:])
