"""Score Arrow batches in a Python worker of Spark: what ``mapInArrow`` calls.

Spark decides where it runs, and runs a partition again when its worker was lost.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from pairsift.config import ScoreConfig
from pairsift.engines.working import Build
from pairsift.scorers import Scorer
from pairsift.tables.pairs import pairs_from_arrow

_SCORERS: "dict[tuple[ScoreConfig, str], Scorer]" = {}
"""Of this process: Spark calls for every partition, and the model is loaded once."""


@dataclass(frozen=True)
class BatchScorer:
    """Adds the score columns to batches; picklable.

    Args:
        build: Makes the scorer, in the worker.
        config: Every option, with the precision that binds all workers.
        root: Folder that references start from.
        columns: Names of the image and the caption column.
        added: Names of the added columns.
    """

    build: Build
    config: ScoreConfig
    root: str
    columns: tuple[str, str]
    added: tuple[str, ...]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield every row with its scores, in order; large batches come out as several."""
        scorer = self._scorer()
        waiting: deque[pa.RecordBatch] = deque()

        def pairs() -> Iterator[pa.RecordBatch]:
            for batch in batches:
                for begin in range(0, batch.num_rows, scorer.batch_rows):
                    part = batch.slice(begin, scorer.batch_rows)
                    waiting.append(part)
                    yield pairs_from_arrow(part, *self.columns)

        for scored in scorer.stream(pairs()):
            rows = waiting.popleft()
            yield pa.RecordBatch.from_arrays(
                [*rows.columns, *scored.columns], names=[*rows.schema.names, *self.added]
            )

    def _scorer(self) -> Scorer:
        key = self.config, self.root
        if key not in _SCORERS:
            _SCORERS[key] = self.build(self.config, Path(self.root))
        return _SCORERS[key]
