"""WebDataset tars: rows are read from the archive, and written back member for member."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from pairsift.config import TableConfig
from pairsift.errors import UsageError
from pairsift.protocols import RowsWriter, Span, TableBatch, TableReader
from pairsift.tables.cells import json_value
from pairsift.tables.columns import CAPTION_NAMES, check_columns
from pairsift.tables.fields import clean
from pairsift.tables.rows import pairs_batch, payload_of, rows_within
from pairsift.tables.samples import Content, Sample, read_content, read_samples
from pairsift.tables.staging import references_root
from pairsift.tables.streams import Archive, Writable, open_text_output
from pairsift.tables.tar_copies import TarCopy

BATCH_BYTES = 64 << 20
_STANDARD = ("key", "image", "caption", "json")


@dataclass(frozen=True)
class TarPayload:
    """Rows of one batch.

    Args:
        path: The archive.
        samples: Where each row's members stand.
        contents: What each row holds.
    """

    path: Path
    samples: list[Sample]
    contents: list[Content]


class TarReader:
    """Reads one tar of images and captions; nothing is extracted.

    Args:
        path: The archive; compressed where its suffix says so.
        config: ``caption_column`` may name a key of the JSON; then captions are read from there.
            ``caption_list``: each caption of an array is a pair.

    Raises:
        TableFormatError: It is no tar.
    """

    def __init__(self, path: Path, config: TableConfig) -> None:
        self.path = path
        self.image_root = references_root(path)
        given = config.caption_column
        self._has_lists = config.caption_list is not None
        self._own_caption = given if given not in (None, *_STANDARD) else None
        self._first = next(read_samples(path), None)

    @property
    def column_names(self) -> tuple[str, ...]:
        """``key``, ``image``, ``caption`` and ``json``, and a key of the JSON if one was named."""
        return (*_STANDARD, *([self._own_caption] if self._own_caption else []))

    def arrow_schema(self) -> pa.Schema:
        """Return the columns: text, but the image."""
        kinds = {"image": pa.binary()}
        return pa.schema([(name, kinds.get(name, pa.string())) for name in self.column_names])

    def to_arrow(self, batch: TableBatch, schema: pa.Schema | None = None) -> pa.RecordBatch:
        """Return keys, images, captions and JSON; of a list the first caption."""
        payload = payload_of(batch, TarPayload)
        captions = [_text(content.captions[0]) for content in payload.contents]
        records = [_text(content.record) for content in payload.contents]
        columns = {
            "key": pa.array([clean(sample.key) for sample in payload.samples], pa.string()),
            "image": pa.array([content.image for content in payload.contents], pa.binary()),
            "caption": pa.array(captions, pa.string()),
            "json": pa.array(records, pa.string()),
        }
        wanted = schema or self.arrow_schema()
        arrays = [columns.get(name, columns["caption"]) for name in wanted.names]
        return pa.RecordBatch.from_arrays(arrays, schema=wanted)

    def count_rows(self) -> int:
        """Return the number of rows, from the headers."""
        return sum(1 for _ in read_samples(self.path))

    def plan(self, shard_rows: int) -> Iterator[Span]:
        """Yield spans of ``shard_rows`` rows, from the headers as far as the caller goes."""
        first, num_rows, position = 0, 0, 0
        for sample in read_samples(self.path):
            position = position if num_rows else sample.begin
            num_rows += 1
            if num_rows == shard_rows:
                yield Span(first, num_rows, position)
                first, num_rows = first + num_rows, 0
        if num_rows:
            yield Span(first, num_rows, position)

    def read_batches(
        self,
        *,
        image_column: str,
        caption_column: str,
        batch_rows: int,
        rows: Sequence[int] | None = None,
        span: Span | None = None,
    ) -> Iterator[TableBatch]:
        """Yield the rows in archive order.

        Args:
            image_column: ``image``.
            caption_column: ``caption``, or the key of the JSON that was named.
            batch_rows: Rows of a batch; fewer where the images are large.
            rows: Ordinals that are wanted, ascending; those behind the last row are no error.
            span: One of ``plan``'s: only its rows are read.

        Yields:
            Batches; ``first_row`` is the ordinal of the first row in it.

        Raises:
            ColumnError: There is no such column.
            TableFormatError: The archive is damaged or cut off.
        """
        check_columns(self.column_names, image_column, caption_column)
        names = _keys_of(caption_column)
        wanted = rows_within(rows, span)
        waiting: list[tuple[int, Sample, Content]] = []
        num_bytes = 0
        with closing(Archive(self.path)) as archive:
            for row, sample in self._wanted(wanted, span):
                content = read_content(archive, sample, names, has_lists=self._has_lists)
                waiting.append((row, sample, content))
                num_bytes += len(content.image or b"") * len(content.captions)
                num_bytes += len(content.record or b"")
                if len(waiting) == batch_rows or num_bytes >= BATCH_BYTES:
                    yield self._batch(waiting)
                    waiting, num_bytes = [], 0
        if waiting:
            yield self._batch(waiting)

    def list_lengths(self, column: str) -> Iterator[tuple[int, int]]:
        """Yield each row's offset and how many captions it has, reading them alone."""
        with closing(Archive(self.path)) as archive:
            for sample in read_samples(self.path):
                found = read_content(
                    archive, sample, _keys_of(column), has_lists=True, has_image=False
                )
                yield sample.begin, len(found.captions)

    def span_from(self, position: int) -> Span:
        """Return the span from a row to the end of the archive."""
        return Span(0, 1 << 60, position)

    def _wanted(
        self, rows: Sequence[int] | None, span: Span | None
    ) -> Iterator[tuple[int, Sample]]:
        if rows is not None and not rows:
            return
        begin, position = (0, 0) if span is None else (span.first_row, span.position)
        chosen = None if rows is None or isinstance(rows, range) else frozenset(rows)
        for row, sample in enumerate(read_samples(self.path, position), begin):
            if rows is None or row in (rows if chosen is None else chosen):
                yield row, sample
            if rows is not None and row >= rows[-1]:
                return

    def _batch(self, waiting: Sequence[tuple[int, Sample, Content]]) -> TableBatch:
        contents = [content for _, _, content in waiting]
        pairs = pairs_batch(
            [
                (None, content.image, caption, content.problem)
                for content in contents
                for caption in content.captions
            ]
        )
        counts = [len(content.captions) for content in contents] if self._has_lists else None
        payload = TarPayload(self.path, [sample for _, sample, _ in waiting], contents)
        return TableBatch(waiting[0][0], pairs, payload, counts)

    @cached_property
    def bounds(self) -> tuple[int, int]:
        """Where the first row begins, and where what ends the archive does."""
        end = 0
        for sample in read_samples(self.path):
            end = sample.end
        return (self._first.begin if self._first else 0), end


class TarWriter:
    """Copies members as they stand, with one more for each row: ``KEY.similarity.json``.

    Args:
        file: Open for writing.
        reader: The input, or the first of many.
        added_schema: The added fields; the first names the member.
    """

    def __init__(self, file: Writable, reader: TarReader, added_schema: pa.Schema) -> None:
        self._copy = TarCopy(file)
        self._reader = reader
        self._extension = f"{added_schema.names[0]}.json"
        self._copy.take(reader.path, 0, reader.bounds[0])

    def write(self, batch: TableBatch, added: pa.RecordBatch) -> None:
        """Append the batch's members with the added one."""
        payload = payload_of(batch, TarPayload)
        for sample, fields in zip(payload.samples, added.to_pylist(), strict=True):
            if self._extension in sample.members:
                message = (
                    f"{payload.path.name} has a member {clean(sample.key)}.{self._extension} "
                    "already (hint: --column-prefix new_)"
                )
                raise UsageError(message)
            self._copy.take(payload.path, sample.begin, sample.end)
            self._copy.add(f"{sample.key}.{self._extension}", json_value(fields).encode() + b"\n")

    def finish(self) -> None:
        """Write what ends the archive, as in the input."""
        self._copy.take_rest(self._reader.path, self._reader.bounds[1])

    def close(self) -> None:
        """Close what is copied from."""
        self._copy.close()


class TarFormat:
    """Tars in the WebDataset layout."""

    name = "tar"
    suffixes: tuple[str, ...] = (".tar", ".tar.gz", ".tgz", ".tar.zst")

    def open_reader(self, path: Path, config: TableConfig, /) -> TarReader:
        """Open an archive for reading; errors as in ``TarReader``."""
        return TarReader(path, config)

    @contextmanager
    def open_writer(
        self,
        path: Path | None,
        /,
        *,
        reader: TableReader,
        added_schema: pa.Schema,
        metadata: Mapping[str, str],  # noqa: ARG002 - run.json has it
    ) -> Iterator[TarWriter]:
        """Open a rewritten copy."""
        if not isinstance(reader, TarReader):
            message = f"expected the reader of a tar, not {type(reader).__name__}"
            raise TypeError(message)
        with open_text_output(path) as file:
            writer = TarWriter(file, reader, added_schema)
            with closing(writer):
                yield writer
                writer.finish()

    def open_rows_writer(
        self,
        path: Path | None,
        /,
        *,
        columns: pa.Schema,  # noqa: ARG002 - refused whatever they are
        added_schema: pa.Schema,  # noqa: ARG002
        metadata: Mapping[str, str],  # noqa: ARG002
    ) -> AbstractContextManager[RowsWriter]:
        """Refuse: a table has no members."""
        message = f"{path}: a tar is written from tars only; name a .csv, .jsonl or .parquet"
        raise UsageError(message)


FORMAT = TarFormat()


def _keys_of(caption_column: str) -> tuple[str, ...]:
    """Return the keys of the JSON that may hold the caption."""
    return CAPTION_NAMES if caption_column == "caption" else (caption_column,)


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode("utf-8", "replace")
