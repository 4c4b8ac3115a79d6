"""A batch taken apart into what has to be read, and the columns put together again."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from pairsift import schema
from pairsift.config import CaptionConfig
from pairsift.decoding import Task
from pairsift.errors import CaptionError, ImageError, RowError
from pairsift.measures import cosine_similarity
from pairsift.memory import PreparedImage, ShardMemory
from pairsift.protocols import FloatArray, Measure, TokenizedCaption
from pairsift.runs.writing import CAPTION_INDEX, IMAGE_INDEX
from pairsift.statuses import RowStatus
from pairsift.tokenization import clean_caption

_REFERENCE = b"r"

INDEX_FIELDS = (pa.field(IMAGE_INDEX, pa.int32()), pa.field(CAPTION_INDEX, pa.int32()))
"""Places of a row's image and caption among the distinct ones of its shard."""

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


def problem_error(problem: str) -> RowError:
    """Return what a row's problem means: malformed, or an image that its reader would not take.

    Example:
        >>> problem_error("image_too_large: a.jpg has 300000000 bytes").status.value
        'image_too_large'
    """
    status, _, reason = problem.partition(": ")
    if status == RowStatus.IMAGE_TOO_LARGE:
        return RowError(RowStatus.IMAGE_TOO_LARGE, reason)
    return RowError(RowStatus.ROW_MALFORMED, problem)


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


def root_of(batch: tuple[pa.RecordBatch, ShardMemory]) -> Path | None:
    """Return the folder of a batch's references, where it is not the scorer's."""
    return batch[1].root


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


def with_both(
    rows: Sequence[int],
    image_places: Sequence[int | None],
    caption_places: Sequence[int | None],
    *,
    failures: dict[int, RowError],
) -> tuple[list[int], list[int], list[int]]:
    """Return the rows of which both embeddings are there, with their places.

    Args:
        rows: Their places in the batch.
        image_places: Of their images among the shard's embeddings; None where it is not finite.
        caption_places: Likewise of their captions.
        failures: To which the other rows are added.
    """
    kept: tuple[list[int], list[int], list[int]] = ([], [], [])
    for row, image, caption in zip(rows, image_places, caption_places, strict=True):
        if image is None or caption is None:
            what = "image" if image is None else "caption"
            reason = f"the model's embedding of the {what} is not finite"
            failures[row] = RowError(RowStatus.EMBEDDING_INVALID, reason)
            continue
        for part, value in zip(kept, (row, image, caption), strict=True):
            part.append(value)
    return kept


def scored_batch(
    num_rows: int,
    failures: Mapping[int, RowError],
    columns: Mapping[str, pa.Array],
    *,
    of: pa.Schema,
) -> pa.RecordBatch:
    """Return a batch of scores: these columns, and what became of each row.

    Args:
        num_rows: Of the batch.
        failures: Why a row has no score, by its place in the batch.
        columns: The other columns of ``of``, by name.
        of: The columns without any prefix, in order.
    """
    statuses = [str(RowStatus.OK)] * num_rows
    reasons: list[str | None] = [None] * num_rows
    for row, error in failures.items():
        statuses[row], reasons[row] = str(error.status), error.reason
    said = {
        schema.STATUS: pa.array(statuses, pa.string()),
        schema.ERROR: pa.array(reasons, pa.string()),
    }
    whole = {**columns, **said}
    return pa.RecordBatch.from_arrays([whole[name] for name in of.names], schema=of)


def score_columns(
    measure: Measure,
    embeddings: tuple[FloatArray, FloatArray],
    rows: Sequence[int],
    num_rows: int,
) -> dict[str, pa.Array]:
    """Return every column of numbers that a measure may give; null where there is no pair.

    Args:
        measure: Two arrays to a number a row.
        embeddings: Of the images and of the captions, shape (R, D) each, unit norm.
        rows: Where in the batch these R rows stand.
        num_rows: Of the batch.
    """
    values, cosines = measure(*embeddings), cosine_similarity(*embeddings)
    numbers = {
        schema.SIMILARITY: cosines if measure.is_distance else values,
        schema.DISTANCE: values,
        schema.COSINE: cosines,
    }
    return {name: scatter(column, rows, num_rows) for name, column in numbers.items()}


def score_schema(measure: Measure, *, details: bool) -> pa.Schema:
    """Return the added columns of a measure, without any prefix."""
    return schema.output_schema(
        is_distance=measure.is_distance, is_cosine=measure.name == "cosine", details=details
    )


def shard_schema(measure: Measure) -> pa.Schema:
    """Return the columns that a run folder keeps of each row: with details and places."""
    return pa.schema([*score_schema(measure, details=True), *INDEX_FIELDS])


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
