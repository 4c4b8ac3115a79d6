"""The steady part of a sample: what the middle of a long run is like."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from pairsift.planning.figures import Chunk, Window
from pairsift.planning.rewriting import PieceContents
from pairsift.runs.commits import Commit, Work
from pairsift.scoring import PairScorer


@dataclass
class Marks:
    """Moments at which batches came out, with the stages so far."""

    scorer: PairScorer
    moments: list[tuple[int, float, dict[str, float]]] = field(default_factory=list)

    def add(self, rows: int) -> None:
        """Note that so many rows are out."""
        spent = dict(self.scorer.clock.seconds)
        self.moments.append((rows, time.perf_counter(), spent))


def steady_window(
    marks: Marks, commits: Sequence[Commit], contents: Sequence[PieceContents], *, begin: float
) -> tuple[tuple[Chunk, ...], Window]:
    """Return the stretches between the ends of pieces, without the first and the last.

    The first has nothing that it is decoded beside, and the last nothing that is decoded beside it.
    """
    ends = np.cumsum([commit.num_rows for commit in commits]).tolist()
    moments = {rows: (when, spent) for rows, when, spent in marks.moments}
    edges = [(0, begin, dict.fromkeys(marks.moments[-1][2], 0.0))]
    edges += [(rows, *moments[rows]) for rows in ends]
    first, last = (1, len(ends) - 1) if len(ends) > 2 else (len(ends) - 1, len(ends))
    kept = edges[first : last + 1]
    chunks = tuple(
        Chunk(after[0] - before[0], after[1] - before[1]) for before, after in pairwise(kept)
    )
    work = sum((commit.work for commit in commits[first:last]), Work())
    inside = contents[first:last]
    spent = {name: seconds - kept[0][2].get(name, 0.0) for name, seconds in kept[-1][2].items()}
    window = Window(
        num_rows=kept[-1][0] - kept[0][0],
        seconds=kept[-1][1] - kept[0][1],
        stage_seconds=spent,
        reads=sum(content.references for content in inside),
        captions=sum(content.captions for content in inside),
        encoded_images=work.encoded_images,
        encoded_captions=work.encoded_captions,
        reused_images=work.reused_images,
        reused_captions=work.reused_captions,
    )
    return chunks, window
