"""The table of a storybook set, in the formats that a set can have."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from pairsift.storybook.planting import PlantedRow

COLUMNS: Final = ("image", "caption", "category")
TABLE_NAMES: Final = {
    "csv": "pairs.csv",
    "jsonl": "pairs.jsonl",
    "parquet": "pairs.parquet",
    "webdataset": "pairs.tar",
}


class TableWriter(Protocol):
    """Writes the table of a set, block by block."""

    def write(self, rows: list[PlantedRow]) -> None:
        """Append rows."""

    def close(self) -> None:
        """Write what ends the table."""


def _quoted(cell: bytes) -> bytes:
    if any(byte in cell for byte in (b",", b'"', b"\n", b"\r")):
        return b'"' + cell.replace(b'"', b'""') + b'"'
    return cell


class _CsvWriter:
    """Bytes, not text: some captions are not valid UTF-8 on purpose."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("wb")
        self._file.write(",".join(COLUMNS).encode() + b"\n")

    def write(self, rows: list[PlantedRow]) -> None:
        for row in rows:
            cells = [row.image.encode(), row.caption, row.category.encode(), b"surplus"]
            self._file.write(b",".join(map(_quoted, cells[: row.num_cells])) + b"\n")

    def close(self) -> None:
        self._file.close()


class _JsonlWriter:
    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8", newline="")

    def write(self, rows: list[PlantedRow]) -> None:
        for row in rows:
            cells = dict(zip(COLUMNS, (row.image, row.caption.decode(), row.category), strict=True))
            self._file.write(json.dumps(cells, ensure_ascii=False) + "\n")

    def close(self) -> None:
        self._file.close()


class _TarWriter:
    """A row without a picture is a caption alone."""

    def __init__(self, path: Path) -> None:
        self._folder = path.parent
        self._tar = tarfile.open(path, "w", format=tarfile.PAX_FORMAT)  # noqa: SIM115 - see close

    def write(self, rows: list[PlantedRow]) -> None:
        for row in rows:
            key = f"{row.truth.row:09d}"
            picture = self._picture(row.image)
            if picture is not None:
                self._add(key + picture.suffix, picture.read_bytes())
            self._add(key + ".txt", row.caption)
            self._add(key + ".json", json.dumps({"category": row.category}).encode())

    def _picture(self, image: str) -> Path | None:
        # Some cells point outside the set on purpose.
        path = (self._folder / image).resolve()
        is_own = path.is_relative_to(self._folder.resolve()) and "\0" not in image
        return path if is_own and path.is_file() else None

    def _add(self, name: str, data: bytes) -> None:
        member = tarfile.TarInfo(name)
        member.size = len(data)
        self._tar.addfile(member, io.BytesIO(data))

    def close(self) -> None:
        self._tar.close()


class _ParquetWriter:
    def __init__(self, path: Path) -> None:
        import pyarrow as pa  # noqa: PLC0415 - the storybook draws without pyarrow
        from pyarrow import parquet  # noqa: PLC0415

        self._arrow = pa
        self._schema = pa.schema([(name, pa.string()) for name in COLUMNS])
        self._writer = parquet.ParquetWriter(path, self._schema)

    def write(self, rows: list[PlantedRow]) -> None:
        columns = (
            [row.image for row in rows],
            [row.caption.decode() for row in rows],
            [row.category for row in rows],
        )
        arrays = [self._arrow.array(column, self._arrow.string()) for column in columns]
        self._writer.write_batch(self._arrow.record_batch(arrays, schema=self._schema))

    def close(self) -> None:
        self._writer.close()


WRITERS: Final[dict[str, Callable[[Path], TableWriter]]] = {
    "csv": _CsvWriter,
    "jsonl": _JsonlWriter,
    "parquet": _ParquetWriter,
    "webdataset": _TarWriter,
}
