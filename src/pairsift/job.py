"""What a job reports: progress while it runs, a summary at the end."""

from dataclasses import asdict, dataclass, field
from typing import Any

from pairsift.histograms import Histogram
from pairsift.protocols import Provenance
from pairsift.runs.commits import Work
from pairsift.statuses import RowStatus

QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)


@dataclass(frozen=True)
class Progress:
    """How far a job is.

    Args:
        rows_done: Rows scored or failed so far.
        rows_total: Rows of the job, or None while nobody has counted them.
        rows_failed: Rows with a status other than ok.
        seconds: Since scoring began.
        rows_before: Rows among ``rows_done`` that were finished before that.
    """

    rows_done: int
    rows_total: int | None
    rows_failed: int
    seconds: float
    rows_before: int = 0


@dataclass
class JobSummary:
    """What a job did.

    Args:
        counts: Rows by status.
        examples: The first failed row of each status: its ordinal and its reason.
        similarities: Distribution of the ``similarity`` column.
        seconds: Wall clock from the first batch to the written output, of this session.
        setup_seconds: Wall clock of finding the model and building the encoder.
        stage_seconds: Seconds that the scoring thread spent by stage.
        limiting_stage: The stage that took most of it.
        input: The table that was read.
        output: The table that was written, or None for standard output.
        image_column: The user's column that held the image.
        caption_column: The user's column that held the caption.
        added_columns: Names as written, prefix included.
        measure: Name of the measure.
        work: What the rows took: distinct and encoded images and captions.
        num_shards: Finished shards of the run; 0 without a run folder.
        resumed_shards: Those that were finished before this session.
        resumed_rows: Rows of those.
        run: The run folder, or None without one.
        note: What became of the command where it was not simply carried out.
        provenance: What ran.
        warnings: What the user should know before trusting the numbers.
    """

    input: str
    output: str | None
    image_column: str
    caption_column: str
    added_columns: tuple[str, ...]
    measure: str
    provenance: Provenance
    similarities: Histogram
    setup_seconds: float
    counts: dict[RowStatus, int] = field(default_factory=dict)
    examples: dict[RowStatus, tuple[int, str]] = field(default_factory=dict)
    seconds: float = 0.0
    stage_seconds: dict[str, float] = field(default_factory=dict)
    limiting_stage: str | None = None
    work: Work = field(default_factory=Work)
    num_shards: int = 0
    resumed_shards: int = 0
    resumed_rows: int = 0
    run: str | None = None
    note: str | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def num_rows(self) -> int:
        """Rows in, which is rows out."""
        return sum(self.counts.values())

    @property
    def num_failed(self) -> int:
        """Rows without a similarity."""
        return self.num_rows - self.counts.get(RowStatus.OK, 0)

    @property
    def truncated_captions(self) -> int:
        """Captions that were cut to the model's context length."""
        return self.work.truncated_captions

    @property
    def session_rows(self) -> int:
        """Rows that this session scored."""
        return self.num_rows - self.resumed_rows

    @property
    def pairs_per_second(self) -> float:
        """Rows of this session over its wall clock, the model's start not counted."""
        return self.session_rows / self.seconds if self.seconds > 0 else 0.0

    def quantiles(self) -> dict[float, float]:
        """Return the quantiles of ``QUANTILES``; NaN where nothing was scored."""
        values = self.similarities.quantiles(list(QUANTILES))
        return dict(zip(QUANTILES, values, strict=True))

    def to_json(self) -> dict[str, Any]:
        """Return the summary as plain data, as it stands in ``summary.json``."""
        scored = self.counts.get(RowStatus.OK, 0) > 0
        return {
            "input": self.input,
            "output": self.output,
            "image_column": self.image_column,
            "caption_column": self.caption_column,
            "added_columns": list(self.added_columns),
            "measure": self.measure,
            "provenance": asdict(self.provenance),
            "rows": self.num_rows,
            "failed": self.num_failed,
            "counts": {str(status): count for status, count in sorted(self.counts.items())},
            "examples": {status: list(found) for status, found in self.examples.items()},
            "truncated_captions": self.truncated_captions,
            "work": vars(self.work),
            "shards": self.num_shards,
            "resumed_shards": self.resumed_shards,
            "resumed_rows": self.resumed_rows,
            "pairs_per_second": round(self.pairs_per_second, 2),
            "quantiles": {str(q): v for q, v in self.quantiles().items()} if scored else {},
            "seconds": round(self.seconds, 3),
            "setup_seconds": round(self.setup_seconds, 3),
            "stage_seconds": {k: round(v, 3) for k, v in self.stage_seconds.items()},
            "limiting_stage": self.limiting_stage,
            "warnings": self.warnings,
        }
