"""Pixels and tokens to embeddings: what was seen before is not encoded again."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from pairsift import stages
from pairsift.errors import ImageError
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

    def embed_images(self, memory: ShardMemory, keys: Sequence[bytes]) -> list[int]:
        """Encode what the shard has not seen yet; return each row's place in its images."""
        names: list[bytes] = []
        unseen: dict[bytes, PreparedImage] = {}
        for key in keys:
            image = memory.results[key]
            if isinstance(image, ImageError):
                raise TypeError(key)  # such rows were taken out
            names.append(bytes.fromhex(image.sha256) if self.reuse.is_on else key)
            if names[-1] not in memory.images.places and names[-1] not in unseen:
                unseen[names[-1]] = image
        found = {name: image.embedding for name, image in unseen.items()}
        for name, row in found.items():
            if row is None and (known := self._image_cache.get(name)) is not None:
                found[name] = known[0]  # encoded since it was looked for
        new = [name for name, row in found.items() if row is None]
        with self.clock.stage(stages.ENCODE_IMAGES):
            rows = (
                self.encoder.encode_images([_pixels(unseen[name]) for name in new]) if new else ()
            )
        for name, row in zip(new, rows, strict=True):
            self._image_cache.put(name, row, unseen[name].facts)
        memory.encoded_images += len(new)
        memory.reused_images += len(found) - len(new)
        _add(memory.images, found, new, rows)
        for key in dict.fromkeys(keys):
            image = memory.results[key]
            if isinstance(image, PreparedImage) and image.pixels is not None:
                memory.results[key] = replace(image, pixels=None)
        return [memory.images.places[name] for name in names]

    def embed_captions(self, memory: ShardMemory, tokens: Sequence[TokenizedCaption]) -> list[int]:
        """Encode what the shard has not seen yet; return each row's place in its captions."""
        is_on = self.reuse.is_on
        names = [caption_key(text.ids) if is_on else memory.serial() for text in tokens]
        unseen = {
            name: text
            for name, text in zip(names, tokens, strict=True)
            if name not in memory.captions.places
        }
        known = {name: self._caption_cache.get(name) for name in unseen}
        found = {name: None if hit is None else hit[0] for name, hit in known.items()}
        new = [name for name, row in found.items() if row is None]
        with self.clock.stage(stages.ENCODE_TEXTS):
            rows = self.encoder.encode_texts([unseen[name] for name in new]) if new else ()
        for name, row in zip(new, rows, strict=True):
            self._caption_cache.put(name, row)
        memory.encoded_captions += len(new)
        memory.reused_captions += len(found) - len(new)
        _add(memory.captions, found, new, rows)
        return [memory.captions.places[name] for name in names]


def _add(
    distinct: Distinct,
    found: dict[bytes, FloatArray | None],
    new: Sequence[bytes],
    rows: Iterable[FloatArray],
) -> None:
    """Add embeddings in order of first sight, whether they were found or are new."""
    fresh = dict(zip(new, rows, strict=True))
    known = {name: fresh[name] if row is None else row for name, row in found.items()}
    distinct.add(list(known), list(known.values()))


def _pixels(image: PreparedImage) -> PixelArray:
    if image.pixels is None:
        raise TypeError(image.sha256)  # only images without an embedding are encoded
    return image.pixels
