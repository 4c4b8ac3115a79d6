"""One scoring job: its table, its scorer, the names it adds, and its summary."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from pairsift import __version__
from pairsift.config import ScoreConfig
from pairsift.engines.opening import InputTable
from pairsift.engines.reading import PairColumns
from pairsift.histograms import Histogram
from pairsift.job import JobSummary
from pairsift.protocols import TableFormat
from pairsift.scoring import PairScorer
from pairsift.tables.columns import added_names

COUNT_UP_TO_BYTES = 1 << 30
"""Text tables larger than this are not scanned beforehand only to show the remaining time."""


class Job:
    """What both ways of scoring need to know.

    Args:
        config: Every option.
        scorer: Built.
        table: The input.
        table_format: Of the input and of the output.
        output_path: Where the enriched table goes; None for standard output.
        columns: Names of the image and the caption column.

    Raises:
        ColumnError: The table has a column of an added name already.
    """

    def __init__(
        self,
        config: ScoreConfig,
        scorer: PairScorer,
        *,
        table: InputTable,
        table_format: TableFormat,
        output_path: Path | None,
        columns: tuple[str, str],
    ) -> None:
        self.config = config
        self.scorer = scorer
        self.table = table
        self.table_format = table_format
        self.output_path = output_path
        names = added_names(
            table.reader.column_names, scorer.output_schema.names, config.output.column_prefix
        )
        fields = zip(scorer.output_schema, names, strict=True)
        self.added_schema = pa.schema([field.with_name(name) for field, name in fields])
        self.columns = PairColumns(*columns, scorer.batch_rows)
        measure = scorer.measure
        self.similarity_range = (-1.0, 1.0) if measure.is_distance else measure.range
        self.summary = JobSummary(
            input=str(table.path),
            output=None if output_path is None else str(output_path),
            image_column=columns[0],
            caption_column=columns[1],
            added_columns=tuple(names),
            measure=measure.name,
            provenance=scorer.encoder.provenance,
            similarities=Histogram(*self.similarity_range),
            setup_seconds=0.0,
        )

    @property
    def rows_total(self) -> int | None:
        """Rows of the job, or None where counting them would take too long."""
        if self.table.wanted is not None:
            return len(self.table.wanted)
        is_text = self.table.path.suffix != ".parquet"
        if is_text and self.table.path.stat().st_size > COUNT_UP_TO_BYTES:
            return None
        return self.table.reader.count_rows()

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
        likeness = self.scorer.decoding.likeness
        words = None if likeness is None else likeness.warning(summary.provenance.model)
        if words:
            summary.warnings.append(words)
        return summary
