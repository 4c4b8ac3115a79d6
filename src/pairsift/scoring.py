"""Pairs in, scores out: the one callable that every engine runs.

A row that cannot be scored becomes a status and a reason; it never stops the others, and it never
changes their numbers.
"""

import hashlib
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pairsift import schema, stages
from pairsift.config import CaptionConfig, ImageConfig
from pairsift.errors import CaptionError, ImageError, RowError
from pairsift.images import decode_image
from pairsift.measures import cosine_similarity
from pairsift.protocols import Encoder, FloatArray, Measure, PixelArray, TokenizedCaption
from pairsift.sources import Sources
from pairsift.stages import StageClock
from pairsift.statuses import RowStatus
from pairsift.storybook.likeness import Likeness
from pairsift.tokenization import clean_caption

PIXEL_BYTES_AHEAD = 48 * 1024 * 1024
"""Decoded pixels kept for one batch: bounds memory whatever the table or the model's input."""

DECODE_CHUNK = 8
"""Images a task: few enough to spread over threads, enough to hide the cost of a task."""


@dataclass(frozen=True)
class PreparedImage:
    """One image on its way to the encoder; ``pixels`` is dropped once it is encoded."""

    sha256: str
    pixels: PixelArray
    width: int
    height: int
    format: str


@dataclass
class _Prepared:
    """A batch whose images are being decoded on other threads."""

    num_rows: int
    failures: dict[int, RowError]
    image_keys: dict[int, bytes]
    captions: dict[int, str]
    images: list[tuple[list[bytes], "Future[list[PreparedImage | ImageError]]"]]


class PairScorer:
    """Score Arrow batches of pairs.

    Args:
        encoder: Turns images and captions into embeddings.
        measure: Turns two embeddings into the number.
        sources: Reads what the image column refers to.
        image_config: Limits and policy of decoding.
        caption_config: How captions are read.
        details: Add the detail columns.
        likeness: Looks at every picture, for models that know one world only.
        decode_threads: Threads that read and decode (default: one a processor).

    ``num_truncated`` counts the captions so far that were cut to the context length.
    """

    def __init__(
        self,
        *,
        encoder: Encoder,
        measure: Measure,
        sources: Sources,
        image_config: ImageConfig | None = None,
        caption_config: CaptionConfig | None = None,
        details: bool = False,
        likeness: Likeness | None = None,
        decode_threads: int | None = None,
    ) -> None:
        self.encoder = encoder
        self.measure = measure
        self.sources = sources
        self.image_config = image_config or ImageConfig()
        self.caption_config = caption_config or CaptionConfig()
        self.details = details
        self.likeness = likeness
        self.clock = StageClock()
        self.num_truncated = 0
        self._pool = ThreadPoolExecutor(
            max_workers=decode_threads or os.cpu_count() or 1, thread_name_prefix="decode"
        )

    @property
    def output_schema(self) -> pa.Schema:
        """The added columns, without any prefix."""
        return schema.output_schema(
            is_distance=self.measure.is_distance,
            is_cosine=self.measure.name == "cosine",
            details=self.details,
        )

    @property
    def batch_rows(self) -> int:
        """Rows a batch that keep the decoded pixels within bounds."""
        pixel_bytes = 3 * self.encoder.image_size**2
        return max(32, min(1024, PIXEL_BYTES_AHEAD // pixel_bytes))

    def __call__(self, pairs: pa.RecordBatch) -> pa.RecordBatch:
        """Score one batch: ``schema.PAIR_SCHEMA`` in, ``output_schema`` out, row for row."""
        return next(self.stream([pairs]))

    def stream(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Score batches in order; the next one is read and decoded while one is encoded.

        Args:
            batches: Each of ``schema.PAIR_SCHEMA``, at most ``batch_rows`` rows for the stated
                memory.

        Yields:
            One batch of ``output_schema`` for each, with as many rows.
        """
        ahead: deque[_Prepared] = deque()
        try:
            for batch in self.sources.look_ahead(batches, _references):
                ahead.append(self._begin(batch))
                if len(ahead) > 1:
                    yield self._finish(ahead.popleft())
            while ahead:
                yield self._finish(ahead.popleft())
        finally:
            if ahead:
                self.sources.forget()
            for left in ahead:
                for _, future in left.images:
                    future.cancel()

    def close(self) -> None:
        """Stop the decoding threads, and what is being fetched."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self.sources.close()

    def _begin(self, batch: pa.RecordBatch) -> _Prepared:
        failures: dict[int, RowError] = {}
        image_keys: dict[int, bytes] = {}
        captions: dict[int, str] = {}
        images: dict[bytes, tuple[bytes | None, bytes | None]] = {}
        columns = [batch.column(name).to_pylist() for name in schema.PAIR_SCHEMA.names]
        for row, (reference, content, caption, problem) in enumerate(zip(*columns, strict=True)):
            try:
                if problem is not None:
                    raise RowError(RowStatus.ROW_MALFORMED, problem)
                captions[row] = self._caption(caption)
                image_keys[row] = _image_key(reference, content)
                images[image_keys[row]] = (reference, content)
            except RowError as error:
                failures[row] = error
        self.sources.expect(r for r, content in images.values() if r and content is None)
        keys = list(images)
        tasks = []
        for begin in range(0, len(keys), DECODE_CHUNK):
            chunk = keys[begin : begin + DECODE_CHUNK]
            wanted = [images[key] for key in chunk]
            tasks.append((chunk, self._pool.submit(self._prepare_images, wanted)))
        return _Prepared(batch.num_rows, failures, image_keys, captions, tasks)

    def _caption(self, value: bytes | None) -> str:
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
        if self.caption_config.clean_captions:
            text = clean_caption(text)
        if not text.strip():
            reason = "the caption is only white space" if text else "the caption is empty"
            raise CaptionError(RowStatus.CAPTION_EMPTY, reason)
        return text

    def _prepare_images(
        self, wanted: Sequence[tuple[bytes | None, bytes | None]]
    ) -> list[PreparedImage | ImageError]:
        return [self._prepare_image(reference, content) for reference, content in wanted]

    def _prepare_image(
        self, reference: bytes | None, content: bytes | None
    ) -> PreparedImage | ImageError:
        try:
            data = content if content is not None else self.sources.read(reference or b"")
            decoded = decode_image(data, self.image_config, target=self.encoder.image_size)
            pixels = self.encoder.prepare_image(decoded.rgb)
            if self.likeness is not None:
                self.likeness.look(pixels)
            return PreparedImage(
                sha256=hashlib.sha256(data).hexdigest(),
                pixels=pixels,
                width=decoded.width,
                height=decoded.height,
                format=decoded.format,
            )
        except ImageError as error:
            # Without its traceback, which would keep the image's bytes alive.
            return error.with_traceback(None)
        except Exception as error:  # noqa: BLE001 - the row boundary: one row never ends a job
            reason = f"{type(error).__name__}: {error}"
            return ImageError(RowStatus.IMAGE_UNREADABLE, reason)

    def _finish(self, batch: _Prepared) -> pa.RecordBatch:
        images = self._collect_images(batch)
        tokens = self._tokenize(batch)
        rows = sorted(batch.image_keys.keys() & tokens.keys())
        image_rows, text_rows = self._encode(
            [images[batch.image_keys[row]] for row in rows], [tokens[row] for row in rows]
        )
        values = self.measure(image_rows, text_rows)
        cosines = cosine_similarity(image_rows, text_rows)
        return self._output(
            batch, rows=rows, values=values, cosines=cosines, tokens=tokens, images=images
        )

    def _collect_images(self, batch: _Prepared) -> dict[bytes, PreparedImage]:
        """Wait for the decoders; rows whose image failed move to the failures."""
        images: dict[bytes, PreparedImage] = {}
        failed: dict[bytes, ImageError] = {}
        with self.clock.stage(stages.WAIT):
            for keys, future in batch.images:
                for key, result in zip(keys, future.result(), strict=True):
                    if isinstance(result, ImageError):
                        failed[key] = result
                    else:
                        images[key] = result
        for row, key in list(batch.image_keys.items()):
            if key in failed:
                batch.failures[row] = failed[key]
                del batch.image_keys[row]
        return images

    def _tokenize(self, batch: _Prepared) -> dict[int, TokenizedCaption]:
        with self.clock.stage(stages.ENCODE_TEXTS):
            prefix = self.measure.caption_prefix
            rows = list(batch.captions)
            texts = [prefix + batch.captions[row] for row in rows]
            captions = self.encoder.prepare_captions(texts)
        self.num_truncated += sum(caption.is_truncated for caption in captions)
        return dict(zip(rows, captions, strict=True))

    def _encode(
        self, images: Sequence[PreparedImage], tokens: Sequence[TokenizedCaption]
    ) -> tuple[FloatArray, FloatArray]:
        """Encode each distinct image and caption once; return one row of each a pair."""
        if not images:
            nothing = np.zeros((0, self.encoder.width), dtype=np.float32)
            return nothing, nothing
        distinct_images = {image.sha256: image for image in images}
        distinct_texts = dict.fromkeys(tokens)
        with self.clock.stage(stages.ENCODE_IMAGES):
            image_embeddings = self.encoder.encode_images(
                [image.pixels for image in distinct_images.values()]
            )
        with self.clock.stage(stages.ENCODE_TEXTS):
            text_embeddings = self.encoder.encode_texts(list(distinct_texts))
        image_index = {sha256: index for index, sha256 in enumerate(distinct_images)}
        text_index = {ids: index for index, ids in enumerate(distinct_texts)}
        return (
            image_embeddings[[image_index[image.sha256] for image in images]],
            text_embeddings[[text_index[ids] for ids in tokens]],
        )

    def _output(
        self,
        batch: _Prepared,
        *,
        rows: Sequence[int],
        values: FloatArray,
        cosines: FloatArray,
        tokens: dict[int, TokenizedCaption],
        images: dict[bytes, PreparedImage],
    ) -> pa.RecordBatch:
        statuses = [str(RowStatus.OK)] * batch.num_rows
        reasons: list[str | None] = [None] * batch.num_rows
        for row, error in batch.failures.items():
            statuses[row], reasons[row] = str(error.status), error.reason
        numbers = {
            schema.SIMILARITY: cosines if self.measure.is_distance else values,
            schema.DISTANCE: values,
            schema.COSINE: cosines,
        }
        columns: dict[str, pa.Array] = {
            name: _scatter(numbers[name], rows, batch.num_rows)
            for name in self.output_schema.names
            if name in numbers
        }
        columns[schema.STATUS] = pa.array(statuses, pa.string())
        columns[schema.ERROR] = pa.array(reasons, pa.string())
        if self.details:
            columns |= _details(batch, tokens, images)
        wanted = self.output_schema
        return pa.RecordBatch.from_arrays([columns[name] for name in wanted.names], schema=wanted)


def _references(batch: pa.RecordBatch) -> list[bytes]:
    """Return what must be read to score a batch; content wins over reference."""
    without = batch.column(schema.CONTENT).is_null()
    found: list[bytes] = batch.column(schema.REFERENCE).filter(without).drop_null().to_pylist()
    return found


def _image_key(reference: bytes | None, content: bytes | None) -> bytes:
    """Return what tells one image of a batch from another before it is read."""
    if content is not None:
        return b"c" + hashlib.sha256(content).digest()
    if reference is None or not reference.strip():
        raise ImageError(RowStatus.IMAGE_NULL, "the image cell is empty")
    return b"r" + reference


def _scatter(values: FloatArray, rows: Sequence[int], num_rows: int) -> pa.Array:
    spread = np.zeros(num_rows, dtype=np.float32)
    missing = np.ones(num_rows, dtype=bool)
    spread[rows] = values
    missing[rows] = False
    return pa.array(spread, mask=missing)


def _details(
    batch: _Prepared,
    tokens: dict[int, TokenizedCaption],
    images: dict[bytes, PreparedImage],
) -> dict[str, pa.Array]:
    texts = [tokens.get(row) for row in range(batch.num_rows)]
    keys = [batch.image_keys.get(row) for row in range(batch.num_rows)]
    pictures = [None if key is None else images[key] for key in keys]
    columns = {
        schema.CAPTION_TOKENS: [text and text.num_tokens for text in texts],
        schema.CAPTION_TRUNCATED: [text and text.is_truncated for text in texts],
        schema.IMAGE_WIDTH: [picture and picture.width for picture in pictures],
        schema.IMAGE_HEIGHT: [picture and picture.height for picture in pictures],
        schema.IMAGE_FORMAT: [picture and picture.format for picture in pictures],
        schema.IMAGE_SHA256: [picture and picture.sha256 for picture in pictures],
    }
    return {field.name: pa.array(columns[field.name], field.type) for field in schema.DETAIL_FIELDS}
