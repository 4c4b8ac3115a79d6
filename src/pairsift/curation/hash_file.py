"""``derived/hashes.parquet`` of a run folder: what is kept of each different picture file."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pairsift.curation.embedded import IntArray
from pairsift.curation.hashes import SIDE, HashArray
from pairsift.curation.pixels import MEASURES
from pairsift.protocols import FloatArray, PixelArray
from pairsift.runs import Run
from pairsift.runs.layout import DERIVED
from pairsift.runs.store import RunStore

HASHES: Final = f"{DERIVED}/hashes.parquet"

THUMBNAIL_BYTES: Final = SIDE * SIDE * 3

ROW_GROUP_ROWS: Final = 8192
"""Lines that are written at once: 25 MB."""

_SCHEMA: Final = pa.schema(
    [
        pa.field("sha256", pa.string()),
        pa.field("hash", pa.uint64()),
        pa.field("thumbnail", pa.binary(THUMBNAIL_BYTES)),
        *(pa.field(name, pa.float32()) for name in MEASURES),
    ]
)


@dataclass(frozen=True)
class PictureHashes:
    """Thumbnails and hashes of different files.

    Args:
        names: The files' sha256, M of them.
        hashes: Shape (M,), uint64.
        thumbnails: Shape (M, 32, 32, 3), uint8: 3 GB for a million.
        pixels: ``pixels.MEASURES`` of each, shape (M, 3), float32.
    """

    names: tuple[str, ...]
    hashes: HashArray
    thumbnails: PixelArray
    pixels: FloatArray

    def of(self, sha256: pa.Array) -> IntArray:
        """Return the place of each row's file; -1 where it has no hash.

        Args:
            sha256: Of each row's image bytes, N of them; null where there is none.
        """
        return _places_of(sha256, self.names)


def read_hashes(store: RunStore) -> PictureHashes:
    """Return what is kept; nothing where there is none, or an earlier version wrote it.

    Args:
        store: The run folder.
    """
    names: list[str] = []
    hashes: list[HashArray] = [np.zeros(0, dtype=np.uint64)]
    measures: list[FloatArray] = [np.zeros((0, len(MEASURES)), dtype=np.float32)]
    thumbnails = np.zeros((0, SIDE, SIDE, 3), dtype=np.uint8)
    if store.exists(HASHES):
        with pq.ParquetFile(store.readable(HASHES)) as file:
            if file.schema_arrow.names == _SCHEMA.names:
                num = file.metadata.num_rows
                thumbnails = np.empty((num, SIDE, SIDE, 3), dtype=np.uint8)
                for batch in file.iter_batches(ROW_GROUP_ROWS):
                    pixels = np.frombuffer(b"".join(batch.column(2).to_pylist()), dtype=np.uint8)
                    part = slice(len(names), len(names) + batch.num_rows)
                    thumbnails[part] = pixels.reshape(-1, SIDE, SIDE, 3)
                    names += batch.column(0).to_pylist()
                    hashes.append(batch.column(1).to_numpy())
                    measures.append(_measures_of(batch))
    return PictureHashes(tuple(names), np.concatenate(hashes), thumbnails, np.concatenate(measures))


def keep_hashes(store: RunStore, kept: PictureHashes) -> None:
    """Write what is to be kept; the file appears whole or not at all.

    Args:
        store: The run folder.
        kept: All of it.
    """
    with (
        store.writing(HASHES) as file,
        pq.ParquetWriter(file, _SCHEMA, compression="zstd") as writer,
    ):
        for begin in range(0, len(kept.names), ROW_GROUP_ROWS):
            part = slice(begin, begin + ROW_GROUP_ROWS)
            pictures = [picture.tobytes() for picture in kept.thumbnails[part]]
            columns = [
                pa.array(kept.names[part]),
                pa.array(kept.hashes[part]),
                pa.array(pictures, _SCHEMA.field("thumbnail").type),
                *(pa.array(measure) for measure in kept.pixels[part].T),
            ]
            writer.write_batch(pa.record_batch(columns, schema=_SCHEMA))


def read_pixels(run: Run, sha256: pa.Array) -> FloatArray | None:
    """Return what is kept of the rows' pixels; None where no picture was read yet.

    Args:
        run: Opened.
        sha256: Of each row's image bytes, N of them; null where there is none.

    Returns:
        ``pixels.MEASURES``, shape (N, 3), float32; NaN where a picture was not read.
    """
    names: list[str] = []
    parts = [np.full((1, len(MEASURES)), np.nan, dtype=np.float32)]
    if not run.store.exists(HASHES):
        return None
    with pq.ParquetFile(run.store.readable(HASHES)) as file:
        if file.schema_arrow.names != _SCHEMA.names:
            return None
        for batch in file.iter_batches(ROW_GROUP_ROWS, columns=["sha256", *MEASURES]):
            names += batch.column(0).to_pylist()
            parts.append(_measures_of(batch))
    places = _places_of(sha256, names)
    found: FloatArray = np.concatenate(parts)[places + 1]  # the first line is of no picture
    return found


def _measures_of(batch: pa.RecordBatch) -> FloatArray:
    columns = [batch.column(name).to_numpy() for name in MEASURES]
    return np.stack(columns, axis=1).astype(np.float32)


def _places_of(sha256: pa.Array, names: Sequence[str]) -> IntArray:
    place = {name: at for at, name in enumerate(names)}
    encoded = sha256.dictionary_encode()
    places = [place.get(name, -1) for name in encoded.dictionary.to_pylist()]
    indices = encoded.indices.fill_null(len(places)).to_numpy(zero_copy_only=False)
    found: IntArray = np.array([*places, -1], dtype=np.int64)[indices]
    return found
