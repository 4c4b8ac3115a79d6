"""What is said about the whole set, for people and for machines."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pairsift.planning.advising import advise
from pairsift.planning.amounts import parse_amount
from pairsift.planning.estimating import (
    RowSeconds,
    RowWork,
    failed_share,
    row_seconds,
    row_work,
    run_seconds,
    start_seconds,
)
from pairsift.planning.figures import Measurement
from pairsift.planning.sketch import DistinctSketch
from pairsift.planning.space import disk_bytes, memory_bytes, read_bytes
from pairsift.planning.uncertainty import relative_error

FORMAT_VERSION = 1
EMBEDDINGS = ("all", "sample", "none")


@dataclass(frozen=True)
class Goal:
    """What is asked for.

    Args:
        pairs: Rows of the whole set as people write them; None for those of the table.
        machines: Equal to this one.
        gpus: In one machine that is otherwise like this one; 0 for none.
        gpu_rate: Pairs a second that one of them encodes; None for what was measured on one.
        price_per_hour: Of a machine, in any currency.
    """

    pairs: str | None = None
    machines: int = 1
    gpus: int = 0
    gpu_rate: float | None = None
    price_per_hour: float | None = None


@dataclass(frozen=True)
class Duration:
    """How long something takes, with its 95 % interval.

    Args:
        what: Where it runs, in words.
        seconds: Wall clock.
        low: Lower end.
        high: Upper end.
        machines: That are paid for.
        cost: Of them, or None without a price.
    """

    what: str
    seconds: float
    low: float
    high: float
    machines: int
    cost: float | None


@dataclass(frozen=True)
class Prediction:
    """What the whole set takes.

    Args:
        num_rows: Of the whole set.
        measurement: What it follows from.
        work: Of a row.
        row: Seconds of a row.
        relative_error: Half of the interval of the pace, as a share.
        durations: Here, and then on what else was asked for.
        limiting: The stage that sets the pace.
        memory_bytes: Of a worker.
        disk_bytes: Of the scores and the table, and of the embeddings by what is kept.
        embeddings: What the options keep of them.
        read_bytes: Of images.
        processors_for_gpus: That decode as quickly as the GPUs encode; None without GPUs.
        advice: What limits, and what would help, in sentences.
    """

    num_rows: int
    measurement: Measurement
    work: RowWork
    row: RowSeconds
    relative_error: float
    durations: tuple[Duration, ...]
    limiting: str
    memory_bytes: float
    disk_bytes: Mapping[str, float]
    embeddings: str
    read_bytes: float
    processors_for_gpus: float | None
    advice: tuple[str, ...]

    @property
    def here(self) -> Duration:
        """On this machine alone."""
        return self.durations[0]

    @property
    def total_disk_bytes(self) -> float:
        """Scores, table, and the embeddings that the options keep."""
        return sum(self.disk_bytes[name] for name in ("scores", "table", self.embeddings))

    def to_json(self) -> dict[str, Any]:
        """Return plain data; seconds, bytes and shares everywhere."""
        found = self.measurement
        columns = found.columns
        return {
            "format_version": FORMAT_VERSION,
            "table": found.table,
            "pairs": self.num_rows,
            "durations": [asdict(duration) for duration in self.durations],
            "relative_error": self.relative_error,
            "limiting": self.limiting,
            "pairs_per_second": 1.0 / self.row.pace if self.row.pace > 0 else None,
            "row_seconds": {
                **{name: getattr(self.row, name) for name in _ROW_SECONDS},
                "stages": dict(self.row.stages),
            },
            "row_work": asdict(self.work),
            "memory_bytes": self.memory_bytes,
            "disk_bytes": {**self.disk_bytes, "total": self.total_disk_bytes},
            "embeddings": self.embeddings,
            "read_bytes": self.read_bytes,
            "is_network": found.fetching is not None,
            "processors_for_gpus": self.processors_for_gpus,
            "failed_share": failed_share(found),
            "columns": {
                **asdict(columns),
                "relative_error": DistinctSketch.relative_error,
                "content_duplicates": None,
            },
            "sample": {
                "rows": found.sample_rows,
                "seconds": found.sample_seconds,
                "counts": {str(status): count for status, count in sorted(found.counts.items())},
                "chunks": [asdict(chunk) for chunk in found.chunks],
                "window": {**asdict(found.window), "stage_seconds": dict(_stages(found))},
                "decoding": asdict(found.decoding),
                "fetching": None if found.fetching is None else asdict(found.fetching),
                "sizes": asdict(found.sizes),
            },
            "machine": asdict(found.machine),
            "job": asdict(found.job),
            "advice": list(self.advice),
        }


_ROW_SECONDS = ("pace", "scoring", "reading", "fetching", "decoding", "table")


def predict(measurement: Measurement, goal: Goal) -> Prediction:
    """Return what the whole set takes.

    Args:
        measurement: Of a sample.
        goal: What is asked for.

    Raises:
        UsageError: The number of pairs is no number.
    """
    num_rows = measurement.columns.num_rows if goal.pairs is None else parse_amount(goal.pairs)
    work = row_work(measurement)
    row = row_seconds(measurement, work)
    error = relative_error(measurement, row)
    embedding_bytes = {
        kind: disk_bytes(measurement, work, num_rows=num_rows, embeddings=kind)["embeddings"]
        for kind in EMBEDDINGS
    }
    disk = disk_bytes(measurement, work, num_rows=num_rows)
    rate = _gpu_rate(measurement, goal, row)
    durations = [_duration(measurement, goal, row, num_rows=num_rows, error=error)]
    if goal.machines > 1:
        durations.append(
            _duration(
                measurement, goal, row, num_rows=num_rows, error=error, machines=goal.machines
            )
        )
    if goal.gpus and rate is not None:
        durations.append(
            _on_gpus(measurement, goal, row, num_rows=num_rows, error=error, rate=rate)
        )
    return Prediction(
        num_rows=num_rows,
        measurement=measurement,
        work=work,
        row=row,
        relative_error=error,
        durations=tuple(durations),
        limiting=row.limiting,
        memory_bytes=memory_bytes(measurement, work),
        disk_bytes={"scores": disk["scores"], "table": disk["table"], **embedding_bytes},
        embeddings=measurement.job.embeddings,
        read_bytes=read_bytes(measurement, work, num_rows=num_rows),
        processors_for_gpus=None if rate is None else max(goal.gpus, 1) * rate * row.decoding,
        advice=tuple(advise(measurement, work, row, asks_for_gpus=bool(goal.gpus), gpu_rate=rate)),
    )


def _gpu_rate(measurement: Measurement, goal: Goal, row: RowSeconds) -> float | None:
    """Return the pairs that one GPU encodes in a second, or None where nobody knows."""
    if goal.gpu_rate is not None or not goal.gpus:
        return goal.gpu_rate if goal.gpus else None
    if not measurement.machine.provenance.device.startswith("cuda"):
        return None
    return 1.0 / row.encoding if row.encoding > 0 else None


def _duration(
    measurement: Measurement,
    goal: Goal,
    row: RowSeconds,
    *,
    num_rows: int,
    error: float,
    machines: int = 1,
) -> Duration:
    seconds = run_seconds(measurement, row, num_rows=num_rows, machines=machines)
    what = "this machine" if machines == 1 else f"{machines} machines like it"
    return _with_interval(what, measurement, goal, seconds=seconds, error=error, machines=machines)


def _on_gpus(
    measurement: Measurement,
    goal: Goal,
    row: RowSeconds,
    *,
    num_rows: int,
    error: float,
    rate: float,
) -> Duration:
    """Return the time with GPUs: they encode, while the processors of this machine decode."""
    decoding = row.decoding / measurement.machine.processors
    pace = max(1.0 / (rate * goal.gpus), decoding, row.reading, row.fetching)
    seconds = start_seconds(measurement, row) + num_rows * (pace + row.table)
    plural = "s" if goal.gpus > 1 else ""
    what = f"{goal.gpus} GPU{plural} at {rate:,.0f} pairs/s in this machine"
    return _with_interval(what, measurement, goal, seconds=seconds, error=error, machines=1)


def _with_interval(
    what: str,
    measurement: Measurement,
    goal: Goal,
    *,
    seconds: float,
    error: float,
    machines: int,
) -> Duration:
    start = min(seconds, measurement.machine.setup_seconds)
    rest = seconds - start
    price = goal.price_per_hour
    return Duration(
        what=what,
        seconds=seconds,
        low=start + rest * (1.0 - error),
        high=start + rest * (1.0 + error),
        machines=machines,
        cost=None if price is None else price * machines * seconds / 3600.0,
    )


def _stages(measurement: Measurement) -> Mapping[str, float]:
    return {name: round(value, 4) for name, value in measurement.window.stage_seconds.items()}
