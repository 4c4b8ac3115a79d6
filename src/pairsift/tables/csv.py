"""CSV and TSV: every byte of the user's stays, and cells are added before each record's end."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO, NoReturn

import pyarrow as pa
import pyarrow.compute as pc

from pairsift.config import TableConfig
from pairsift.errors import ColumnError, TableFormatError, UsageError
from pairsift.protocols import Span, TableBatch, TableReader
from pairsift.tables.headers import read_header
from pairsift.tables.outputs import open_output
from pairsift.tables.records import Dialect, Records, find_line, read_records
from pairsift.tables.rows import Pair, parse_pairs, plan_spans, read_chunks, rows_within


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

    def to_arrow(self, column_names: Sequence[str]) -> pa.RecordBatch:
        """Return the rows with every column as text; a malformed row is cut or filled with null."""
        columns: list[list[str | None]] = [[] for _ in column_names]
        for body in self.bodies:
            cells, _ = self.dialect.split(body)
            for index, column in enumerate(columns):
                cell = cells[index] if index < len(cells) else None
                column.append(None if cell is None else cell.decode("utf-8", "replace"))
        arrays = [pa.array(column, pa.string()) for column in columns]
        return pa.RecordBatch.from_arrays(arrays, names=list(column_names))


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
        self._path = path
        self._strict = config.strict
        self.header = read_header(path, config)
        self.dialect = self.header.dialect

    @property
    def column_names(self) -> tuple[str, ...]:
        """The user's columns in file order."""
        return self.header.names

    def count_rows(self) -> int:
        """Return the number of rows, by a scan."""
        return sum(len(records.bodies) for records in self._records())

    def plan(self, shard_rows: int) -> Iterator[Span]:
        """Yield spans of ``shard_rows`` rows, by a scan as far as the caller goes."""
        return plan_spans(self._records(), shard_rows)

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
        image, caption = self._index(image_column), self._index(caption_column)
        width, split = len(self.column_names), self.dialect.split

        def parse(body: bytes) -> Pair:
            found, problem = split(body)
            if len(found) != width:
                problem = problem or f"{len(found)} cells, the header has {width}"
            if problem:
                return None, None, None, problem
            return found[image], None, found[caption], None

        chosen = rows_within(rows, span)
        for chunk in read_chunks(
            self._records(span),
            first_row=0 if span is None else span.first_row,
            rows=chosen,
            batch_rows=batch_rows,
        ):
            pairs = parse_pairs(chunk, parse, complain=self._complain if self._strict else None)
            yield TableBatch(
                chunk.rows[0], pairs, CsvPayload(self.dialect, chunk.bodies, chunk.tails)
            )

    def _records(self, span: Span | None = None) -> Iterator[Records]:
        header = self.header
        offset = len(header.lead + header.body + header.tail) if span is None else span.position
        with self._path.open("rb") as file:
            file.seek(offset)
            yield from read_records(
                file, self.dialect, offset=offset, name=self._path.name, line_at=self._line_at
            )

    def _line_at(self, offset: int) -> int:
        with self._path.open("rb") as file:
            return find_line(file, offset)

    def _complain(self, offset: int, problem: str) -> NoReturn:
        where = f"{self._path.name}, line {self._line_at(offset)}"
        raise TableFormatError(f"{where}: {problem} (without --strict: a status)")

    def _index(self, column: str) -> int:
        if column not in self.column_names:
            available = ", ".join(self.column_names)
            message = f"column {column} not found; available: {available}"
            raise ColumnError(message)
        return self.column_names.index(column)


class CsvWriter:
    """Writes records with cells added before their line ends.

    Args:
        file: Open for writing.
        reader: The input, whose header and dialect are used.
        added_schema: The added columns.
    """

    def __init__(self, file: BinaryIO, reader: CsvReader, added_schema: pa.Schema) -> None:
        self._file = file
        self._delimiter = reader.dialect.delimiter
        self._special = '["\r\n' + re.escape(self._delimiter.decode("latin-1")) + "]"
        names = [reader.dialect.quote(name.encode()) for name in added_schema.names]
        header = reader.header
        cells = self._delimiter.join([header.body, *names])
        self._file.write(header.lead + cells + header.tail)

    def write(self, batch: TableBatch, added: pa.RecordBatch) -> None:
        """Append the batch's rows with the added cells."""
        payload = batch.payload
        if not isinstance(payload, CsvPayload):
            message = f"expected rows of a CSV, not {type(payload).__name__}"
            raise TypeError(message)
        columns = [self._cells(column) for column in added.columns]
        # Joined by Arrow, one call for all rows: the reason that writing is not the limit.
        delimiter = pa.scalar(self._delimiter, pa.binary())
        cells = pc.binary_join_element_wise(*columns, delimiter).to_pylist()
        delimiters = [self._delimiter] * len(cells)
        parts = zip(payload.bodies, delimiters, cells, payload.tails, strict=True)
        self._file.write(b"".join(chain.from_iterable(parts)))

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

    suffixes = (".csv", ".tsv", ".txt")

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
        """Open an output that appears when the context ends well."""
        if not isinstance(reader, CsvReader):
            message = f"expected the reader of a CSV, not {type(reader).__name__}"
            raise TypeError(message)
        if path is not None and path.suffix.lower() == ".tsv" and reader.dialect.delimiter != b"\t":
            # Read again it would be taken for one column.
            message = f"{path.name}: the output keeps the input's delimiter; give a name in .csv"
            raise UsageError(message)
        with open_output(path) as file:
            yield CsvWriter(file, reader, added_schema)


FORMAT = CsvFormat()
