"""Pairs in, scores out: the one callable that every engine runs.

A row that cannot be scored becomes a status and a reason; it never stops the others, and it never
changes their numbers.
"""

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa

from pairsift import schema, stages
from pairsift.config import CaptionConfig, ImageConfig
from pairsift.decoding import POLL_SECONDS, Decoding, Pool, Task
from pairsift.embedding import Embedder
from pairsift.errors import ImageError, RowError
from pairsift.images import decode_image
from pairsift.isolation import Decode, IsolatedDecoder
from pairsift.memory import PreparedImage, Reuse, ShardMemory
from pairsift.pairing import (
    Prepared,
    Result,
    Wanted,
    details_of,
    image_key,
    problem_error,
    read_caption,
    references_of,
    root_of,
    scatter,
    score_columns,
    score_schema,
    scored_batch,
    shard_schema,
    with_both,
)
from pairsift.protocols import Encoder, Measure, TokenizedCaption
from pairsift.runs.writing import CAPTION_INDEX, IMAGE_INDEX
from pairsift.sources import Sources
from pairsift.stages import StageClock
from pairsift.statuses import RowStatus

DECODE_CHUNK = 8
"""Images a task: few enough to spread over threads, enough to hide the cost of a task."""


class PairScorer:
    """Score Arrow batches of pairs.

    Args:
        encoder: Turns images and captions into embeddings.
        measure: Turns two embeddings into the number.
        sources: Reads what the image column refers to.
        image_config: Limits and policy of decoding.
        caption_config: How captions are read.
        details: Add the detail columns.
        decoding: On how many threads, how long at most, and with what.
        reuse: How far equal images and captions share one embedding.

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
        decoding: Decoding | None = None,
        reuse: Reuse | None = None,
    ) -> None:
        self.encoder = encoder
        self.measure = measure
        self.sources = sources
        self.image_config = image_config or ImageConfig()
        self.caption_config = caption_config or CaptionConfig()
        self.details = details
        self.decoding = decoding or Decoding()
        self.reuse = reuse or Reuse()
        self.clock = StageClock()
        self.num_truncated = 0
        self._decode: Decode = self.decoding.decode or partial(
            decode_image, config=self.image_config, target=encoder.image_size
        )
        self._pool = Pool(self.decoding.num_threads or os.cpu_count() or 1)
        self._isolated = IsolatedDecoder(
            self._decode, deadline_seconds=self.decoding.deadline_seconds
        )
        self._embedder = Embedder(encoder, self.reuse, self.clock)

    @property
    def output_schema(self) -> pa.Schema:
        """The added columns, without any prefix."""
        return score_schema(self.measure, details=self.details)

    @property
    def warnings(self) -> list[str]:
        """What the user should know of the images so far."""
        likeness = self.decoding.likeness
        words = None if likeness is None else likeness.warning(self.encoder.provenance.model)
        return [words] if words else []

    @property
    def batch_rows(self) -> int:
        """Rows a batch that keep the decoded pixels within bounds."""
        pixel_bytes = 3 * self.encoder.image_size**2
        return max(32, min(self.decoding.batch_rows, self.decoding.batch_bytes // pixel_bytes))

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
        wanted = self.output_schema
        for scored in self.stream_shards((batch, self.new_memory()) for batch in batches):
            arrays = [scored.column(name) for name in wanted.names]
            yield pa.RecordBatch.from_arrays(arrays, schema=wanted)

    def new_memory(self, *, is_suspect: bool = False, root: Path | None = None) -> ShardMemory:
        """Return the memory of a shard that begins.

        Args:
            is_suspect: Its images are decoded in a process of their own, one by one, because the
                shard was begun before and ended with its process.
            root: Folder of its references, where it is not that of ``sources``.
        """
        return ShardMemory(self.encoder.width, is_suspect=is_suspect, root=root)

    def stream_shards(
        self, batches: Iterable[tuple[pa.RecordBatch, ShardMemory]]
    ) -> Iterator[pa.RecordBatch]:
        """Score batches of shards in order.

        Args:
            batches: Rows of ``schema.PAIR_SCHEMA``, with the memory of their shard: each distinct
                image and caption of a shard is read, decoded and encoded once.

        Yields:
            For each batch its rows: ``output_schema`` with details, and the places of the row's
            image and caption among the memory's distinct ones.
        """
        ahead: deque[Prepared] = deque()
        try:
            for batch, memory in self.sources.look_ahead(batches, references_of, root_of):
                ahead.append(self._begin(batch, memory))
                if len(ahead) > 1:
                    yield self._finish(ahead.popleft())
            while ahead:
                yield self._finish(ahead.popleft())
        finally:
            if ahead:
                self.sources.forget()
            for left in ahead:
                for _, task in left.images:
                    task.cancel()

    def close(self) -> None:
        """Stop the decoding threads, and what is being fetched."""
        self._pool.close()
        self._isolated.close()
        self.sources.close()

    def _begin(self, batch: pa.RecordBatch, memory: ShardMemory) -> Prepared:
        failures: dict[int, RowError] = {}
        image_keys: dict[int, bytes] = {}
        captions: dict[int, str] = {}
        images: dict[bytes, Wanted] = {}
        columns = [batch.column(name).to_pylist() for name in schema.PAIR_SCHEMA.names]
        for row, (reference, content, caption, problem) in enumerate(zip(*columns, strict=True)):
            try:
                if problem is not None:
                    raise problem_error(problem)
                captions[row] = read_caption(caption, self.caption_config)
                key = image_key(reference, content)
                image_keys[row] = key if self.reuse.is_on else key + memory.serial()
                if image_keys[row] not in memory.asked:
                    images[image_keys[row]] = (reference, content)
            except RowError as error:
                failures[row] = error
        memory.asked.update(images)
        wanted = (r for r, content in images.values() if r and content is None)
        self.sources.expect(wanted, memory.root)
        keys = list(images)
        tasks = []
        for begin in range(0, len(keys), DECODE_CHUNK):
            chunk = keys[begin : begin + DECODE_CHUNK]
            work = partial(self._prepare, decode=self._decode, root=memory.root)
            task = Task([images[key] for key in chunk], work)
            tasks.append((chunk, task if memory.is_suspect else self._pool.submit(task)))
        return Prepared(batch.num_rows, memory, failures, image_keys, captions, tasks)

    def _prepare(
        self, wanted: Wanted, begin: Callable[[], None], *, decode: Decode, root: Path | None
    ) -> Result:
        reference, content = wanted
        try:
            data = content if content is not None else self._read(reference or b"", root)
            digest = hashlib.sha256(data)
            known = self._embedder.known_image(digest.digest())
            if known is not None:
                return PreparedImage(digest.hexdigest(), known[1], embedding=known[0])
            begin()
            decoded = decode(data)
            pixels = self.encoder.prepare_image(decoded.rgb)
            if self.decoding.likeness is not None:
                self.decoding.likeness.look(pixels)
            facts = (decoded.width, decoded.height, decoded.format)
            return PreparedImage(digest.hexdigest(), facts, pixels=pixels)
        except ImageError as error:
            # Without its traceback, which would keep the image's bytes alive.
            return error.with_traceback(None)
        except Exception as error:  # noqa: BLE001 - the row boundary: one row never ends a job
            reason = f"{type(error).__name__}: {error}"
            return ImageError(RowStatus.IMAGE_UNREADABLE, reason)

    def _read(self, reference: bytes, root: Path | None) -> bytes:
        if root is None:
            return self.sources.read(reference)
        return self.sources.read(reference, root)

    def _finish(self, batch: Prepared) -> pa.RecordBatch:
        self._collect_images(batch)
        tokens = self._tokenize(batch)
        rows = sorted(batch.image_keys.keys() & tokens.keys())
        memory = batch.memory
        found = (
            self._embedder.embed_images(memory, [batch.image_keys[row] for row in rows]),
            self._embedder.embed_captions(memory, [tokens[row] for row in rows]),
        )
        rows, image_places, caption_places = with_both(rows, *found, failures=batch.failures)
        image_rows = memory.images.rows[image_places]
        text_rows = memory.captions.rows[caption_places]
        columns = score_columns(self.measure, (image_rows, text_rows), rows, batch.num_rows)
        columns |= details_of(batch, tokens)
        columns[IMAGE_INDEX] = scatter(image_places, rows, batch.num_rows)
        columns[CAPTION_INDEX] = scatter(caption_places, rows, batch.num_rows)
        wanted = shard_schema(self.measure)
        return scored_batch(batch.num_rows, batch.failures, columns, of=wanted)

    def _collect_images(self, batch: Prepared) -> None:
        """Wait for the decoders; rows whose image failed move to the failures."""
        results = batch.memory.results
        with self.clock.stage(stages.WAIT):
            for keys, task in batch.images:
                results.update(zip(keys, self._results(task, batch.memory), strict=True))
        for row, key in list(batch.image_keys.items()):
            result = results[key]
            if isinstance(result, ImageError):
                batch.failures[row] = result
                del batch.image_keys[row]

    def _results(self, task: Task[Wanted, Result], memory: ShardMemory) -> list[Result]:
        """Return a task's results; what hangs, or is suspected to, is decoded apart."""
        if not memory.is_suspect:
            while not task.wait(POLL_SECONDS):
                if task.is_overdue(self.decoding.deadline_seconds):
                    task.cancel()
                    self._pool.add_thread()
                    break
            else:
                return task.results
        done = list(task.results)
        left = task.items[len(done) :]
        apart = partial(self._prepare, decode=self._isolated, root=memory.root)
        return [*done, *(apart(wanted, lambda: None) for wanted in left)]

    def _tokenize(self, batch: Prepared) -> dict[int, TokenizedCaption]:
        with self.clock.stage(stages.ENCODE_TEXTS):
            prefix = self.measure.caption_prefix
            texts = list(dict.fromkeys(batch.captions.values()))
            captions = self.encoder.prepare_captions([prefix + text for text in texts])
            by_text = dict(zip(texts, captions, strict=True))
            tokens = {row: by_text[text] for row, text in batch.captions.items()}
        num_truncated = sum(caption.is_truncated for caption in tokens.values())
        batch.memory.truncated_captions += num_truncated
        self.num_truncated += num_truncated
        return tokens
