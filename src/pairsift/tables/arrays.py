"""Arrays of NumPy on disk, read as a stream of rows.

Nothing is unpickled: an array of objects is refused by its header.
"""

import os
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from pairsift.errors import TableFormatError
from pairsift.protocols import FloatArray


@dataclass(frozen=True)
class ArrayPlace:
    """Where one array stands.

    Args:
        path: A ``.npy``, or a ``.npz``.
        key: Which array of a ``.npz``.
    """

    path: Path
    key: str | None = None

    def __str__(self) -> str:
        return self.path.name if self.key is None else f"{self.path.name}, {self.key}"


class ArrayStream:
    """The rows of one array, from its first to its last."""

    def __init__(self, file: BinaryIO, place: ArrayPlace) -> None:
        self._file = file
        self._place = place
        self._row = 0
        self.shape, self.dtype = _read_header(file, place)

    def take(self, count: int) -> FloatArray:
        """Return the next rows as float32."""
        size = count * self._row_bytes
        data = self._file.read(size)
        if len(data) < size:
            message = f"{self._place}: cut off; its header promises {self.shape[0]} rows"
            raise TableFormatError(message)
        self._row += count
        rows = np.frombuffer(data, self.dtype).reshape(count, self.shape[1])
        with np.errstate(over="ignore"):  # what float32 cannot hold is infinite, and told so
            return rows.astype(np.float32)

    def pick(self, rows: Sequence[int]) -> FloatArray:
        """Return some rows, ascending, none of which was passed already."""
        wanted = np.asarray(rows, dtype=np.int64)
        parts = []
        for run in np.split(wanted, np.flatnonzero(np.diff(wanted) != 1) + 1):
            self._file.seek((int(run[0]) - self._row) * self._row_bytes, os.SEEK_CUR)
            self._row = int(run[0])
            parts.append(self.take(len(run)))
        return np.concatenate(parts)

    @property
    def _row_bytes(self) -> int:
        return self.shape[1] * self.dtype.itemsize


@contextmanager
def open_array(place: ArrayPlace) -> Iterator[ArrayStream]:
    """Open an array for reading from its first row on.

    Raises:
        TableFormatError: It is damaged, or no array of rows of floats.
    """
    try:
        if place.key is None:
            with place.path.open("rb") as file:
                yield ArrayStream(file, place)
            return
        with zipfile.ZipFile(place.path) as archive, archive.open(place.key + ".npy") as member:
            yield ArrayStream(member, place)  # type: ignore[arg-type]
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, NotImplementedError) as error:
        words = str(error).strip("'\"").split("\n")[0]
        raise TableFormatError(f"{place}: damaged, or no such array: {words}") from error


def _read_header(file: BinaryIO, place: ArrayPlace) -> tuple[tuple[int, int], np.dtype]:
    try:
        version = np.lib.format.read_magic(file)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }
        shape, is_fortran, dtype = read[version](file)
    except (ValueError, KeyError, SyntaxError) as error:
        words = str(error).split("\n")[0]
        raise TableFormatError(f"{place} is no NumPy array of format 1 or 2: {words}") from error
    # An object's bytes are a pickle; a column order would need the whole array in memory.
    if dtype.kind != "f" or len(shape) != 2 or is_fortran or shape[1] < 1:
        order = ", column by column" if is_fortran else ""
        message = f"{place}: {dtype} of shape {shape}{order}; expected rows of floats (N, D)"
        raise TableFormatError(message)
    return (int(shape[0]), int(shape[1])), dtype
