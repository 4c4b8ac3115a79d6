"""A folder of images as a table: one row an image, its caption in a text file of the same name."""

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from pairsift.config import TableConfig
from pairsift.errors import TableFormatError, UsageError
from pairsift.protocols import RowsWriter, Span, TableBatch, TableReader, TableWriter
from pairsift.tables.columns import check_columns
from pairsift.tables.rows import Pair, even_spans, pairs_batch, payload_of, rows_within

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff")
CAPTION_SUFFIX = ".txt"
MAX_CAPTION_BYTES = 1 << 20
"""A text file that is larger is no caption."""

_SCHEMA = pa.schema([("image", pa.string()), ("caption", pa.string())])


def find_files(folder: Path) -> Iterator[str]:
    """Yield the paths of a folder's files, relative and with slashes, in no certain order.

    Hidden files and folders, and those of earlier runs, are left out; links to folders are not
    followed.
    """
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not is_hidden(name)]
        within = Path(place).relative_to(folder)
        for name in files:
            if not is_hidden(name):
                yield (within / name).as_posix()


class FolderReader:
    """Reads a folder of images with text files beside them.

    The names are listed once and sorted; about 100 bytes each are held.

    Args:
        path: The folder.

    Raises:
        TableFormatError: There is no image in it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.image_root = path
        if not self._names:
            message = f"{path} is not a file, and a folder without images"
            raise TableFormatError(message)

    @property
    def column_names(self) -> tuple[str, ...]:
        """``image`` and ``caption``."""
        return tuple(_SCHEMA.names)

    def arrow_schema(self) -> pa.Schema:
        """Return two columns of text."""
        return _SCHEMA

    def to_arrow(
        self,
        batch: TableBatch,
        schema: pa.Schema | None = None,  # noqa: ARG002 - always the same
    ) -> pa.RecordBatch:
        """Return the paths and the captions."""
        return payload_of(batch, pa.RecordBatch)

    def count_rows(self) -> int:
        """Return the number of images."""
        return len(self._names)

    def plan(self, shard_rows: int) -> Iterator[Span]:
        """Yield spans of the sorted names."""
        return even_spans(len(self._names), shard_rows)

    def read_batches(
        self,
        *,
        image_column: str,
        caption_column: str,
        batch_rows: int,
        rows: Sequence[int] | None = None,
        span: Span | None = None,
    ) -> Iterator[TableBatch]:
        """Yield the rows by name, ``batch_rows`` at a time.

        Args:
            image_column: ``image``.
            caption_column: ``caption``.
            batch_rows: Rows of a batch.
            rows: Ordinals that are wanted, ascending; those behind the last row are no error.
            span: One of ``plan``'s: only its rows are read.

        Yields:
            Batches; a caption is null where there is no text file.

        Raises:
            ColumnError: There is no such column.
        """
        check_columns(self.column_names, image_column, caption_column)
        # Cut to the rows that there are: a span may be open at its end.
        wanted = rows_within(rows_within(rows, span), Span(0, len(self._names)))
        for begin in range(0, len(wanted), batch_rows):
            ordinals = wanted[begin : begin + batch_rows]
            pairs = [self._pair(self._names[row]) for row in ordinals]
            yield TableBatch(ordinals[0], pairs_batch(pairs), _payload(pairs))

    @cached_property
    def _names(self) -> list[str]:
        names = (n for n in find_files(self.path) if n.lower().endswith(IMAGE_SUFFIXES))
        return sorted(names)

    def _pair(self, name: str) -> Pair:
        reference = os.fsencode(name)
        sidecar = self.path / (name[: name.rindex(".")] + CAPTION_SUFFIX)
        try:
            caption = _read_caption(sidecar, self.path.resolve())
        except FileNotFoundError:
            return reference, None, None, None
        except (OSError, ValueError) as error:
            words = error.strerror if isinstance(error, OSError) else str(error)
            return reference, None, None, f"{sidecar.name}: {words}"
        return reference, None, caption, None


class FolderFormat:
    """A folder of images, which can be read only."""

    name = "folder of images"
    suffixes: tuple[str, ...] = ()

    def open_reader(self, path: Path, config: TableConfig, /) -> FolderReader:  # noqa: ARG002
        """Open a folder for reading; errors as in ``FolderReader``."""
        return FolderReader(path)

    def open_writer(
        self,
        path: Path | None,
        /,
        *,
        reader: TableReader,  # noqa: ARG002 - refused whatever it is
        added_schema: pa.Schema,  # noqa: ARG002
        metadata: Mapping[str, str],  # noqa: ARG002
    ) -> AbstractContextManager[TableWriter]:
        """Refuse: an output is a table in a file."""
        raise _no_output(path)

    def open_rows_writer(
        self,
        path: Path | None,
        /,
        *,
        columns: pa.Schema,  # noqa: ARG002 - as above
        added_schema: pa.Schema,  # noqa: ARG002
        metadata: Mapping[str, str],  # noqa: ARG002
    ) -> AbstractContextManager[RowsWriter]:
        """Refuse: an output is a table in a file."""
        raise _no_output(path)


FORMAT = FolderFormat()


def _no_output(path: Path | None) -> UsageError:
    return UsageError(f"{path} is a folder; name a file in .csv, .jsonl or .parquet")


def is_hidden(name: str) -> bool:
    """Say whether a file or folder of this name is left out."""
    return name.startswith((".", "_")) or name.endswith(".pairsift")


def _read_caption(path: Path, root: Path) -> bytes:
    """Return a text file's bytes without the line end that editors put at its end."""
    real = path.resolve(strict=True)
    if not real.is_relative_to(root):
        message = "a link that leaves the folder"
        raise ValueError(message)
    facts = real.stat()
    if not stat.S_ISREG(facts.st_mode):
        message = "not a regular file"
        raise ValueError(message)
    if facts.st_size > MAX_CAPTION_BYTES:
        message = f"{facts.st_size} bytes are no caption"
        raise ValueError(message)
    return real.read_bytes().removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n")


def _payload(pairs: Sequence[Pair]) -> pa.RecordBatch:
    texts = [[p and p.decode("utf-8", "replace") for p in (pair[0], pair[2])] for pair in pairs]
    columns = [pa.array(column, pa.string()) for column in zip(*texts, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=_SCHEMA)
