"""Which format a file is in."""

from pathlib import Path

import pyarrow as pa

from pairsift.config import TableConfig
from pairsift.errors import UsageError
from pairsift.protocols import TableBatch, TableFormat, TableReader
from pairsift.tables import csv, folder, jsonl, parquet, vectors, webdataset
from pairsift.tables.exploded import ExplodedReader
from pairsift.tables.pairs import pairs_from_arrow
from pairsift.tables.staging import local_table

__all__ = [
    "FORMATS",
    "batch_to_arrow",
    "empty_table",
    "format_of",
    "open_table",
    "output_format_of",
    "pairs_from_arrow",
]

FORMATS: tuple[TableFormat, ...] = (
    csv.FORMAT,
    jsonl.FORMAT,
    parquet.FORMAT,
    webdataset.FORMAT,
)
"""Formats that are read and written; embeddings are only read."""

LIST_READERS = (jsonl.JsonlReader, parquet.ParquetReader, webdataset.TarReader)


def format_of(path: Path) -> TableFormat:
    """Return the format that a file's suffix names; a folder's is that of images.

    Raises:
        UsageError: No format has that suffix; the accepted ones are listed.

    Example:
        >>> format_of(Path("pairs.CSV")) is csv.FORMAT
        True
    """
    if path.is_dir():
        return folder.FORMAT
    name = path.name.lower()
    for found in (*FORMATS, vectors.FORMAT):
        if name.endswith(found.suffixes):
            return found
    accepted = ", ".join(name for found in FORMATS for name in found.suffixes)
    message = f"{path.name}: no table format has the suffix {path.suffix!r}; accepted: {accepted}"
    raise UsageError(message)


def output_format_of(path: Path) -> TableFormat:
    """Return the format that an output's suffix names.

    Raises:
        UsageError: No format that can be written has that suffix.
    """
    found = format_of(path)
    if found is vectors.FORMAT:
        message = f"{path}: scores are written as .csv, .jsonl or .parquet, not as embeddings"
        raise UsageError(message)
    return found


def open_table(path: Path, config: TableConfig) -> TableReader:
    """Open a table for reading; with ``config.caption_list``, a row for each caption.

    One in an object store is read from its copy.

    Raises:
        UsageError: There is no such file, it is a pipe or the like, or no format has its suffix.
        TableFormatError: It is not what its suffix says.
    """
    path = local_table(path)
    if not path.exists():
        message = f"no such table: {path}"
        raise UsageError(message)
    if not path.is_file() and not path.is_dir():
        message = f"{path} is not a file; a table is a file, or a folder of images"
        raise UsageError(message)
    try:
        reader = format_of(path).open_reader(path, config)
    except PermissionError as error:
        message = f"cannot read {path}: {error.strerror}"
        raise UsageError(message) from error
    if config.caption_list is None:
        return reader
    if not isinstance(reader, LIST_READERS):
        message = (
            f"{path.name} holds no lists of captions: --caption-list is for JSON, Parquet and tars"
        )
        raise UsageError(message)
    return ExplodedReader(reader, config, config.caption_list)


def empty_table(reader: TableReader) -> pa.Table:
    """Return the user's columns without a row, of the types that ``batch_to_arrow`` gives."""
    return reader.arrow_schema().empty_table()


def batch_to_arrow(reader: TableReader, batch: TableBatch) -> pa.RecordBatch:
    """Return the user's columns of a batch as Arrow; text formats give text.

    Args:
        reader: Where the batch came from.
        batch: As read.
    """
    return reader.to_arrow(batch)
