"""Pixels and tokens to embeddings: what was seen before is not encoded again."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from pairsift import stages
from pairsift.errors import ImageError, NotFiniteError
from pairsift.memory import (
    Distinct,
    EmbeddingCache,
    ImageFacts,
    PreparedImage,
    Reuse,
    ShardMemory,
    caption_key,
)
from pairsift.protocols import Encoder, FloatArray, PixelArray, TokenizedCaption
from pairsift.stages import StageClock

Item = TypeVar("Item")

BROKEN_MODEL_ROWS = 32
"""So many rows of one call, and none of them finite: that is no single picture, but the model."""


class Embedder:
    """Encodes what neither the shard nor the cache knows.

    Args:
        encoder: Turns images and captions into embeddings.
        reuse: How far equal inputs share one embedding.
        clock: Counts the time of the towers.
    """

    def __init__(self, encoder: Encoder, reuse: Reuse, clock: StageClock) -> None:
        self.encoder = encoder
        self.reuse = reuse
        self.clock = clock
        half = reuse.cache_bytes // 2 if reuse.is_on else 0
        self._image_cache = EmbeddingCache(encoder.width, half)
        self._caption_cache = EmbeddingCache(encoder.width, half)

    def known_image(self, digest: bytes) -> tuple[FloatArray, ImageFacts] | None:
        """Return what an earlier shard knows of an image by its sha256; safe from any thread."""
        known = self._image_cache.get(digest)
        return None if known is None or known[1] is None else (known[0], known[1])

    def embed_images(self, memory: ShardMemory, keys: Sequence[bytes]) -> list[int | None]:
        """Encode what the shard has not seen yet; return each row's place in its images.

        An image whose embedding is not finite has no place.

        Raises:
            ModelError: None of many rows is finite.
        """
        names: list[bytes] = []
        unseen: dict[bytes, PreparedImage] = {}
        for key in keys:
            image = memory.results[key]
            if isinstance(image, ImageError):
                raise TypeError(key)  # such rows were taken out
            names.append(bytes.fromhex(image.sha256) if self.reuse.is_on else key)
            if not memory.images.knows(names[-1]) and names[-1] not in unseen:
                unseen[names[-1]] = image
        found = {name: image.embedding for name, image in unseen.items()}
        for name, row in found.items():
            if row is None and (known := self._image_cache.get(name)) is not None:
                found[name] = known[0]  # encoded since it was looked for
        new = [name for name, row in found.items() if row is None]
        with self.clock.stage(stages.ENCODE_IMAGES):
            pixels = [_pixels(unseen[name]) for name in new]
            fresh = dict(zip(new, _encode(self.encoder.encode_images, pixels), strict=True))
        for name, row in fresh.items():
            if row is not None:
                self._image_cache.put(name, row, unseen[name].facts)
        memory.encoded_images += len(new)
        memory.reused_images += len(found) - len(new)
        _add(memory.images, found, fresh)
        for key in dict.fromkeys(keys):
            image = memory.results[key]
            if isinstance(image, PreparedImage) and image.pixels is not None:
                memory.results[key] = replace(image, pixels=None)
        return [memory.images.places.get(name) for name in names]

    def embed_captions(
        self, memory: ShardMemory, tokens: Sequence[TokenizedCaption]
    ) -> list[int | None]:
        """Encode what the shard has not seen yet; return each row's place in its captions.

        A caption whose embedding is not finite has no place.

        Raises:
            ModelError: None of many rows is finite.
        """
        is_on = self.reuse.is_on
        names = [caption_key(text.ids) if is_on else memory.serial() for text in tokens]
        unseen = {
            name: text
            for name, text in zip(names, tokens, strict=True)
            if not memory.captions.knows(name)
        }
        known = {name: self._caption_cache.get(name) for name in unseen}
        found = {name: None if hit is None else hit[0] for name, hit in known.items()}
        new = [name for name, row in found.items() if row is None]
        with self.clock.stage(stages.ENCODE_TEXTS):
            texts = [unseen[name] for name in new]
            fresh = dict(zip(new, _encode(self.encoder.encode_texts, texts), strict=True))
        for name, row in fresh.items():
            if row is not None:
                self._caption_cache.put(name, row)
        memory.encoded_captions += len(new)
        memory.reused_captions += len(found) - len(new)
        _add(memory.captions, found, fresh)
        return [memory.captions.places.get(name) for name in names]


def _encode(
    encode: Callable[[Sequence[Item]], FloatArray], items: Sequence[Item]
) -> list[FloatArray | None]:
    """Return each item's embedding, or None where it is not finite.

    Those beside such a one are encoded again without it, which gives them the bits that they have
    in any batch.
    """
    rows: list[FloatArray | None] = [None] * len(items)
    left = list(range(len(items)))
    while left:
        try:
            found = encode([items[place] for place in left])
        except NotFiniteError as error:
            if len(error.rows) == len(left) >= BROKEN_MODEL_ROWS:
                raise
            bad = set(error.rows)
            left = [place for number, place in enumerate(left) if number not in bad]
            continue
        for place, row in zip(left, found, strict=True):
            rows[place] = row
        break
    return rows


def _add(
    distinct: Distinct,
    found: dict[bytes, FloatArray | None],
    fresh: dict[bytes, FloatArray | None],
) -> None:
    """Add embeddings in order of first sight, whether they were found or are new."""
    every = {name: fresh[name] if row is None else row for name, row in found.items()}
    known = {name: row for name, row in every.items() if row is not None}
    distinct.add(list(known), list(known.values()))
    distinct.unfit.update(every.keys() - known.keys())


def _pixels(image: PreparedImage) -> PixelArray:
    if image.pixels is None:
        raise TypeError(image.sha256)  # only images without an embedding are encoded
    return image.pixels
