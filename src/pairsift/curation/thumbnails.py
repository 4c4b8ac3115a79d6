"""Thumbnails and hashes of a run's pictures: each different file is read once and kept.

They lie in ``derived/hashes.parquet`` of the run folder, one line a different file, and are made
only for what is not there yet.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pairsift.config import ImageConfig, SourceConfig
from pairsift.curation.embedded import IntArray
from pairsift.curation.hashes import SIDE, HashArray, make_thumbnail, perceptual_hashes
from pairsift.curation.run_pairs import RunPictures, rebuild_config
from pairsift.errors import ImageError
from pairsift.images import decode_image
from pairsift.protocols import PixelArray
from pairsift.runs import Run
from pairsift.runs.layout import DERIVED
from pairsift.runs.store import RunStore
from pairsift.sources import Sources
from pairsift.tables.formats import open_table

HASHES: Final = f"{DERIVED}/hashes.parquet"

THUMBNAIL_BYTES: Final = SIDE * SIDE * 3

ROW_GROUP_ROWS: Final = 8192
"""Lines that are written at once: 25 MB."""

DECODE_SIDE: Final = 4 * SIDE
"""Large JPEGs are decoded at no less than twice this: the thumbnail is then the same to a level."""

_SCHEMA: Final = pa.schema(
    [
        pa.field("sha256", pa.string()),
        pa.field("hash", pa.uint64()),
        pa.field("thumbnail", pa.binary(THUMBNAIL_BYTES)),
    ]
)
_BATCH_ROWS: Final = 256

Report = Callable[[int, int], None]


@dataclass(frozen=True)
class PictureHashes:
    """Thumbnails and hashes of different files.

    Args:
        place: Of each file's sha256 in the arrays.
        hashes: Shape (M,), uint64.
        thumbnails: Shape (M, 32, 32, 3), uint8: 3 GB for a million.
    """

    place: dict[str, int]
    hashes: HashArray
    thumbnails: PixelArray

    def of(self, sha256: pa.Array) -> IntArray:
        """Return the place of each row's file; -1 where it has no hash.

        Args:
            sha256: Of each row's image bytes, N of them; null where there is none.
        """
        encoded = sha256.dictionary_encode()
        places = [self.place.get(name, -1) for name in encoded.dictionary.to_pylist()]
        indices = encoded.indices.fill_null(len(places)).to_numpy(zero_copy_only=False)
        found: IntArray = np.array([*places, -1], dtype=np.int64)[indices]
        return found


def hash_pictures(
    run: Run, pictures: RunPictures, *, report: Report = lambda _done, _total: None
) -> PictureHashes:
    """Return the hashes of a run's pictures; those that are not kept yet are read and kept.

    Args:
        run: Opened.
        pictures: Its rows.
        report: Told how many pictures were read, and of how many.

    Returns:
        What could be read. A picture that is gone, or is another one now, has no hash.
    """
    names, hashes, kept = _read_kept(run.store)
    wanted = _first_rows(pictures, set(names))
    if len(wanted) == 0:
        return PictureHashes({name: at for at, name in enumerate(names)}, hashes, kept)
    num_kept = len(names)
    # One array for all: of a million thumbnails a second copy would be 3 GB more.
    thumbnails = np.empty((num_kept + len(wanted), SIDE, SIDE, 3), dtype=np.uint8)
    thumbnails[:num_kept] = kept
    del kept
    try:
        for name, thumbnail in _read_pictures(run, pictures, wanted, report):
            thumbnails[len(names)] = thumbnail
            names.append(name)
    finally:
        # What was read before an interruption need not be read again.
        thumbnails = thumbnails[: len(names)]
        hashes = np.concatenate([hashes, perceptual_hashes(thumbnails[num_kept:])])
        if len(names) > num_kept:
            _keep(run.store, names, hashes, thumbnails)
    return PictureHashes({name: at for at, name in enumerate(names)}, hashes, thumbnails)


def _first_rows(pictures: RunPictures, known: set[str]) -> IntArray:
    """Return the first row of every different file that has no hash yet, in order."""
    wanted: list[int] = []
    seen = set(known)
    for row, name in enumerate(pictures.sha256.to_pylist()):
        if name is not None and name not in seen:
            seen.add(name)
            wanted.append(row)
    return np.array(wanted, dtype=np.int64)


def _read_pictures(
    run: Run, pictures: RunPictures, wanted: IntArray, report: Report
) -> Iterator[tuple[str, PixelArray]]:
    done = 0
    with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="thumbnail") as pool:
        for item in run.info["inputs"]:
            here = wanted[pictures.files[wanted] == item["ordinal"]]
            with closing(_Reader(run, Path(item["path"]))) as reader:
                expected = iter(pictures.sha256.take(pa.array(here)).to_pylist())
                for batch in reader.batches(pictures.rows[here].tolist()):
                    for name, thumbnail in pool.map(reader.read, batch):
                        done += 1
                        # A file that is another one now is not the picture that was scored.
                        if name == next(expected) and thumbnail is not None:
                            yield name, thumbnail
                    report(done, len(wanted))


class _Reader:
    """Reads the pictures of one input file."""

    def __init__(self, run: Run, path: Path) -> None:
        plain = run.info["config"]
        self._columns = run.info["image_column"], run.info["caption_column"]
        self._table = open_table(path, run.table_config)
        self._config = rebuild_config(ImageConfig, plain["image"])
        root = run.table_config.image_root or path.parent
        self._sources = Sources(
            Path(root), self._config, rebuild_config(SourceConfig, plain.get("source", {}))
        )

    def batches(self, rows: Sequence[int]) -> Iterator[list[tuple[bytes | None, bytes | None]]]:
        """Yield references and contents of some rows, ascending."""
        image, caption = self._columns
        for batch in self._table.read_batches(
            image_column=image, caption_column=caption, batch_rows=_BATCH_ROWS, rows=rows
        ):
            references = batch.pairs.column("reference").to_pylist()
            contents = batch.pairs.column("content").to_pylist()
            yield list(zip(references, contents, strict=True))

    def read(self, cells: tuple[bytes | None, bytes | None]) -> tuple[str, PixelArray | None]:
        """Return the sha256 and the thumbnail of one picture; None where it cannot be read."""
        reference, content = cells
        try:
            data = content if content is not None else self._sources.read(reference or b"")
            rgb = decode_image(data, self._config, target=DECODE_SIDE).rgb
            return hashlib.sha256(data).hexdigest(), make_thumbnail(rgb)
        except ImageError:
            return "", None

    def close(self) -> None:
        self._sources.close()


def _read_kept(store: RunStore) -> tuple[list[str], HashArray, PixelArray]:
    if not store.exists(HASHES):
        nothing = np.zeros((0, SIDE, SIDE, 3), dtype=np.uint8)
        return [], np.zeros(0, dtype=np.uint64), nothing
    names: list[str] = []
    hashes: list[HashArray] = []
    with pq.ParquetFile(store.readable(HASHES)) as file:
        thumbnails = np.empty((file.metadata.num_rows, SIDE, SIDE, 3), dtype=np.uint8)
        for batch in file.iter_batches(ROW_GROUP_ROWS):
            pixels = np.frombuffer(b"".join(batch.column(2).to_pylist()), dtype=np.uint8)
            part = slice(len(names), len(names) + batch.num_rows)
            thumbnails[part] = pixels.reshape(-1, SIDE, SIDE, 3)
            names += batch.column(0).to_pylist()
            hashes.append(batch.column(1).to_numpy())
    return names, np.concatenate([np.zeros(0, dtype=np.uint64), *hashes]), thumbnails


def _keep(store: RunStore, names: Sequence[str], hashes: HashArray, thumbnails: PixelArray) -> None:
    with (
        store.writing(HASHES) as file,
        pq.ParquetWriter(file, _SCHEMA, compression="zstd") as writer,
    ):
        for begin in range(0, len(names), ROW_GROUP_ROWS):
            part = slice(begin, begin + ROW_GROUP_ROWS)
            pixels = pa.array([picture.tobytes() for picture in thumbnails[part]], _SCHEMA[2].type)
            writer.write_batch(
                pa.record_batch([pa.array(names[part]), pa.array(hashes[part]), pixels], _SCHEMA)
            )
