"""JSON lines: every byte of the user's stays, and fields are added before each closing brace."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import NoReturn

import pyarrow as pa

from pairsift.config import TableConfig
from pairsift.errors import TableFormatError
from pairsift.protocols import Span, TableBatch, TableReader
from pairsift.tables.cells import json_column, json_value
from pairsift.tables.columns import check_columns
from pairsift.tables.fields import Fields, clean, column_of
from pairsift.tables.json_pairs import count_captions, pairs_of_line
from pairsift.tables.lines import parse_line, read_lead, read_lines
from pairsift.tables.records import Records, find_line
from pairsift.tables.rows import (
    RecordSource,
    pairs_batch,
    payload_of,
    plan_spans,
    read_chunks,
    refuse_malformed,
    rows_within,
)
from pairsift.tables.staging import references_root
from pairsift.tables.streams import Writable, open_input, open_text_output

HEADER_LINES = 1000
"""The columns are the keys of so many lines: those of most files stand in each."""


@dataclass(frozen=True)
class JsonlPayload:
    """Lines of one batch as they stand in the file.

    Args:
        bodies: Each line without the white space around it.
        tails: The white space behind each.
        joins: What stands between a line's last field and an added one; None: not an object.
    """

    bodies: list[bytes]
    tails: list[bytes]
    joins: list[bytes | None]


class JsonlReader:
    """Reads one file of JSON objects, one a line.

    Args:
        path: The file; compressed where its suffix says so.
        config: ``strict``, and ``caption_list``: each caption of an array is a pair.

    Raises:
        TableFormatError: It is UTF-16, or its first line is longer than any.
    """

    def __init__(self, path: Path, config: TableConfig) -> None:
        self.path = path
        self.image_root = references_root(path)
        self._strict = config.strict
        self._has_lists = config.caption_list is not None
        with open_input(path) as file:
            start = file.read(2)
        if start in (b"\xff\xfe", b"\xfe\xff", b"{\0", b"\0{"):
            message = f"{path.name} looks like UTF-16; save the table as UTF-8"
            raise TableFormatError(message)
        with open_input(path) as file:
            self.lead = read_lead(file)
        self._source = RecordSource(self._open_at)
        self._schema: pa.Schema | None = None
        self._names = self._find_names()

    @property
    def column_names(self) -> tuple[str, ...]:
        """The keys of the first lines, in order of appearance."""
        return self._names

    def count_rows(self) -> int:
        """Return the number of rows, by a scan."""
        return sum(len(records.bodies) for records in self._open_at(len(self.lead)))

    def plan(self, shard_rows: int) -> Iterator[Span]:
        """Yield spans of ``shard_rows`` rows, by a scan as far as the caller goes."""
        return plan_spans(self._open_at(len(self.lead)), shard_rows)

    def read_batches(
        self,
        *,
        image_column: str,
        caption_column: str,
        batch_rows: int,
        rows: Sequence[int] | None = None,
        span: Span | None = None,
    ) -> Iterator[TableBatch]:
        """Yield the rows in file order, ``batch_rows`` at a time; only the last batch has fewer.

        Args:
            image_column: A key: text (a reference), or an object with ``path`` or ``bytes``.
            caption_column: A key: text.
            batch_rows: Rows of a batch.
            rows: Ordinals that are wanted, ascending; those behind the last row are no error.
            span: One of ``plan``'s: only its rows are read.

        Yields:
            Batches; ``first_row`` is the ordinal of the first row in it.

        Raises:
            ColumnError: No line at the beginning has such a key.
            TableFormatError: A line is malformed and ``strict`` is set, or longer than any.
        """
        if self._names:
            check_columns(self._names, image_column, caption_column)
        stream = self._source.read(len(self.lead), span)
        first_row = 0 if span is None else span.first_row
        for chunk in read_chunks(
            stream, first_row=first_row, rows=rows_within(rows, span), batch_rows=batch_rows
        ):
            lines = [parse_line(body) for body in chunk.bodies]
            joins = [None if isinstance(line, str) else b", " if line else b"" for line in lines]
            payload = JsonlPayload(chunk.bodies, chunk.tails, joins)
            found = [
                pairs_of_line(line, image_column, caption_column, has_lists=self._has_lists)
                for line in lines
            ]
            if self._strict:
                refuse_malformed(chunk, (pairs[0][3] for pairs in found), self._complain)
            batch = pairs_batch(list(chain.from_iterable(found)))
            counts = list(map(len, found)) if self._has_lists else None
            yield TableBatch(chunk.rows[0], batch, payload, counts)

    def list_lengths(self, column: str) -> Iterator[tuple[int, int]]:
        """Yield each line's offset and how many captions it has, by a scan."""
        for records in self._open_at(len(self.lead)):
            offset = records.offset
            for body, tail in zip(records.bodies, records.tails, strict=True):
                yield offset, count_captions(parse_line(body), column)
                offset += len(body) + len(tail)

    def span_from(self, position: int) -> Span:
        """Return the span from a line to the end of the file."""
        return Span(0, 1 << 60, position)

    def arrow_schema(self) -> pa.Schema:
        """Return every key of the file with its type, by a scan; text where lines disagree."""
        if self._schema is None:
            fields = Fields(self._names)
            for records in self._open_at(len(self.lead)):
                for body in records.bodies:
                    line = parse_line(body)
                    if not isinstance(line, str):
                        fields.add(line)
            self._schema = fields.to_arrow()
        return self._schema

    def to_arrow(self, batch: TableBatch, schema: pa.Schema | None = None) -> pa.RecordBatch:
        """Return the keys as columns; null where a line has none, or is no object."""
        schema = schema or self.arrow_schema()
        lines = [parse_line(body) for body in payload_of(batch, JsonlPayload).bodies]
        rows = [
            {} if isinstance(line, str) else {clean(key): value for key, value in line.items()}
            for line in lines
        ]
        columns = [column_of([row.get(f.name) for row in rows], f.type) for f in schema]
        return pa.RecordBatch.from_arrays(columns, schema=schema)

    def _find_names(self) -> tuple[str, ...]:
        names: dict[str, None] = {}
        left = HEADER_LINES
        for records in self._open_at(len(self.lead)):
            for body in records.bodies[:left]:
                line = parse_line(body)
                names |= {} if isinstance(line, str) else dict.fromkeys(map(clean, line))
            left -= len(records.bodies)
            if left <= 0:
                break
        return tuple(names)

    def _open_at(self, offset: int) -> Iterator[Records]:
        with open_input(self.path, offset) as file:
            yield from read_lines(file, offset=offset, name=self.path.name, line_at=self._line_at)

    def _line_at(self, offset: int) -> int:
        with open_input(self.path) as file:
            return find_line(file, offset)

    def _complain(self, offset: int, problem: str) -> NoReturn:
        where = f"{self.path.name}, line {self._line_at(offset)}"
        raise TableFormatError(f"{where}: {problem} (without --strict: a status)")


class JsonlWriter:
    """Writes lines with fields added at their end.

    Args:
        file: Open for writing.
        lead: What stands before the first line.
        added_schema: The added fields.
    """

    def __init__(self, file: Writable, lead: bytes, added_schema: pa.Schema) -> None:
        self._file = file
        self._keys = [json_value(name).encode() + b": " for name in added_schema.names]
        self._is_open_ended = False
        self._file.write(lead)

    def write(self, batch: TableBatch, added: pa.RecordBatch) -> None:
        """Append the batch's lines with the added fields; a malformed line stays as it is."""
        payload = payload_of(batch, JsonlPayload)
        parts = [b"\n"] if self._is_open_ended and payload.bodies else []
        fields = self._fields(added)
        rows = zip(payload.bodies, payload.joins, fields, payload.tails, strict=True)
        for body, join, cells, tail in rows:
            parts += (body, tail) if join is None else (body[:-1], join, cells, b"}", tail)
        # Only the last line of a file can lack its end, and then another file's may follow.
        self._is_open_ended = bool(parts) and b"\n" not in parts[-1]
        self._file.write(b"".join(parts))

    def write_rows(self, rows: pa.RecordBatch, added: pa.RecordBatch) -> None:
        """Append rows of another format, one object each."""
        fields = self._fields(added)
        bodies = [json_value(row)[:-1].encode("utf-8", "replace") for row in rows.to_pylist()]
        join = b", " if rows.num_columns else b""
        parts = [(body, join, cells, b"}\n") for body, cells in zip(bodies, fields, strict=True)]
        self._file.write(b"".join(chain.from_iterable(parts)))

    def _fields(self, added: pa.RecordBatch) -> list[bytes]:
        columns = [json_column(column) for column in added.columns]
        return [
            b", ".join([key + value for key, value in zip(self._keys, row, strict=True)])
            for row in zip(*columns, strict=True)
        ]


class JsonlFormat:
    """JSON objects, one a line, in UTF-8."""

    name = "JSON lines"
    suffixes = tuple(name + end for end in ("", ".gz", ".zst") for name in (".jsonl", ".ndjson"))

    def open_reader(self, path: Path, config: TableConfig, /) -> JsonlReader:
        """Open a file for reading; errors as in ``JsonlReader``."""
        return JsonlReader(path, config)

    @contextmanager
    def open_writer(
        self,
        path: Path | None,
        /,
        *,
        reader: TableReader,
        added_schema: pa.Schema,
        metadata: Mapping[str, str],  # noqa: ARG002 - text has no place for it; run.json has
    ) -> Iterator[JsonlWriter]:
        """Open an output that appears when the context ends well."""
        if not isinstance(reader, JsonlReader):
            message = f"expected the reader of JSON lines, not {type(reader).__name__}"
            raise TypeError(message)
        with open_text_output(path) as file:
            yield JsonlWriter(file, reader.lead, added_schema)

    @contextmanager
    def open_rows_writer(
        self,
        path: Path | None,
        /,
        *,
        columns: pa.Schema,  # noqa: ARG002 - each line names its own
        added_schema: pa.Schema,
        metadata: Mapping[str, str],  # noqa: ARG002 - as above
    ) -> Iterator[JsonlWriter]:
        """Open an output for rows of another format."""
        with open_text_output(path) as file:
            yield JsonlWriter(file, b"", added_schema)


FORMAT = JsonlFormat()
