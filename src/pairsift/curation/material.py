"""What the rules of a recipe look at, read from a run once, and only if a rule asks."""

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pairsift import schema
from pairsift.curation.audit import Dimension
from pairsift.curation.caption_shapes import shape_of
from pairsift.curation.categories import label_pictures
from pairsift.curation.copies import exact_groups
from pairsift.curation.declared import DuplicateRule
from pairsift.curation.kept import DUPLICATES, MISMATCHES, NUM_HASHED, SEED, read_findings
from pairsift.curation.looking import read_pixel_masks
from pairsift.curation.rows import (
    FILE,
    ROW,
    ScoredRows,
    as_text,
    own_columns,
    read_labels,
    read_rows,
)
from pairsift.curation.scales import RunContrast, Scales, contrast_run, scale_run
from pairsift.curation.searching import search_duplicates, search_mismatches
from pairsift.errors import JobError, UsageError
from pairsift.protocols import TableReader
from pairsift.runs import Run

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

CHANGED = "the input has other rows than were scored (hint: score it again with --overwrite)"

_NO_EMBEDDINGS = (
    "wrong pairs are found by the embeddings of all rows, which the run did not keep "
    "(hint: score with --embeddings all, or drop only url, file name, number or id)"
)
_NO_TEXT = pa.chunked_array([], pa.large_string())


class Material:
    """A run as the rules see it: arrays with one entry a row, each made when it is asked for.

    Args:
        run: The run.
        seed: Of all that is drawn.
    """

    def __init__(self, run: Run, *, seed: int) -> None:
        self.run = run
        self.seed = seed
        self._labels: dict[str, Dimension] = {}

    @cached_property
    def rows(self) -> ScoredRows:
        """The score columns."""
        return read_rows(self.run)

    @cached_property
    def scales(self) -> Scales:
        """The calibrated columns."""
        return scale_run(self.run, self.rows, seed=self.seed)

    @cached_property
    def contrast(self) -> RunContrast:
        """Negative CLIP losses."""
        return contrast_run(self.run, self.rows, seed=self.seed)

    @cached_property
    def captions(self) -> pa.ChunkedArray:
        """Every row's caption as text, null where there is none."""
        column = self.run.info["caption_column"]
        parts = [
            as_text(batch.column(column), column)
            for _, batch in own_columns(self.run, self.rows, [column])
        ]
        captions = pa.chunked_array(parts, pa.large_string()) if parts else _NO_TEXT
        if len(captions) != len(self.rows):
            raise JobError(CHANGED)
        return captions

    @cached_property
    def image_sha256(self) -> pa.ChunkedArray:
        """Digest of every row's picture, null where it was not read."""
        return self._score_column(schema.IMAGE_SHA256)

    @cached_property
    def image_formats(self) -> pa.ChunkedArray:
        """Format of every row's picture, null where it was not read."""
        return self._score_column(schema.IMAGE_FORMAT)

    @cached_property
    def statuses(self) -> pa.ChunkedArray:
        """Every row's status."""
        return self._score_column(schema.STATUS)

    @cached_property
    def shapes(self) -> list[str | None]:
        """What each caption is instead of a caption."""
        return [None if text is None else shape_of(text) for text in self._each_caption()]

    @cached_property
    def exact_copies(self) -> IntArray:
        """Group of each row whose picture's bytes stand in other rows as well, else -1."""
        return exact_groups(self.image_sha256)

    @cached_property
    def near_copies(self) -> IntArray:
        """Group of each row whose picture looks like another's.

        As ``pairsift duplicates`` found them; where it has not been run all pictures are read.
        """
        kept = read_findings(self.run, DUPLICATES)
        if kept is None or not kept.is_current or NUM_HASHED not in kept.facts:
            return search_duplicates(self.run).duplicates.group
        groups = np.full(len(self.rows), -1, dtype=np.int64)
        groups[self._places_of(kept.table)] = kept.table.column("group").to_numpy()
        return groups

    @cached_property
    def pixel_signs(self) -> dict[str, BoolArray]:
        """Which rows' pictures are blank, dark or blurred, for which all are read once."""
        return read_pixel_masks(self.run, len(self.rows))

    @cached_property
    def findings(self) -> dict[str, BoolArray]:
        """Wrong pairs by kind, as far as they are found by embeddings."""
        found = {
            kind: np.zeros(len(self.rows), dtype=bool)
            for kind in ("swap", "shift", "boilerplate", "suspect")
        }
        if self.run.info["embeddings"] != "all":
            raise UsageError(_NO_EMBEDDINGS)
        lines = self._mismatches()
        for kind, mask in found.items():
            mask[self._places_of(lines.filter(pc.equal(lines.column("kind"), kind)))] = True
        return found

    def _mismatches(self) -> pa.Table:
        """Return what ``pairsift mismatches`` found, or search."""
        kept = read_findings(self.run, MISMATCHES)
        if kept is not None and kept.is_current and kept.facts.get(SEED) == str(self.seed):
            return kept.table
        searched = search_mismatches(self.run, seed=self.seed)
        if len(searched.pairs) == 0 and self.rows.scored.any():
            raise UsageError(_NO_EMBEDDINGS)
        return searched.to_arrow()

    @cached_property
    def reader(self) -> TableReader:
        """Of the first input: it knows the columns."""
        return self.run.open_input(0)

    def copies(self, rule: DuplicateRule) -> IntArray:
        """Return the group of each row by what a rule takes for copies; -1 where it is in none."""
        return self.near_copies if "near" in rule.by else self.exact_copies

    def labels(self, column: str) -> Dimension:
        """Return the groups of a column of the user's own."""
        if column not in self._labels:
            self._labels[column] = read_labels(self.run, self.rows, column)
        return self._labels[column]

    def pictures(self, categories: Sequence[str]) -> Dimension:
        """Return what each picture shows, by the model that scored it."""
        return label_pictures(self.run, self.rows, categories)

    def _each_caption(self) -> Iterator[str | None]:
        for chunk in self.captions.chunks:
            yield from chunk.to_pylist()

    def _score_column(self, name: str) -> pa.ChunkedArray:
        parts = [batch.column(name) for batch in self.run.iter_scores([name])]
        return pa.chunked_array(parts, pa.string())

    def _places_of(self, lines: pa.Table) -> IntArray:
        """Return where the rows of findings stand; a block may span rows that are not there."""
        files, rows = lines.column(FILE).to_numpy(), lines.column(ROW).to_numpy()
        places = self.rows.places(files, rows)
        places = np.minimum(places, len(self.rows) - 1)
        is_there = (self.rows.files[places] == files) & (self.rows.rows[places] == rows)
        found: IntArray = places[is_there]
        return found
