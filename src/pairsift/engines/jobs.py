"""One scoring job: its table, its scorer, the names it adds, and its summary."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from pairsift import __version__
from pairsift.config import ScoreConfig
from pairsift.engines.opening import InputTable
from pairsift.engines.reading import PairColumns
from pairsift.histograms import Histogram
from pairsift.job import JobSummary
from pairsift.scorers import Scorer
from pairsift.tables.columns import added_names
from pairsift.tables.staging import shown

Output = tuple[Path | None, tuple[int, ...]]
"""A table that is written (None: standard output), and the ordinals of its inputs."""

COUNT_UP_TO_BYTES = 1 << 30
"""Text tables larger than this are not scanned beforehand only to show the remaining time."""


COUNTED = (".parquet", ".npy", ".npz")
"""Formats whose headers say how many rows there are."""


class Job:
    """What both ways of scoring need to know.

    Args:
        config: Every option.
        scorer: Built.
        tables: The inputs, in order.
        outputs: Where the rows of which tables go, by ordinal.
        columns: Names of the image and the caption column.
        names: Input and output as the user gave them.

    Raises:
        ColumnError: A table has a column of an added name already.
    """

    def __init__(
        self,
        config: ScoreConfig,
        scorer: Scorer,
        *,
        tables: Sequence[InputTable],
        outputs: Sequence[Output],
        columns: tuple[str, str],
        names: tuple[str, str | None],
    ) -> None:
        self.config = config
        self.scorer = scorer
        self.tables = tables
        self.outputs = outputs
        for table in tables:
            added = added_names(
                table.reader.column_names, scorer.output_schema.names, config.output.column_prefix
            )
        fields = zip(scorer.output_schema, added, strict=True)
        self.added_schema = pa.schema([field.with_name(name) for field, name in fields])
        self.columns = PairColumns(*columns, scorer.batch_rows)
        measure = scorer.measure
        self.similarity_range = (-1.0, 1.0) if measure.is_distance else measure.range
        self.summary = JobSummary(
            input=names[0],
            output=names[1],
            image_column=columns[0],
            caption_column=columns[1],
            added_columns=tuple(added),
            measure=measure.name,
            provenance=scorer.encoder.provenance,
            similarities=Histogram(*self.similarity_range),
            setup_seconds=0.0,
        )

    @property
    def is_folder(self) -> bool:
        """Whether each input has an output of its own in one folder."""
        return any(shown(path) != self.summary.output for path, _ in self.outputs if path)

    def count_rows(self) -> list[int] | None:
        """Return the rows of each table, or None where counting them would take too long."""
        text = [t.path for t in self.tables if t.wanted is None and t.path.suffix not in COUNTED]
        if sum(path.stat().st_size for path in text) > COUNT_UP_TO_BYTES:
            return None
        return [
            table.reader.count_rows() if table.wanted is None else len(table.wanted)
            for table in self.tables
        ]

    def metadata(self, provenance: Mapping[str, Any]) -> dict[str, str]:
        """Return what goes into the table's own metadata."""
        facts = {"pairsift": __version__, "measure": self.scorer.measure.name, **provenance}
        return {key: str(value) for key, value in facts.items() if value is not None}

    def close_summary(self, seconds: float) -> JobSummary:
        """Fill in what only the end knows."""
        summary, clock = self.summary, self.scorer.clock
        summary.seconds = seconds
        summary.stage_seconds = dict(clock.seconds)
        summary.limiting_stage = clock.limiting()
        summary.warnings += self.scorer.warnings
        return summary
