"""CSV and TSV: every byte of the user's stays, and cells are added before each record's end."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from pairsift import schema
from pairsift.config import TableConfig
from pairsift.errors import TableFormatError, UsageError
from pairsift.protocols import TableBatch, TableReader
from pairsift.tables.atomic import atomic_file
from pairsift.tables.records import Dialect, read_records, split_terminator

DELIMITERS = (b",", b"\t", b";", b"|")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class CsvPayload:
    """Records of one batch as they stand in the file.

    Args:
        records: With their terminators.
        are_rows: False for blank lines, which go back untouched and are no rows.
        dialect: How their cells are told apart.
    """

    records: list[bytes]
    are_rows: list[bool]
    dialect: Dialect

    def to_arrow(self, column_names: Sequence[str]) -> pa.RecordBatch:
        """Return the rows with every column as text; a malformed row is cut or filled with null."""
        columns: list[list[str | None]] = [[] for _ in column_names]
        for record, is_row in zip(self.records, self.are_rows, strict=True):
            if is_row:
                cells = self.dialect.split(split_terminator(record)[0])
                for index, column in enumerate(columns):
                    cell = cells[index] if index < len(cells) else None
                    column.append(None if cell is None else cell.decode("utf-8", "replace"))
        return pa.RecordBatch.from_arrays(
            [pa.array(column, pa.string()) for column in columns], names=list(column_names)
        )


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
        first = _first_bytes(path)
        self.dialect = Dialect(_delimiter(path, first, config.delimiter))
        with path.open("rb") as file:
            preamble: list[bytes] = []
            for record in read_records(file, self.dialect):
                preamble.append(record)
                if split_terminator(record)[0].removeprefix(BYTE_ORDER_MARK):
                    break
            else:
                message = f"{path.name} has no header: it is empty"
                raise TableFormatError(message)
        self.blank_lines, self.header = b"".join(preamble[:-1]), preamble[-1]
        self._data_begin = len(self.blank_lines) + len(self.header)

    @cached_property
    def column_names(self) -> tuple[str, ...]:
        """The user's columns in file order."""
        body = split_terminator(self.header)[0].removeprefix(BYTE_ORDER_MARK)
        try:
            return tuple(cell.decode("utf-8") for cell in self.dialect.split(body))
        except UnicodeDecodeError as error:
            message = f"{self._path.name}: the header is not valid UTF-8; save the table as UTF-8"
            raise TableFormatError(message) from error

    def count_rows(self) -> int:
        """Return the number of rows, by a scan."""
        return sum(1 for record in self._records() if _is_row(record))

    def read_batches(
        self,
        *,
        image_column: str,
        caption_column: str,
        batch_rows: int,
        rows: Sequence[int] | None = None,
    ) -> Iterator[TableBatch]:
        """Yield the rows in file order; ``rows`` (ascending ordinals) picks some of them.

        Raises:
            TableFormatError: A row is malformed and ``strict`` is set, or a quote never closes.
        """
        cells = (self.column_names.index(image_column), self.column_names.index(caption_column))
        wanted = None if rows is None else iter([*rows, -1])
        next_wanted = -1 if wanted is None else next(wanted)
        kept: list[tuple[bytes, bool]] = []
        first, row, num_kept = 0, 0, 0
        for record in self._records():
            is_row = _is_row(record)
            if wanted is None:
                kept.append((record, is_row))
                num_kept += is_row
            elif is_row and row == next_wanted:
                first = row if not kept else first
                kept.append((record, True))
                num_kept += 1
                next_wanted = next(wanted)
            row += is_row
            if num_kept == batch_rows:
                yield self._batch(first, kept, cells)
                kept, num_kept, first = [], 0, row
            if wanted is not None and next_wanted < 0:
                break
        if kept:
            yield self._batch(first, kept, cells)

    def _records(self) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            file.seek(self._data_begin)
            yield from read_records(file, self.dialect)

    def _batch(
        self, first: int, kept: Sequence[tuple[bytes, bool]], cells: tuple[int, int]
    ) -> TableBatch:
        num_columns = len(self.column_names)
        image, caption = cells
        references: list[bytes | None] = []
        captions: list[bytes | None] = []
        problems: list[str | None] = []
        for record, is_row in kept:
            if not is_row:
                continue
            found = self.dialect.split(split_terminator(record)[0])
            problem = None
            if len(found) != num_columns:
                problem = f"{len(found)} cells, the header has {num_columns}"
                if self._strict:
                    row = first + len(problems)
                    message = (
                        f"{self._path.name}, row {row}: {problem} (without --strict: a status)"
                    )
                    raise TableFormatError(message)
            references.append(None if problem else found[image])
            captions.append(None if problem else found[caption])
            problems.append(problem)
        pairs = pa.RecordBatch.from_arrays(
            [
                pa.array(references, pa.binary()),
                pa.nulls(len(references), pa.binary()),
                pa.array(captions, pa.binary()),
                pa.array(problems, pa.string()),
            ],
            schema=schema.PAIR_SCHEMA,
        )
        payload = CsvPayload([r for r, _ in kept], [i for _, i in kept], self.dialect)
        return TableBatch(first, pairs, payload)


class CsvWriter:
    """Writes records with cells added before their terminators.

    Args:
        file: Open for writing.
        reader: The input, whose header and dialect are used.
        added_schema: The added columns.
    """

    def __init__(self, file: BinaryIO, reader: CsvReader, added_schema: pa.Schema) -> None:
        self._file = file
        self._delimiter = reader.dialect.delimiter
        body, terminator = split_terminator(reader.header)
        names = [_quote(name, self._delimiter) for name in added_schema.names]
        header = self._delimiter.join([body, *names]) + terminator
        self._file.write(reader.blank_lines + header)

    def write(self, batch: TableBatch, added: pa.RecordBatch) -> None:
        """Append the batch's rows with the added cells."""
        payload = batch.payload
        if not isinstance(payload, CsvPayload):
            message = f"expected rows of a CSV, not {type(payload).__name__}"
            raise TypeError(message)
        columns = [_cells(column, self._delimiter) for column in added.columns]
        rows = zip(*columns, strict=True)
        parts = []
        for record, is_row in zip(payload.records, payload.are_rows, strict=True):
            if is_row:
                body, terminator = split_terminator(record)
                parts.append(self._delimiter.join((body, *next(rows))) + terminator)
            else:
                parts.append(record)
        self._file.write(b"".join(parts))


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
        with atomic_file(path) as file:
            yield CsvWriter(file, reader, added_schema)


FORMAT = CsvFormat()


def _is_row(record: bytes) -> bool:
    return record not in (b"\n", b"\r\n", b"\r")


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        first = file.read(1 << 16)
    if first.startswith(_UTF16) or b"\0" in first[:64]:
        message = f"{path.name} looks like UTF-16 or binary; save the table as UTF-8"
        raise TableFormatError(message)
    return first


def _delimiter(path: Path, first: bytes, given: str | None) -> bytes:
    """Return the delimiter: as given, else tab for .tsv, else the one the header has most of."""
    if given is not None:
        encoded = given.replace("\\t", "\t").encode("utf-8")
        if len(encoded) != 1 or encoded in (b'"', b"\r", b"\n"):
            message = f"delimiter {given!r} is not one plain character"
            raise UsageError(message)
        return encoded
    if path.suffix.lower() == ".tsv":
        return b"\t"
    header = next(iter(first.lstrip(BYTE_ORDER_MARK + b"\r\n").splitlines()), b"")
    # What stands in quotes separates nothing.
    outside = b"".join(header.split(b'"')[::2])
    return max(DELIMITERS, key=outside.count)


def _quote(text: str, delimiter: bytes) -> bytes:
    encoded = text.encode("utf-8")
    if any(mark in encoded for mark in (delimiter, b'"', b"\n", b"\r")):
        return b'"' + encoded.replace(b'"', b'""') + b'"'
    return encoded


def _cells(column: pa.Array, delimiter: bytes) -> list[bytes]:
    """Return one cell a row; null is an empty cell."""
    values: list[Any] = column.to_pylist()
    if pa.types.is_floating(column.type):
        # The shortest text that reads back as the same float32.
        return [b"" if v is None else str(np.float32(v)).encode() for v in values]
    if pa.types.is_boolean(column.type):
        return [b"" if v is None else (b"true" if v else b"false") for v in values]
    return [b"" if v is None else _quote(str(v), delimiter) for v in values]
