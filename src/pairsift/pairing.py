"""A batch taken apart into what has to be read, and the columns put together again."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pairsift import schema
from pairsift.config import CaptionConfig
from pairsift.decoding import Task
from pairsift.errors import CaptionError, ImageError, RowError
from pairsift.memory import PreparedImage, ShardMemory
from pairsift.protocols import FloatArray, TokenizedCaption
from pairsift.statuses import RowStatus
from pairsift.tokenization import clean_caption

_REFERENCE = b"r"

Wanted = tuple[bytes | None, bytes | None]
"""A reference and a content; content wins."""

Result = PreparedImage | ImageError


@dataclass
class Prepared:
    """A batch whose images are being decoded on other threads."""

    num_rows: int
    memory: ShardMemory
    failures: dict[int, RowError]
    image_keys: dict[int, bytes]
    captions: dict[int, str]
    images: list[tuple[list[bytes], Task[Wanted, Result]]]


def read_caption(value: bytes | None, config: CaptionConfig) -> str:
    """Return the text of a caption cell.

    Raises:
        CaptionError: It is null, empty or no text.
    """
    if value is None:
        raise CaptionError(RowStatus.CAPTION_NULL, "the caption is null")
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError as error:
        reason = f"not valid UTF-8: byte 0x{value[error.start]:02x} at offset {error.start}"
        raise CaptionError(RowStatus.CAPTION_INVALID, reason) from error
    if "\0" in text:
        reason = f"a NUL character at offset {text.index(chr(0))}"
        raise CaptionError(RowStatus.CAPTION_INVALID, reason)
    if config.clean_captions:
        text = clean_caption(text)
    if not text.strip():
        reason = "the caption is only white space" if text else "the caption is empty"
        raise CaptionError(RowStatus.CAPTION_EMPTY, reason)
    return text


def references_of(batch: tuple[pa.RecordBatch, ShardMemory]) -> list[bytes]:
    """Return what must be read to score a batch; content wins over reference."""
    pairs, memory = batch
    without = pairs.column(schema.CONTENT).is_null()
    found = pairs.column(schema.REFERENCE).filter(without).drop_null().to_pylist()
    return [reference for reference in found if _REFERENCE + reference not in memory.asked]


def image_key(reference: bytes | None, content: bytes | None) -> bytes:
    """Return what tells one image of a batch from another before it is read."""
    if content is not None:
        return b"c" + hashlib.sha256(content).digest()
    if reference is None or not reference.strip():
        raise ImageError(RowStatus.IMAGE_NULL, "the image cell is empty")
    return _REFERENCE + reference


def scatter(values: FloatArray | Sequence[int], rows: Sequence[int], num_rows: int) -> pa.Array:
    """Return a column of a batch: values, (N,), at these rows, and null elsewhere.

    Places (a list) give int32, numbers float32.
    """
    numbers = np.asarray(values, dtype=np.int32 if isinstance(values, list) else np.float32)
    spread = np.zeros(num_rows, dtype=numbers.dtype)
    missing = np.ones(num_rows, dtype=bool)
    spread[rows] = numbers
    missing[rows] = False
    return pa.array(spread, mask=missing)


def details_of(batch: Prepared, tokens: dict[int, TokenizedCaption]) -> dict[str, pa.Array]:
    """Return the detail columns of a batch."""
    texts = [tokens.get(row) for row in range(batch.num_rows)]
    keys = [batch.image_keys.get(row) for row in range(batch.num_rows)]
    results = [None if key is None else batch.memory.results[key] for key in keys]
    pictures = [result if isinstance(result, PreparedImage) else None for result in results]
    columns = {
        schema.CAPTION_TOKENS: [text and text.num_tokens for text in texts],
        schema.CAPTION_TRUNCATED: [text and text.is_truncated for text in texts],
        schema.IMAGE_WIDTH: [picture and picture.facts[0] for picture in pictures],
        schema.IMAGE_HEIGHT: [picture and picture.facts[1] for picture in pictures],
        schema.IMAGE_FORMAT: [picture and picture.facts[2] for picture in pictures],
        schema.IMAGE_SHA256: [picture and picture.sha256 for picture in pictures],
    }
    return {field.name: pa.array(columns[field.name], field.type) for field in schema.DETAIL_FIELDS}
