"""CSV and TSV: every byte of the user's stays, and cells are added before each record's end."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import NoReturn

import pyarrow as pa
import pyarrow.compute as pc

from pairsift.config import TableConfig
from pairsift.errors import TableFormatError, UsageError
from pairsift.protocols import Span, TableBatch, TableReader
from pairsift.tables.cells import text_column
from pairsift.tables.columns import check_columns
from pairsift.tables.headers import Header, read_header
from pairsift.tables.records import Dialect, Records, find_line, read_records
from pairsift.tables.rows import (
    Pair,
    RecordSource,
    pairs_batch,
    payload_of,
    plan_spans,
    read_chunks,
    refuse_malformed,
    rows_within,
)
from pairsift.tables.staging import references_root
from pairsift.tables.streams import Writable, open_input, open_text_output, plain_suffix


@dataclass(frozen=True)
class CsvPayload:
    """Records of one batch as they stand in the file.

    Args:
        dialect: How their cells are told apart.
        bodies: Each record without its line end.
        tails: Each record's line end and the blank lines after it, which are no rows.
    """

    dialect: Dialect
    bodies: list[bytes]
    tails: list[bytes]


class CsvReader:
    """Reads one delimited text file.

    Args:
        path: The file.
        config: ``delimiter`` and ``strict``.

    Raises:
        TableFormatError: It has no header, or is not UTF-8 in its header, or is UTF-16.
        UsageError: The delimiter is not one byte.
    """

    def __init__(self, path: Path, config: TableConfig) -> None:
        self.path = path
        self.image_root = references_root(path)
        self._strict = config.strict
        self.header = read_header(path, config)
        self.dialect = self.header.dialect
        self._begin = len(self.header.lead + self.header.body + self.header.tail)
        self._source = RecordSource(self._open_at)

    @property
    def column_names(self) -> tuple[str, ...]:
        """The user's columns in file order."""
        return self.header.names

    def count_rows(self) -> int:
        """Return the number of rows, by a scan."""
        return sum(len(records.bodies) for records in self._open_at(self._begin))

    def plan(self, shard_rows: int) -> Iterator[Span]:
        """Yield spans of ``shard_rows`` rows, by a scan as far as the caller goes."""
        return plan_spans(self._open_at(self._begin), shard_rows)

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
            image_column: Its cells are the references.
            caption_column: Its cells are the captions.
            batch_rows: Rows of a batch.
            rows: Ordinals that are wanted, ascending; those behind the last row are no error.
            span: One of ``plan``'s: only its rows are read.

        Yields:
            Batches; ``first_row`` is the ordinal of the first row in it.

        Raises:
            ColumnError: There is no such column.
            TableFormatError: A row is malformed and ``strict`` is set, or a quote never closes.
        """
        check_columns(self.column_names, image_column, caption_column)
        image, caption = map(self.column_names.index, (image_column, caption_column))
        width, split = len(self.column_names), self.dialect.split

        def parse(body: bytes) -> Pair:
            found, problem = split(body)
            if len(found) != width:
                problem = problem or f"{len(found)} cells, the header has {width}"
            if problem:
                return None, None, None, problem
            return found[image], None, found[caption], None

        stream = self._source.read(self._begin, span)
        first_row = 0 if span is None else span.first_row
        for chunk in read_chunks(
            stream, first_row=first_row, rows=rows_within(rows, span), batch_rows=batch_rows
        ):
            found = [parse(body) for body in chunk.bodies]
            if self._strict:
                refuse_malformed(chunk, (pair[3] for pair in found), self._complain)
            payload = CsvPayload(self.dialect, chunk.bodies, chunk.tails)
            yield TableBatch(chunk.rows[0], pairs_batch(found), payload)

    def arrow_schema(self) -> pa.Schema:
        """Return the columns, all of them text."""
        return pa.schema([(name, pa.string()) for name in self.column_names])

    def to_arrow(self, batch: TableBatch, schema: pa.Schema | None = None) -> pa.RecordBatch:
        """Return the rows with every column as text; a malformed row is cut or filled with null."""
        payload = payload_of(batch, CsvPayload)
        columns: list[list[str | None]] = [[] for _ in self.column_names]
        for body in payload.bodies:
            cells, _ = payload.dialect.split(body)
            for index, column in enumerate(columns):
                cell = cells[index] if index < len(cells) else None
                column.append(None if cell is None else cell.decode("utf-8", "replace"))
        arrays = [pa.array(column, pa.string()) for column in columns]
        return pa.RecordBatch.from_arrays(arrays, schema=schema or self.arrow_schema())

    def _open_at(self, offset: int) -> Iterator[Records]:
        with open_input(self.path, offset) as file:
            yield from read_records(
                file, self.dialect, offset=offset, name=self.path.name, line_at=self._line_at
            )

    def _line_at(self, offset: int) -> int:
        with open_input(self.path) as file:
            return find_line(file, offset)

    def _complain(self, offset: int, problem: str) -> NoReturn:
        where = f"{self.path.name}, line {self._line_at(offset)}"
        raise TableFormatError(f"{where}: {problem} (without --strict: a status)")


class CsvWriter:
    """Writes records with cells added before their line ends.

    Args:
        file: Open for writing.
        header: What the file begins with, as in the input.
        added_schema: The added columns.
    """

    def __init__(self, file: Writable, header: Header, added_schema: pa.Schema) -> None:
        self._file = file
        self._delimiter = header.dialect.delimiter
        self._special = '["\r\n' + re.escape(self._delimiter.decode("latin-1")) + "]"
        self._line_end = b"\r\n" if header.tail.startswith(b"\r\n") else header.tail[:1] or b"\n"
        self._is_open_ended = not header.tail
        names = [header.dialect.quote(name.encode()) for name in added_schema.names]
        # A table without columns of its own has no cell that a delimiter could stand behind.
        cells = self._delimiter.join([header.body, *names] if header.body else names)
        self._file.write(header.lead + cells + header.tail)

    def write(self, batch: TableBatch, added: pa.RecordBatch) -> None:
        """Append the batch's rows with the added cells."""
        payload = payload_of(batch, CsvPayload)
        if not payload.bodies:
            return
        if self._is_open_ended:
            # Only a file's last record can lack its line end: this is the next file.
            self._file.write(self._line_end)
        self._is_open_ended = not payload.tails[-1]
        cells = self._joined(added).to_pylist()
        delimiters = [self._delimiter] * len(cells)
        parts = zip(payload.bodies, delimiters, cells, payload.tails, strict=True)
        self._file.write(b"".join(chain.from_iterable(parts)))

    def write_rows(self, rows: pa.RecordBatch, added: pa.RecordBatch) -> None:
        """Append rows of another format."""
        columns = [text_column(column) for column in rows.columns] + added.columns
        names = [str(index) for index in range(len(columns))]
        cells = self._joined(pa.RecordBatch.from_arrays(columns, names=names)).to_pylist()
        self._file.write(b"".join(cell + b"\n" for cell in cells))

    def _joined(self, rows: pa.RecordBatch) -> pa.Array:
        columns = [self._cells(column) for column in rows.columns]
        # Joined by Arrow, one call for all rows: the reason that writing is not the limit.
        return pc.binary_join_element_wise(*columns, pa.scalar(self._delimiter, pa.binary()))

    def _cells(self, column: pa.Array) -> pa.Array:
        """Return one cell a row; null is an empty cell."""
        # Arrow's text of a float is the shortest that reads back as the same float32.
        text = pc.fill_null(column.cast(pa.string()), "")
        special = pc.match_substring_regex(text, self._special)
        if pc.any(special).as_py():
            doubled = pc.replace_substring(text, pattern='"', replacement='""')
            text = pc.if_else(special, pc.binary_join_element_wise('"', doubled, '"', ""), text)
        return text.cast(pa.binary())


class CsvFormat:
    """Delimited text in UTF-8."""

    name = "CSV"
    suffixes = tuple(name + end for end in ("", ".gz", ".zst") for name in (".csv", ".tsv", ".txt"))

    def open_reader(self, path: Path, config: TableConfig, /) -> CsvReader:
        """Open a file for reading; errors as in ``CsvReader``."""
        return CsvReader(path, config)

    @contextmanager
    def open_writer(
        self,
        path: Path | None,
        /,
        *,
        reader: TableReader,
        added_schema: pa.Schema,
        metadata: Mapping[str, str],  # noqa: ARG002 - text has no place for it; run.json has
    ) -> Iterator[CsvWriter]:
        """Open an output for rows of CSV, which keep their bytes."""
        if not isinstance(reader, CsvReader):
            message = f"expected the reader of a CSV, not {type(reader).__name__}"
            raise TypeError(message)
        if path and plain_suffix(path) == ".tsv" and reader.dialect.delimiter != b"\t":
            # Read again it would be taken for one column.
            message = f"{path.name}: the output keeps the input's delimiter; give a name in .csv"
            raise UsageError(message)
        with open_text_output(path) as file:
            yield CsvWriter(file, reader.header, added_schema)

    @contextmanager
    def open_rows_writer(
        self,
        path: Path | None,
        /,
        *,
        columns: pa.Schema,
        added_schema: pa.Schema,
        metadata: Mapping[str, str],  # noqa: ARG002 - as above
    ) -> Iterator[CsvWriter]:
        """Open an output for rows of another format."""
        delimiter = b"\t" if path and plain_suffix(path) == ".tsv" else b","
        dialect = Dialect(delimiter)
        body = delimiter.join(dialect.quote(name.encode()) for name in columns.names)
        with open_text_output(path) as file:
            header = Header(b"", body, b"\n", tuple(columns.names), dialect)
            yield CsvWriter(file, header, added_schema)


FORMAT = CsvFormat()
