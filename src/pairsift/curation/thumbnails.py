"""Thumbnails and hashes of a run's pictures: each different file is read once and kept.

They lie in ``derived/hashes.parquet`` of the run folder, one line a different file, and are made
only for what is not there yet.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Final

import numpy as np
import pyarrow as pa

from pairsift.config import ImageConfig
from pairsift.curation.embedded import IntArray
from pairsift.curation.hash_file import PictureHashes, keep_hashes, read_hashes
from pairsift.curation.hashes import SIDE, make_thumbnail, perceptual_hashes
from pairsift.curation.pixels import MEASURES, measure_pixels
from pairsift.curation.run_pairs import RunPictures
from pairsift.errors import ImageError
from pairsift.images import decode_image
from pairsift.protocols import FloatArray, PixelArray
from pairsift.runs import Run
from pairsift.runs.inputs import configured

DECODE_SIDE: Final = 4 * SIDE
"""Large JPEGs are decoded at no less than twice this: the thumbnail is then the same to a level."""

_BATCH_ROWS: Final = 256

Report = Callable[[int, int], None]


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
    kept = read_hashes(run.store)
    wanted = _first_rows(pictures, set(kept.names))
    if len(wanted) == 0:
        return kept
    names, num_kept = list(kept.names), len(kept.names)
    pixels = np.empty((num_kept + len(wanted), len(MEASURES)), dtype=np.float32)
    pixels[:num_kept] = kept.pixels
    # One array for all: of a million thumbnails a second copy would be 3 GB more.
    thumbnails = np.empty((num_kept + len(wanted), SIDE, SIDE, 3), dtype=np.uint8)
    thumbnails[:num_kept] = kept.thumbnails
    hashes = kept.hashes
    del kept
    try:
        for name, thumbnail, measures in _read_pictures(run, pictures, wanted, report):
            thumbnails[len(names)], pixels[len(names)] = thumbnail, measures
            names.append(name)
    finally:
        # What was read before an interruption need not be read again.
        thumbnails, pixels = thumbnails[: len(names)], pixels[: len(names)]
        hashes = np.concatenate([hashes, perceptual_hashes(thumbnails[num_kept:])])
        found = PictureHashes(tuple(names), hashes, thumbnails, pixels)
        if len(names) > num_kept:
            keep_hashes(run.store, found)
    return found


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
) -> Iterator[tuple[str, PixelArray, FloatArray]]:
    done = 0
    with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="thumbnail") as pool:
        for item in run.info["inputs"]:
            here = wanted[pictures.files[wanted] == item["ordinal"]]
            with closing(_Reader(run, item["ordinal"])) as reader:
                expected = iter(pictures.sha256.take(pa.array(here)).to_pylist())
                for batch in reader.batches(pictures.rows[here].tolist()):
                    for name, looks in pool.map(reader.read, batch):
                        done += 1
                        # A file that is another one now is not the picture that was scored.
                        if name == next(expected) and looks is not None:
                            yield name, *looks
                    report(done, len(wanted))


class _Reader:
    """Reads the pictures of one input file."""

    def __init__(self, run: Run, ordinal: int) -> None:
        self._columns = run.info["image_column"], run.info["caption_column"]
        self._table = run.open_input(ordinal)
        self._config = configured(ImageConfig, run.info["config"]["image"])
        self._sources = run.open_sources(ordinal)

    def batches(self, rows: Sequence[int]) -> Iterator[list[tuple[bytes | None, bytes | None]]]:
        """Yield references and contents of some rows, ascending."""
        image, caption = self._columns
        for batch in self._table.read_batches(
            image_column=image, caption_column=caption, batch_rows=_BATCH_ROWS, rows=rows
        ):
            references = batch.pairs.column("reference").to_pylist()
            contents = batch.pairs.column("content").to_pylist()
            yield list(zip(references, contents, strict=True))

    def read(
        self, cells: tuple[bytes | None, bytes | None]
    ) -> tuple[str, tuple[PixelArray, FloatArray] | None]:
        """Return a picture's sha256, and its thumbnail and pixels; None where it cannot be read."""
        reference, content = cells
        try:
            data = content if content is not None else self._sources.read(reference or b"")
            rgb = decode_image(data, self._config, target=DECODE_SIDE).rgb
            thumbnail = make_thumbnail(rgb)
            looks = thumbnail, measure_pixels(rgb, thumbnail)
            return hashlib.sha256(data).hexdigest(), looks
        except ImageError:
            return "", None

    def close(self) -> None:
        self._sources.close()
