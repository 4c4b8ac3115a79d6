"""Storybook sets with planted faults as arrays: drawn and embedded once a seed."""

import hashlib
import os
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pairsift.api import load_calculator
from pairsift.calculator import ImageTextSimilarityCalculator
from pairsift.curation.embedded import EmbeddedPairs
from pairsift.curation.hashes import make_thumbnail
from pairsift.protocols import FloatArray, PixelArray
from pairsift.storybook.captions import Caption, make_caption, wrong_caption
from pairsift.storybook.drawing import draw_scene
from pairsift.storybook.encoding import encode_image, near_copy
from pairsift.storybook.faults import Fault, FaultPlan
from pairsift.storybook.scenes import make_scene

BATCH = 256


@dataclass(frozen=True)
class Pictures:
    """Pictures of a set: embeddings, thumbnails and the sha256 of their files."""

    images: FloatArray
    thumbnails: PixelArray
    sha256: NDArray[np.str_]


class Maker:
    """Draws and embeds sets.

    Args:
        model: Name of the model.
        num_pairs: Rows of a set.
        work: Folder in which what was embedded is kept, by the weights that did it.
    """

    def __init__(self, model: str, *, num_pairs: int, work: Path) -> None:
        self.calculator: ImageTextSimilarityCalculator = load_calculator(model)
        weights = str(self.calculator.encoder.provenance.weights_sha256)[:12]
        self.work = work / weights
        self.num_pairs = num_pairs
        self.work.mkdir(parents=True, exist_ok=True)

    def pictures(self, seed: int) -> Pictures:
        """Return the sound pictures of a seed."""
        path = self.work / f"pictures-{seed}-{self.num_pairs}.npz"
        if not path.exists():
            rows = range(self.num_pairs)
            self._keep(path, [encode_image(_draw(seed, row), "jpg") for row in rows])
        with np.load(path) as kept:
            return Pictures(kept["images"], kept["thumbnails"], kept["sha256"])

    def planted_pictures(self, seed: int, plan: FaultPlan) -> Pictures:
        """Return the pictures of a seed with copies and near copies planted."""
        sound = self.pictures(seed)
        rows = np.array([row for row, f in plan.faults.items() if f.partner is not None])
        path = self.work / f"copies-{seed}-{self.num_pairs}-{len(rows)}.npz"
        if not path.exists():
            self._keep(path, [_copy(seed, plan.faults[int(row)]) for row in rows])
        images, thumbnails, sha256 = sound.images.copy(), sound.thumbnails.copy(), sound.sha256
        with np.load(path) as kept:
            images[rows], thumbnails[rows] = kept["images"], kept["thumbnails"]
            sha256 = sha256.copy()
            sha256[rows] = kept["sha256"]
        return Pictures(images, thumbnails, sha256)

    def pairs(self, seed: int, plan: FaultPlan | None = None) -> EmbeddedPairs:
        """Return the pairs of a seed, with swapped and wrong captions where they are planted."""
        sound_texts = [_caption(seed, row).text for row in range(self.num_pairs)]
        texts = list(sound_texts)
        path = self.work / f"captions-{seed}-{self.num_pairs}.npy"
        if not path.exists():
            part = path.with_suffix(f".{os.getpid()}.npy")
            np.save(part, self._captions(sound_texts))
            part.replace(path)
        captions = np.load(path)
        if plan is not None:
            texts = [
                _planted_text(seed, row, plan.faults.get(row, Fault("")))
                for row in range(self.num_pairs)
            ]
            at = {text: place for place, text in enumerate(sound_texts)}
            new = [text for text in dict.fromkeys(texts) if text not in at]
            both = np.concatenate([captions, self._captions(new)]) if new else captions
            at |= {text: self.num_pairs + place for place, text in enumerate(new)}
            captions = both[[at[text] for text in texts]]
        rows = np.arange(self.num_pairs, dtype=np.int64)
        images = self.pictures(seed).images
        return EmbeddedPairs(np.zeros_like(rows), rows, images, captions, tuple(texts))

    def _captions(self, texts: list[str]) -> FloatArray:
        parts = [
            self.calculator.encode_captions(texts[at : at + BATCH])
            for at in range(0, len(texts), BATCH)
        ]
        return np.concatenate(parts)

    def _keep(self, path: Path, files: list[bytes]) -> None:
        parts = [
            self.calculator.encode_images(files[at : at + BATCH])
            for at in range(0, len(files), BATCH)
        ]
        thumbnails = [make_thumbnail(Image.open(BytesIO(data)).convert("RGB")) for data in files]
        part = path.with_suffix(f".{os.getpid()}.npz")
        np.savez(
            part,
            images=np.concatenate(parts),
            thumbnails=np.stack(thumbnails),
            sha256=np.array([hashlib.sha256(data).hexdigest() for data in files]),
        )
        part.replace(path)  # another program may be waiting for the same set


def lower_bound(values: list[float]) -> float:
    """Return the lower end of the 95 % interval of a mean over ten seeds, by Student's t."""
    if len(values) < 2:
        return float("nan")
    # Student 1908; the 97.5 % point for 1 to 19 degrees of freedom.
    points = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14)
    point = points[min(len(values) - 2, len(points) - 1)]
    spread = float(np.std(values, ddof=1)) / float(np.sqrt(len(values)))
    return float(np.mean(values)) - point * spread


def _caption(seed: int, row: int) -> Caption:
    return make_caption(make_scene(seed, row), seed, row)


def _planted_text(seed: int, row: int, fault: Fault) -> str:
    text = _caption(seed, row).text
    if fault.name == "swap" and fault.partner is not None:
        text = _caption(seed, fault.partner).text
    if fault.name == "word":
        wrong = wrong_caption(_caption(seed, row), make_scene(seed, row), fault.detail, seed, row)
        text = text if wrong is None else wrong.text
    return text


def _draw(seed: int, row: int) -> Image.Image:
    return draw_scene(make_scene(seed, row), side=128)


def _copy(seed: int, fault: Fault) -> bytes:
    if fault.partner is None:
        message = f"a fault of the sort `{fault.name}` needs a partner row"
        raise ValueError(message)
    image = _draw(seed, fault.partner)
    return encode_image(
        near_copy(image, fault.detail) if fault.name == "near-copy" else image, "jpg"
    )
