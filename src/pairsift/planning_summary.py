"""What a person reads of a plan."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pairsift import stages
from pairsift.planning.amounts import format_bytes, format_duration
from pairsift.planning.estimating import FETCH, OTHER, failed_share
from pairsift.planning.predicting import Duration, Prediction
from pairsift.planning.sketch import DistinctSketch
from pairsift.progress import format_rate
from pairsift.summary import printable

WIDTH = 80


@contextmanager
def show_steps(console: Console) -> Iterator[Callable[[str, int], None]]:
    """Show what is being measured until the block ends; nothing where nobody looks.

    Args:
        console: Where.

    Yields:
        What to call with the step and the rows of it that are done.
    """
    if not console.is_terminal:
        yield lambda _step, _rows: None
        return
    with console.status("getting ready") as status:
        yield lambda step, rows: status.update(f"{step}: {rows:,} rows")


def print_prediction(prediction: Prediction, console: Console) -> None:
    """Print what the whole set takes.

    Args:
        prediction: Of the set.
        console: Where.
    """
    parts: list[RenderableType] = [
        Text(),
        _headline(prediction),
        Text(),
        _durations(prediction),
        Text(),
        _stages(prediction),
        Text(),
        _facts(prediction),
        Text(),
        *(Text(f"- {printable(sentence)}") for sentence in prediction.advice),
    ]
    console.print(Padding(Group(*parts), (0, 1), expand=False), width=WIDTH)


def _headline(prediction: Prediction) -> Text:
    here = prediction.here
    plural = "" if prediction.num_rows == 1 else "s"
    return Text.assemble(
        (f"{prediction.num_rows:,} pair{plural}: {format_duration(here.seconds)}", "bold"),
        f" on this machine, between {format_duration(here.low)} and {format_duration(here.high)}",
    )


def _durations(prediction: Prediction) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("where", overflow="fold")
    for heading in ("time", "95 % interval"):
        table.add_column(heading, justify="right", no_wrap=True)
    has_cost = prediction.here.cost is not None
    if has_cost:
        table.add_column("cost", justify="right", no_wrap=True)
    for duration in prediction.durations:
        cells = [duration.what, format_duration(duration.seconds), _interval(duration)]
        table.add_row(*cells, *([f"{duration.cost:,.2f}"] if duration.cost is not None else []))
    return table


def _interval(duration: Duration) -> str:
    return f"{format_duration(duration.low)} to {format_duration(duration.high)}"


def _stages(prediction: Prediction) -> Table:
    """Return where the time of a row goes; what overlaps is told beside it."""
    row = prediction.row
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("stage", no_wrap=True)
    table.add_column("ms a row", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    rows = [(name, seconds, "") for name, seconds in row.stages.items() if name != OTHER]
    rows.append((stages.READ, row.reading, "beside the others"))
    if prediction.measurement.fetching is not None:
        rows.append((FETCH, row.fetching, "beside the others"))
    rows.append(("enriched table", row.table, "at the end"))
    for name, seconds, remark in rows:
        limits = name == prediction.limiting
        note = "the limit" if limits else remark
        shown = "wait for decoders" if name == stages.WAIT else name
        table.add_row(shown, f"{1e3 * seconds:.3f}", note, style="bold" if limits else "")
    return table


def _facts(prediction: Prediction) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", min_width=8, no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in _lines(prediction):
        table.add_row(label, Text(printable(value)))
    return table


def _lines(prediction: Prediction) -> Iterator[tuple[str, str]]:
    found, row = prediction.measurement, prediction.row
    columns, machine = found.columns, found.machine
    rate = format_rate(1.0 / row.pace) if row.pace > 0 else "-"
    yield "speed", f"{rate} pairs/s, within {prediction.relative_error:.0%}"
    decode = 1e3 * row.decoding
    yield "decoding", f"{decode:.2f} ms of one processor a row, on {machine.processors} of them"
    yield "memory", f"{format_bytes(prediction.memory_bytes)} a worker"
    disk = prediction.disk_bytes
    yield (
        "disk",
        f"{format_bytes(prediction.total_disk_bytes)}: scores {format_bytes(disk['scores'])}, "
        f"table {format_bytes(disk['table'])}, embeddings "
        f"{format_bytes(disk[prediction.embeddings])} ({prediction.embeddings})",
    )
    others = [name for name in ("all", "sample", "none") if name != prediction.embeddings]
    words = ", ".join(f"{format_bytes(disk[name])} with {name}" for name in others)
    yield "", f"embeddings would be {words} (--embeddings)"
    where = "the network" if found.fetching is not None else "disks"
    yield "images", f"{format_bytes(prediction.read_bytes)} from {where}"
    yield "failed", f"{failed_share(found):.1%} of the sample"
    if columns.distinct_references is None or columns.distinct_captions is None:
        yield "distinct", "unknown: the images stand in the table"
    else:
        error = DistinctSketch.relative_error
        yield (
            "distinct",
            f"{columns.distinct_references:,.0f} references and {columns.distinct_captions:,.0f} "
            f"captions among {columns.num_rows:,} rows (within {2 * error:.1%}); equal files "
            "under different names: unknown",
        )
    provenance = machine.provenance
    yield (
        "model",
        f"{provenance.model}, {provenance.precision} on {provenance.device} ({provenance.runtime})",
    )
    yield (
        "sample",
        f"{found.sample_rows:,} rows in {found.sample_seconds:.1f} s, of which "
        f"{found.window.num_rows:,} in {len(found.chunks)} stretches count",
    )
