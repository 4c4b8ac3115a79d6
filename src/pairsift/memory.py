"""What was embedded before: within a shard everything, across shards as much as may be kept.

An embedding follows from its input alone, so a number never depends on whether it was found here.
"""

import hashlib
import threading
from array import array
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pairsift.errors import ImageError
from pairsift.protocols import FloatArray, PixelArray
from pairsift.runs.commits import Work

ENTRY_BYTES = 400
"""What an entry takes beside its numbers: key, place in the order, facts. Measured: 350 to 390."""

ImageFacts = tuple[int, int, str]
"""Width and height in pixels as a person sees the picture, and its format."""


@dataclass(frozen=True)
class Reuse:
    """How far equal inputs share one embedding.

    Args:
        is_on: Otherwise every row is encoded by itself, by the same code.
        cache_bytes: Memory for what is kept from earlier shards.
    """

    is_on: bool = True
    cache_bytes: int = 32 << 20


@dataclass(frozen=True)
class PreparedImage:
    """One image on its way to the encoder.

    Args:
        sha256: Of the file's bytes, in hex.
        facts: What is known of the picture.
        pixels: The encoder's input, or None once it is not needed.
        embedding: Shape (D,), where an earlier shard had encoded the same bytes.
    """

    sha256: str
    facts: ImageFacts
    pixels: PixelArray | None = None
    embedding: FloatArray | None = None


class EmbeddingCache:
    """Keeps embeddings by a key of their content, the longest unused give way.

    Args:
        width: Dimensions D.
        max_bytes: Of memory, keys and all; 0 keeps nothing.

    Safe to call from many threads.
    """

    def __init__(self, width: int, max_bytes: int) -> None:
        self._slots = max_bytes // (4 * width + ENTRY_BYTES)
        # Pages that nothing was written to take no memory yet.
        self._rows = np.empty((self._slots, width), dtype=np.float32) if self._slots else None
        self._places: OrderedDict[bytes, tuple[int, ImageFacts | None]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: bytes) -> tuple[FloatArray, ImageFacts | None] | None:
        """Return a copy of an embedding, shape (D,), with its facts; None where it is not kept."""
        if self._rows is None:
            return None
        with self._lock:
            found = self._places.get(key)
            if found is None:
                return None
            self._places.move_to_end(key)
            return self._rows[found[0]].copy(), found[1]

    def put(self, key: bytes, row: FloatArray, facts: ImageFacts | None = None) -> None:
        """Keep an embedding, shape (D,)."""
        if self._rows is None:
            return
        with self._lock:
            if key in self._places:
                return
            if len(self._places) < self._slots:
                place = len(self._places)
            else:
                _, (place, _) = self._places.popitem(last=False)
            self._rows[place] = row
            self._places[key] = place, facts


class Distinct:
    """The distinct embeddings of a shard, in order of first sight.

    Args:
        width: Dimensions D.

    ``unfit`` are the keys of what was encoded and has none that is finite.
    """

    def __init__(self, width: int) -> None:
        self._rows = np.empty((0, width), dtype=np.float32)
        self.places: dict[bytes, int] = {}
        self.unfit: set[bytes] = set()

    def knows(self, key: bytes) -> bool:
        """Say whether something was encoded, whether it has an embedding or not."""
        return key in self.places or key in self.unfit

    @property
    def rows(self) -> FloatArray:
        """All of them, shape (N, D)."""
        return self._rows[: len(self.places)]

    def add(self, keys: Sequence[bytes], rows: Sequence[FloatArray] | FloatArray) -> None:
        """Add embeddings of keys that are not there yet."""
        begin, end = len(self.places), len(self.places) + len(keys)
        if end > len(self._rows):
            grown = np.empty((max(end, 2 * len(self._rows)), self._rows.shape[1]), np.float32)
            grown[:begin] = self.rows
            self._rows = grown
        if keys:
            self._rows[begin:end] = rows
        self.places.update(zip(keys, range(begin, end), strict=True))


class ShardMemory:
    """What one shard has seen so far.

    Args:
        width: Dimensions D.
        is_suspect: Its images are decoded in a process of their own, one by one.
        root: Folder of its references, where it is not the scorer's.
    """

    def __init__(self, width: int, *, is_suspect: bool = False, root: Path | None = None) -> None:
        self.is_suspect = is_suspect
        self.root = root
        self.images = Distinct(width)
        self.captions = Distinct(width)
        self.asked: set[bytes] = set()
        self.results: dict[bytes, PreparedImage | ImageError] = {}
        self.encoded_images = 0
        self.encoded_captions = 0
        self.reused_images = 0
        self.reused_captions = 0
        self.truncated_captions = 0
        self._serial = 0

    def serial(self) -> bytes:
        """Return what is given out once only: the key of what shares with nothing."""
        self._serial += 1
        return b"#%d" % self._serial

    def work(self) -> Work:
        """Return what it took."""
        return Work(
            distinct_images=len(self.images.places),
            distinct_captions=len(self.captions.places),
            encoded_images=self.encoded_images,
            encoded_captions=self.encoded_captions,
            reused_images=self.reused_images,
            reused_captions=self.reused_captions,
            truncated_captions=self.truncated_captions,
        )


def caption_key(ids: Sequence[int]) -> bytes:
    """Return what tells a caption's tokens from others."""
    return hashlib.blake2b(array("q", ids).tobytes(), digest_size=16).digest()
