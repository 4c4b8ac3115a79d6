"""The corrected table: captions go where they belong, and nothing else is touched."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import pyarrow as pa

from pairsift.curation.mismatches import Mismatches, shift_partners
from pairsift.errors import UsageError
from pairsift.protocols import TableBatch, TableReader
from pairsift.runs import Run
from pairsift.tables.csv import CsvPayload, CsvReader
from pairsift.tables.formats import format_of, open_table
from pairsift.tables.outputs import check_local
from pairsift.tables.parquet import ParquetReader
from pairsift.tables.streams import open_text_output

FIXES: Final = ("swaps", "shift")
_ROWS_AT_ONCE: Final = 4096


def parse_fixes(text: str) -> tuple[str, ...]:
    """Read which findings are to be corrected.

    Args:
        text: Names with commas between.

    Raises:
        UsageError: There is no such fix.

    Example:
        >>> parse_fixes("swaps, shift")
        ('swaps', 'shift')
    """
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    unknown = [name for name in names if name not in FIXES]
    if unknown or not names:
        message = f"no fix `{', '.join(unknown) or text}`; there are: {', '.join(FIXES)}"
        raise UsageError(message)
    return names


def plan_fixes(found: Mismatches, fixes: Sequence[str], *, file: int = 0) -> dict[int, int]:
    """Say which row each row's caption is taken from.

    Within a block every caption moves by one; the one left over at the open end goes to the
    image left over at the other, so that none is lost.

    Args:
        found: What is wrong.
        fixes: ``swaps``, ``shift`` or both.
        file: Ordinal of the input file.

    Returns:
        Row to the row whose caption it gets; rows that keep theirs are left out.
    """
    sources: dict[int, int] = {}
    if "shift" in fixes:
        for shift in found.shifts:
            if shift.file != file:
                continue
            open_end = shift.first_row if shift.direction > 0 else shift.last_row
            for row, partner in shift_partners(shift):
                sources[open_end if partner is None else partner] = row
    if "swaps" in fixes:
        files, rows = found.pairs.files, found.pairs.rows
        for swap in found.swaps:
            if files[swap.first] == files[swap.second] == file:
                first, second = int(rows[swap.first]), int(rows[swap.second])
                sources |= {first: second, second: first}
    return sources


def check_fixable(run: Run, output: Path) -> Path:
    """Refuse a run or an output for which no corrected table can be written.

    Args:
        run: Opened.
        output: Where the corrected table shall go.

    Returns:
        The input.

    Raises:
        UsageError: There are several inputs, another format, or the output is the input.
    """
    inputs = [Path(item["path"]) for item in run.info["inputs"]]
    if len(inputs) != 1:
        message = f"a corrected table is written for one input; this run has {len(inputs)}"
        raise UsageError(message)
    reader = open_table(inputs[0], run.table_config)
    if not isinstance(reader, CsvReader | ParquetReader):
        message = (
            f"a corrected table is written for CSV, TSV and Parquet, not {inputs[0].name}; "
            "derived/mismatches.parquet in the run folder has the rows"
        )
        raise UsageError(message)
    if format_of(output) is not format_of(inputs[0]):
        message = f"{output.name}: the output keeps the input's format, as in {inputs[0].name}"
        raise UsageError(message)
    check_local(output)
    if output.exists() and output.samefile(inputs[0]):
        message = f"{output} is the input itself; choose another output"
        raise UsageError(message)
    return inputs[0]


def write_fixed(run: Run, sources: Mapping[int, int], output: Path) -> int:
    """Write the input again with captions where they belong.

    A CSV stays the same byte for byte outside the caption cells, which move with their quotes.

    Args:
        run: Opened.
        sources: As ``plan_fixes`` gives them.
        output: Where it goes; replaced where it exists.

    Returns:
        How many captions were moved.

    Raises:
        UsageError: As in ``check_fixable``.
    """
    reader = open_table(check_fixable(run, output), run.table_config)
    column = str(run.info["caption_column"])
    if isinstance(reader, CsvReader):
        return _write_csv(run, reader, column, sources=sources, output=output)
    return _write_parquet(run, reader, column, sources=sources, output=output)


def _write_csv(
    run: Run, reader: CsvReader, column: str, *, sources: Mapping[int, int], output: Path
) -> int:
    place = reader.column_names.index(column)
    split, width = reader.dialect.raw_cells, len(reader.column_names)
    wanted = sorted(set(sources.values()))
    bodies = (
        body for batch in _batches(run, reader, wanted) for body in _csv_payload(batch).bodies
    )
    # A row with too many or too few cells has no cell that is surely its caption.
    cells = {
        row: raw[place]
        for row, body in zip(wanted, bodies, strict=True)
        if len(raw := split(body)) == width
    }
    moves = _movable(sources, cells)
    header = reader.header
    num_moved = 0
    with open_text_output(output) as file:
        file.write(header.lead + header.body + header.tail)
        for batch in _batches(run, reader, None):
            payload = _csv_payload(batch)
            for row, body, tail in zip(
                range(batch.first_row, batch.first_row + len(payload.bodies)),
                payload.bodies,
                payload.tails,
                strict=True,
            ):
                fixed = body
                if row in moves:
                    found = split(body)
                    found[place] = cells[moves[row]]
                    fixed = reader.dialect.delimiter.join(found)
                    num_moved += 1
                file.write(fixed + tail)
    return num_moved


def _write_parquet(
    run: Run, reader: TableReader, column: str, *, sources: Mapping[int, int], output: Path
) -> int:
    cells: dict[int, object] = {}
    wanted = sorted(set(sources.values()))
    done = 0
    for batch in _batches(run, reader, wanted):
        own = reader.to_arrow(batch).column(column).to_pylist()
        cells |= dict(zip(wanted[done : done + len(own)], own, strict=True))
        done += len(own)
    moves = _movable(sources, cells)
    place = reader.column_names.index(column)
    no_column = pa.schema([])
    num_moved = 0
    with format_of(output).open_writer(
        output, reader=reader, added_schema=no_column, metadata={"fixed": "pairsift mismatches"}
    ) as writer:
        for batch in _batches(run, reader, None):
            rows = reader.to_arrow(batch)
            texts = rows.column(place).to_pylist()
            for at in range(len(texts)):
                if (source := moves.get(batch.first_row + at)) is not None:
                    texts[at] = cells[source]
                    num_moved += 1
            fixed = rows.set_column(
                place, rows.schema.field(place), pa.array(texts, rows.schema.field(place).type)
            )
            nothing = pa.RecordBatch.from_arrays([], schema=no_column)
            writer.write(replace(batch, payload=fixed), nothing)
    return num_moved


def _movable(sources: Mapping[int, int], cells: Mapping[int, object]) -> dict[int, int]:
    """Leave out every chain of moves that runs through a row without a caption cell.

    Half a chain would write one caption twice and lose another.
    """
    broken = {row for row, source in sources.items() if source not in cells or row not in cells}
    before = {source: row for row, source in sources.items()}
    todo = list(broken)
    while todo:
        row = todo.pop()
        for linked in (sources.get(row), before.get(row)):
            if linked is not None and linked not in broken:
                broken.add(linked)
                todo.append(linked)
    return {row: source for row, source in sources.items() if row not in broken}


def _batches(run: Run, reader: TableReader, rows: Sequence[int] | None) -> Iterator[TableBatch]:
    return reader.read_batches(
        image_column=run.info["image_column"],
        caption_column=run.info["caption_column"],
        batch_rows=_ROWS_AT_ONCE,
        rows=rows,
    )


def _csv_payload(batch: TableBatch) -> CsvPayload:
    if not isinstance(batch.payload, CsvPayload):
        message = f"expected rows of a CSV, not {type(batch.payload).__name__}"
        raise TypeError(message)
    return batch.payload
