"""Wrong pairs and duplicates of a run: searched, and kept in the run folder."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from pairsift import schema
from pairsift.curation.duplicates import Announce, Duplicates, group_duplicates, kept_with_captions
from pairsift.curation.embedded import IntArray
from pairsift.curation.hashes import SIDE, HashArray
from pairsift.curation.kept import DUPLICATES, MISMATCHES, NUM_HASHED, SEED, keep_findings
from pairsift.curation.mismatches import Mismatches, find_mismatches
from pairsift.curation.run_pairs import (
    RunPictures,
    read_captions,
    read_image_embeddings,
    read_pairs,
    read_pictures,
)
from pairsift.curation.scored_tables import lacks, why_unknown
from pairsift.curation.thumbnails import Report, hash_pictures
from pairsift.errors import UsageError
from pairsift.protocols import PixelArray
from pairsift.runs import Run


@dataclass(frozen=True)
class RunDuplicates:
    """The groups of a run.

    Args:
        pictures: The rows.
        duplicates: Their groups.
        num_hashed: Rows whose picture could be compared by its looks; the others by bytes only.
        captions: For each kept row all captions of its group; empty unless asked for.
    """

    pictures: RunPictures
    duplicates: Duplicates
    num_hashed: int
    captions: list[list[str]] = field(default_factory=list)

    def to_arrow(self) -> pa.Table:
        """Return one line a row that is in a group, groups in order, the kept row first."""
        found = self.duplicates
        members = np.flatnonzero(found.group >= 0)
        order = members[np.lexsort((members, ~found.kept[members], found.group[members]))]
        columns: dict[str, pa.Array] = {
            "group": pa.array(found.group[order], pa.int64()),
            "file": pa.array(self.pictures.files[order], pa.int32()),
            "row": pa.array(self.pictures.rows[order], pa.int64()),
            "kind": pa.array([found.kind[place] for place in order], pa.string()),
            "kept": pa.array(found.kept[order]),
            "similarity": pa.array(self.pictures.scores[order], pa.float32(), from_pandas=True),
            "image_sha256": self.pictures.sha256.take(pa.array(order)),
        }
        if self.captions:
            texts = [self.captions[place] or None for place in order]
            columns["captions"] = pa.array(texts, pa.list_(pa.string()))
        return pa.table(columns)


def search_mismatches(run: Run, *, seed: int = 0) -> Mismatches:
    """Find the wrong pairs of a run and keep them in ``derived/mismatches.parquet``.

    Args:
        run: Opened.
        seed: Of all that is drawn.
    """
    captions = read_captions(run)
    found = find_mismatches(read_pairs(run, captions), captions=captions, seed=seed)
    keep_findings(run, MISMATCHES, found.to_arrow(), {SEED: str(seed)})
    return found


def search_duplicates(
    run: Run,
    *,
    exact_only: bool = False,
    all_captions: bool = False,
    report: Report = lambda _done, _total: None,
    announce: Announce = lambda _words: None,
) -> RunDuplicates:
    """Find the pictures that a run has more than once; keep them in ``derived/duplicates.parquet``.

    Args:
        run: Opened.
        exact_only: Compare bytes only: no picture is read again.
        all_captions: Collect the captions of each group for the row that is kept.
        report: Told how many pictures were read, and of how many.
        announce: Told in words what begins after that.

    Raises:
        UsageError: It is not known which pictures were scored.
    """
    if lacks(run, schema.IMAGE_SHA256):
        why = why_unknown(run, schema.IMAGE_SHA256)
        message = f"copies are told by image_sha256, which is not known: {why}"
        raise UsageError(message)
    pictures = read_pictures(run)
    num_hashed = 0
    if exact_only:
        duplicates = group_duplicates(pictures.sha256, pictures.scores)
    else:
        kept = hash_pictures(run, pictures, report=report)
        places = kept.of(pictures.sha256)
        num_hashed = int(np.count_nonzero(places >= 0))
        duplicates = group_duplicates(
            pictures.sha256,
            pictures.scores,
            hashes=_of_rows(kept.hashes, places),
            thumbnails=_RowThumbnails(kept.thumbnails, places),
            images=read_image_embeddings(run, pictures),
            comparable=places >= 0,
            announce=announce,
        )
    captions = []
    if all_captions:
        texts = {(file, row): text for file, row, text in read_captions(run)}
        keys = zip(pictures.files.tolist(), pictures.rows.tolist(), strict=True)
        captions = kept_with_captions(duplicates, [texts.get(key, "") for key in keys])
    found = RunDuplicates(pictures, duplicates, num_hashed, captions)
    # Where no picture was compared by its looks, copies that only look the same are not in it.
    facts = {} if exact_only else {NUM_HASHED: str(num_hashed)}
    keep_findings(run, DUPLICATES, found.to_arrow(), facts)
    return found


@dataclass(frozen=True)
class _RowThumbnails:
    """Thumbnails by row, where they are kept by file."""

    thumbnails: PixelArray
    places: IntArray

    def __getitem__(self, rows: IntArray, /) -> PixelArray:
        if len(self.thumbnails) == 0:
            return np.zeros((len(rows), SIDE, SIDE, 3), dtype=np.uint8)
        return self.thumbnails[self.places[rows]]


def _of_rows(hashes: HashArray, places: IntArray) -> HashArray:
    found = np.zeros(len(places), dtype=np.uint64)
    found[places >= 0] = hashes[places[places >= 0]]
    return found
