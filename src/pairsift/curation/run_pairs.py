"""What the searches for wrong pairs and duplicates need of a run, as arrays."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pairsift import schema
from pairsift.curation.embedded import EmbeddedPairs, Halves, IntArray
from pairsift.curation.rows import FILE, ROW, as_text
from pairsift.protocols import FloatArray
from pairsift.runs import Run


@dataclass(frozen=True)
class RunPictures:
    """The rows of a run with what is known of their pictures.

    Args:
        files: Ordinal of the input file of each row, shape (N,), int64.
        rows: Ordinal of the row in its file, shape (N,), int64.
        scores: Cosine of the pair, NaN where there is none, shape (N,), float64.
        sha256: Of the image's bytes; null where it could not be read, N of them.
    """

    files: IntArray
    rows: IntArray
    scores: NDArray[np.float64]
    sha256: pa.Array

    def __len__(self) -> int:
        return len(self.rows)


def read_captions(run: Run) -> list[tuple[int, int, str]]:
    """Return file, row and caption of every row that has one, in order."""
    column = run.info["caption_column"]
    found: list[tuple[int, int, str]] = []
    for batch in run.table([column]):
        texts = as_text(batch.column(column), column).to_pylist()
        files, rows = batch.column(FILE).to_pylist(), batch.column(ROW).to_pylist()
        found += [
            (file, row, text)
            for file, row, text in zip(files, rows, texts, strict=True)
            if text is not None
        ]
    return found


def read_pairs(run: Run, captions: list[tuple[int, int, str]]) -> EmbeddedPairs:
    """Read the embeddings of a run into memory.

    Args:
        run: Opened.
        captions: As ``read_captions`` gives them.

    Returns:
        The pairs that have both embeddings, in order; none where none were kept.
    """
    held = _Held(sum(run.counts.values()))
    for shard in run.embeddings():
        held.add(int(shard.file), shard.rows, shard.images, shard.captions)
    texts = {(file, row): text for file, row, text in captions}
    keys = zip(held.files.tolist(), held.rows.tolist(), strict=True)
    return EmbeddedPairs(
        files=held.files,
        rows=held.rows,
        images=Halves(held.images),
        captions=Halves(held.captions),
        texts=tuple(texts.get(key, "") for key in keys),
    )


class _Held:
    """Embeddings put behind each other without a second copy of what is there.

    Args:
        most: Rows that may come.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._parts: list[tuple[int, IntArray]] = []
        self._num = 0
        self._arrays = [np.zeros((0, 1), dtype=np.float16)] * 2

    def add(self, file: int, rows: IntArray, images: FloatArray, captions: FloatArray) -> None:
        """Append a shard's rows."""
        if not self._num:
            # The system gives the pages when they are written.
            self._arrays = [np.empty((self._most, images.shape[1]), np.float16) for _ in range(2)]
        for array, part in zip(self._arrays, (images, captions), strict=True):
            array[self._num : self._num + len(rows)] = part
        self._parts.append((file, rows))
        self._num += len(rows)

    @property
    def images(self) -> NDArray[np.float16]:
        """Of the rows that came, shape (N, D)."""
        return self._arrays[0][: self._num]

    @property
    def captions(self) -> NDArray[np.float16]:
        """Likewise."""
        return self._arrays[1][: self._num]

    @property
    def files(self) -> IntArray:
        """Of the rows, shape (N,)."""
        parts = [np.full(len(rows), file, dtype=np.int64) for file, rows in self._parts]
        return np.concatenate([np.zeros(0, dtype=np.int64), *parts])

    @property
    def rows(self) -> IntArray:
        """Ordinals in their files, shape (N,)."""
        return np.concatenate([np.zeros(0, dtype=np.int64), *(rows for _, rows in self._parts)])


def read_pictures(run: Run) -> RunPictures:
    """Read which picture each row of a run has."""
    is_there = run.info["is_distance"] or run.info["measure"] == "cosine"
    score = schema.SIMILARITY if is_there else schema.COSINE
    names = [FILE, ROW, score, schema.IMAGE_SHA256]
    batches = list(run.iter_scores(names))
    if not batches:
        none = np.zeros(0, dtype=np.int64)
        return RunPictures(none, none, np.zeros(0), pa.array([], pa.string()))
    table = pa.Table.from_batches([batch.select(names) for batch in batches]).combine_chunks()
    scores = pc.cast(table.column(score), pa.float64())
    sha256 = table.column(schema.IMAGE_SHA256).combine_chunks()
    return RunPictures(
        files=np.asarray(table.column(FILE), dtype=np.int64),
        rows=np.asarray(table.column(ROW), dtype=np.int64),
        scores=np.asarray(pc.fill_null(scores, float("nan")), dtype=np.float64),
        sha256=pa.concat_arrays(sha256.chunks) if isinstance(sha256, pa.ChunkedArray) else sha256,
    )


def read_image_embeddings(run: Run, pictures: RunPictures) -> Halves | None:
    """Return the image embedding of each row, zeros where there is none; None without any."""
    found: NDArray[np.float16] | None = None
    keys = (pictures.files << 40) + pictures.rows
    for shard in run.embeddings():
        if found is None:
            found = np.zeros((len(pictures), shard.images.shape[1]), dtype=np.float16)
        found[np.searchsorted(keys, (int(shard.file) << 40) + shard.rows)] = shard.images
    return None if found is None else Halves(found)
