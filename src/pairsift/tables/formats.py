"""Which format a file is in."""

from pathlib import Path

import pyarrow as pa

from pairsift.config import TableConfig
from pairsift.errors import TableFormatError, UsageError
from pairsift.protocols import TableBatch, TableFormat, TableReader
from pairsift.tables import csv, parquet
from pairsift.tables.csv import CsvPayload
from pairsift.tables.pairs import pairs_from_arrow
from pairsift.tables.parquet import ParquetReader

__all__ = [
    "FORMATS",
    "batch_to_arrow",
    "empty_table",
    "format_of",
    "open_table",
    "pairs_from_arrow",
]

FORMATS: tuple[TableFormat, ...] = (csv.FORMAT, parquet.FORMAT)


def format_of(path: Path) -> TableFormat:
    """Return the format that a file's suffix names.

    Raises:
        UsageError: No format has that suffix; the accepted ones are listed.

    Example:
        >>> format_of(Path("pairs.CSV")) is csv.FORMAT
        True
    """
    suffix = path.suffix.lower()
    for found in FORMATS:
        if suffix in found.suffixes:
            return found
    accepted = ", ".join(name for found in FORMATS for name in found.suffixes)
    message = f"{path.name}: no table format has the suffix {suffix!r}; accepted: {accepted}"
    raise UsageError(message)


def open_table(path: Path, config: TableConfig) -> TableReader:
    """Open a table for reading.

    Raises:
        UsageError: There is no such file, it is a folder, or no format has its suffix.
        TableFormatError: It is not what its suffix says.
    """
    if not path.exists():
        message = f"no such table: {path}"
        raise UsageError(message)
    if not path.is_file():
        message = f"{path} is not a file; a table is one file"
        raise UsageError(message)
    try:
        return format_of(path).open_reader(path, config)
    except PermissionError as error:
        message = f"cannot read {path}: {error.strerror}"
        raise UsageError(message) from error


def empty_table(reader: TableReader) -> pa.Table:
    """Return the user's columns without a row, of the types that ``batch_to_arrow`` gives."""
    if isinstance(reader, ParquetReader):
        return reader.schema.empty_table()
    return pa.schema([(name, pa.string()) for name in reader.column_names]).empty_table()


def batch_to_arrow(reader: TableReader, batch: TableBatch) -> pa.RecordBatch:
    """Return the user's columns of a batch as Arrow; text formats give text.

    Args:
        reader: Where the batch came from.
        batch: As read.

    Raises:
        TableFormatError: The batch is of no known format.
    """
    if isinstance(batch.payload, pa.RecordBatch):
        return batch.payload
    if isinstance(batch.payload, CsvPayload):
        return batch.payload.to_arrow(reader.column_names)
    message = f"rows of an unknown kind: {type(batch.payload).__name__}"
    raise TableFormatError(message)
