"""Embeddings that others made: pairs of arrays on disk, read in blocks, as unit-norm float32.

Two layouts, as their writers leave them:

- clip-retrieval (``clip_inference/writer.py``): ``img_emb/img_emb_0.npy``,
  ``text_emb/text_emb_0.npy`` and ``metadata/metadata_0.parquet``, numbered alike;
- DataComp (its pool's ``metadata`` folder): ``NAME.npz`` with ``l14_img`` and ``l14_txt`` (and
  ``b32_img``, ``b32_txt``), and ``NAME.parquet``.
"""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pairsift.errors import TableFormatError, UsageError
from pairsift.protocols import FloatArray
from pairsift.tables.arrays import ArrayPlace, open_array

IMAGE_KEY, TEXT_KEY = "_img", "_txt"


@dataclass(frozen=True)
class EmbeddingPart:
    """Embeddings of some pairs.

    Args:
        images: Where those of the images stand.
        captions: Where those of the captions stand.
        metadata: The table of the same rows, or None.
        num_rows: Pairs.
        width: Dimensions D.
        dtype: Of the images' numbers, such as ``float16``.
    """

    images: ArrayPlace
    captions: ArrayPlace
    metadata: Path | None
    num_rows: int
    width: int
    dtype: str


@dataclass(frozen=True)
class EmbeddingBlock:
    """Embeddings of neighbouring rows.

    Args:
        part: Ordinal of the part.
        first_row: Ordinal of the first row in it.
        images: Unit-norm rows, shape (N, D), float32.
        captions: Likewise.
        is_sound: Shape (N,), bool: both rows have a length; others are zeros.
    """

    part: int
    first_row: int
    images: FloatArray
    captions: FloatArray
    is_sound: NDArray[np.bool_]


def find_embeddings(path: Path, *, model: str | None = None) -> tuple[EmbeddingPart, ...]:
    """Return the parts of a set of embeddings, in order, after a look at every header.

    Args:
        path: A folder in one of the two layouts, one ``.npz``, or one ``img_emb_N.npy``.
        model: Which arrays of a ``.npz``, such as ``l14``; may be left out where there is one.

    Raises:
        UsageError: Nothing is there, or the model has to be named.
        TableFormatError: A partner is missing, or shapes, types or rows do not fit.
    """
    if path.suffix == ".npy":
        return (_pair_of(path),)
    if path.is_file():
        archives = [path]
    else:
        pairs = _numbered_pairs(path)
        if pairs:
            return tuple(_part(ArrayPlace(a), ArrayPlace(b), meta) for a, b, meta in pairs)
        archives = sorted(path.glob("*.npz"))
    if not archives:
        message = f"{path}: no embeddings (img_emb/*.npy with text_emb/*.npy, or *.npz)"
        raise UsageError(message)
    parts = []
    for archive in archives:
        name = _model_of(archive, model)
        places = ArrayPlace(archive, name + IMAGE_KEY), ArrayPlace(archive, name + TEXT_KEY)
        table = archive.with_suffix(".parquet")
        parts.append(_part(*places, table if table.is_file() else None))
    return tuple(parts)


def read_embeddings(
    parts: tuple[EmbeddingPart, ...], *, block_rows: int = 8192
) -> Iterator[EmbeddingBlock]:
    """Yield all embeddings in order, ``block_rows`` at a time, holding one block.

    Args:
        parts: As ``find_embeddings`` gives them.
        block_rows: Rows of a block at most; none spans two parts.

    Raises:
        TableFormatError: A file is cut off.
    """
    for ordinal, part in enumerate(parts):
        with open_array(part.images) as images, open_array(part.captions) as captions:
            for first in range(0, part.num_rows, block_rows):
                count = min(block_rows, part.num_rows - first)
                image_rows, image_sound = unit_norm(images.take(count))
                text_rows, text_sound = unit_norm(captions.take(count))
                yield EmbeddingBlock(
                    ordinal, first, image_rows, text_rows, image_sound & text_sound
                )


def _part(images: ArrayPlace, captions: ArrayPlace, metadata: Path | None) -> EmbeddingPart:
    with open_array(images) as image_rows, open_array(captions) as text_rows:
        shape, other = image_rows.shape, text_rows.shape
        dtype = image_rows.dtype.name
    if shape != other:
        message = f"{images} has shape {shape}, but {captions} has {other}"
        raise TableFormatError(message)
    if metadata is not None:
        try:
            num_rows = pq.read_metadata(metadata).num_rows
        except (pa.ArrowException, OSError) as error:
            words = str(error).split("\n")[0]
            raise TableFormatError(f"{metadata.name} is no Parquet file: {words}") from error
        if num_rows != shape[0]:
            message = f"{metadata.name} has {num_rows} rows, but {images} has {shape[0]}"
            raise TableFormatError(message)
    return EmbeddingPart(images, captions, metadata, *shape, dtype)


def _pair_of(images: Path) -> EmbeddingPart:
    """Return what belongs to ``img_emb_N.npy``, beside it or in the folders beside its own."""
    number = images.stem.removeprefix("img_emb_")
    if number == images.stem:
        message = f"{images}: of a pair of arrays name that of the images, img_emb_N.npy"
        raise UsageError(message)
    home = images.parent.parent if images.parent.name == "img_emb" else images.parent

    def partner(name: str, suffix: str) -> Path | None:
        places = (home / f"{name}_{number}{suffix}", home / name / f"{name}_{number}{suffix}")
        exact = next((place for place in places if place.is_file()), None)
        # Only where the digits are padded otherwise is a folder of thousands listed.
        return exact or _numbered(home, name, suffix).get(int(number))

    captions = partner("text_emb", ".npy") if number.isdecimal() else None
    if captions is None:
        message = f"{images} has no partner text_emb_{number}.npy"
        raise TableFormatError(message)
    return _part(ArrayPlace(images), ArrayPlace(captions), partner("metadata", ".parquet"))


def _numbered_pairs(folder: Path) -> list[tuple[Path, Path, Path | None]]:
    images = _numbered(folder, "img_emb", ".npy")
    captions = _numbered(folder, "text_emb", ".npy")
    if alone := sorted(images.keys() ^ captions.keys()):
        message = f"{folder}: number {alone[0]} has only one of img_emb and text_emb"
        raise TableFormatError(message)
    metadata = _numbered(folder, "metadata", ".parquet")
    return [(images[n], captions[n], metadata.get(n)) for n in sorted(images)]


def _numbered(folder: Path, name: str, suffix: str) -> dict[int, Path]:
    """Return the files ``NAME_NUMBER`` of a folder, or of the one of that name in it."""
    found = {}
    for place in (folder, folder / name):
        for path in place.glob(f"{name}_*{suffix}"):
            number = path.stem.removeprefix(name + "_")
            if number.isdecimal():
                found[int(number)] = path
    return found


def _model_of(archive: Path, model: str | None) -> str:
    try:
        with zipfile.ZipFile(archive) as file:
            names = {name.removesuffix(".npy") for name in file.namelist()}
    except zipfile.BadZipFile as error:
        raise TableFormatError(f"{archive.name} is no .npz: {error}") from error
    both = {name.removesuffix(IMAGE_KEY) for name in names if name.endswith(IMAGE_KEY)}
    both = {name for name in both if name + TEXT_KEY in names}
    if model is None and len(both) == 1:
        return both.pop()
    if model not in both:
        available = ", ".join(sorted(both)) or "none"
        message = f"{archive.name}: name the model whose embeddings to take; available: {available}"
        raise UsageError(message)
    return model


def unit_norm(rows: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return rows of length one, and which have a length; others become zeros."""
    # In float64, so that large values do not overflow and small ones do not vanish.
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
    is_sound = np.isfinite(lengths[:, 0]) & (lengths[:, 0] > 0)
    safe = np.where(is_sound[:, None], lengths, 1.0)
    unit = np.where(is_sound[:, None], rows / safe, 0.0)
    return unit.astype(np.float32), is_sound
