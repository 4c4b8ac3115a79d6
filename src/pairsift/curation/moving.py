"""Captions moved within tables of each format: cells as they stand, and nothing else touched."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from pairsift.curation.moving_json import find_value
from pairsift.curation.moving_tars import read_tar_cell, write_tar
from pairsift.errors import UsageError
from pairsift.protocols import TableBatch, TableReader
from pairsift.runs import Run
from pairsift.tables.csv import CsvPayload, CsvReader
from pairsift.tables.formats import format_of
from pairsift.tables.jsonl import JsonlPayload, JsonlReader
from pairsift.tables.parquet import ParquetReader
from pairsift.tables.streams import open_text_output
from pairsift.tables.webdataset import TarPayload, TarReader

MOVABLE: Final = (CsvReader, JsonlReader, ParquetReader, TarReader)
"""Readers of the formats whose captions can be moved."""

_ROWS_AT_ONCE: Final = 4096

Cell = Any
"""A caption as its format holds it: text of a CSV with its quotes, a value of JSON, …"""


def read_cells(run: Run, reader: TableReader, rows: Sequence[int]) -> dict[int, Cell]:
    """Return the captions of some rows as they stand; a row without a sound one is left out.

    Args:
        run: Knows the columns.
        reader: Of one input.
        rows: Ordinals, ascending.
    """
    cells: dict[int, Cell] = {}
    done = 0
    for batch in _batches(run, reader, rows):
        found = _cells_of(run, reader, batch)
        here = rows[done : done + len(found)]
        cells |= {row: cell for row, cell in zip(here, found, strict=True) if cell is not None}
        done += len(found)
    return cells


def write_moved(run: Run, reader: TableReader, cells: Mapping[int, Cell], output: Path) -> None:
    """Write an input again with other captions in some rows.

    Args:
        run: Knows the columns.
        reader: Of the input.
        cells: By row; rows that keep theirs are left out.
        output: Where it goes; replaced where it exists.
    """
    if isinstance(reader, CsvReader):
        _write_csv(run, reader, cells, output)
    elif isinstance(reader, JsonlReader):
        _write_jsonl(run, reader, cells, output)
    elif isinstance(reader, TarReader):
        write_tar(_tar_rows(run, reader, cells), reader.path, output)
    else:
        _write_parquet(run, reader, cells, output)


def _cells_of(run: Run, reader: TableReader, batch: TableBatch) -> list[Cell]:
    column = str(run.info["caption_column"])
    payload = batch.payload
    if isinstance(payload, CsvPayload) and isinstance(reader, CsvReader):
        place, width = reader.column_names.index(column), len(reader.column_names)
        found = map(reader.dialect.raw_cells, payload.bodies)
        # A row with too many or too few cells has no cell that is surely its caption.
        return [raw[place] if len(raw) == width else None for raw in found]
    if isinstance(payload, JsonlPayload):
        return [
            None if (at := find_value(b, [column])) is None else at.text for b in payload.bodies
        ]
    if isinstance(payload, TarPayload):
        return [read_tar_cell(payload.path, sample, column) for sample in payload.samples]
    # A null is a caption that can move like any other.
    return [(value,) for value in reader.to_arrow(batch).column(column).to_pylist()]


def _write_csv(run: Run, reader: CsvReader, cells: Mapping[int, Cell], output: Path) -> None:
    place = reader.column_names.index(str(run.info["caption_column"]))
    header = reader.header
    with open_text_output(output) as file:
        file.write(header.lead + header.body + header.tail)
        for batch in _batches(run, reader, None):
            payload = batch.payload
            if not isinstance(payload, CsvPayload):
                message = f"expected rows of a CSV, not {type(payload).__name__}"
                raise TypeError(message)
            rows = zip(payload.bodies, payload.tails, strict=True)
            for row, (body, tail) in enumerate(rows, batch.first_row):
                fixed = body
                if row in cells:
                    raw = reader.dialect.raw_cells(body)
                    raw[place] = cells[row]
                    fixed = reader.dialect.delimiter.join(raw)
                file.write(fixed + tail)


def _write_jsonl(run: Run, reader: JsonlReader, cells: Mapping[int, Cell], output: Path) -> None:
    column = str(run.info["caption_column"])
    with open_text_output(output) as file:
        file.write(reader.lead)
        for batch in _batches(run, reader, None):
            payload = batch.payload
            if not isinstance(payload, JsonlPayload):
                message = f"expected rows of JSON lines, not {type(payload).__name__}"
                raise TypeError(message)
            rows = zip(payload.bodies, payload.tails, strict=True)
            for row, (body, tail) in enumerate(rows, batch.first_row):
                fixed = body
                if row in cells and (found := find_value(body, [column])) is not None:
                    fixed = found.replaced(cells[row])
                file.write(fixed + tail)


def _write_parquet(run: Run, reader: TableReader, cells: Mapping[int, Cell], output: Path) -> None:
    place = reader.column_names.index(str(run.info["caption_column"]))
    no_column = pa.schema([])
    with format_of(output).open_writer(
        output, reader=reader, added_schema=no_column, metadata={"fixed": "pairsift mismatches"}
    ) as writer:
        for batch in _batches(run, reader, None):
            rows = reader.to_arrow(batch)
            texts = rows.column(place).to_pylist()
            for at in range(len(texts)):
                if (cell := cells.get(batch.first_row + at)) is not None:
                    (texts[at],) = cell
            field = rows.schema.field(place)
            fixed = rows.set_column(place, field, pa.array(texts, field.type))
            nothing = pa.RecordBatch.from_arrays([], schema=no_column)
            writer.write(replace(batch, payload=fixed), nothing)


def _tar_rows(
    run: Run, reader: TarReader, cells: Mapping[int, Cell]
) -> Iterator[tuple[Any, str, Cell]]:
    column = str(run.info["caption_column"])
    wanted = sorted(cells)
    done = 0
    for batch in _batches(run, reader, wanted):
        if not isinstance(batch.payload, TarPayload):
            message = f"expected rows of a tar, not {type(batch.payload).__name__}"
            raise TypeError(message)
        for sample in batch.payload.samples:
            yield sample, column, cells[wanted[done]]
            done += 1


def check_movable(reader: TableReader) -> None:
    """Refuse a format whose captions cannot be moved.

    Raises:
        UsageError: It is a folder of pictures, or captions stand in lists.
    """
    if not isinstance(reader, MOVABLE):
        message = (
            f"a corrected table is written for CSV, TSV, JSON lines, Parquet and tars with one "
            f"caption a row, not {reader.path.name}; derived/mismatches.parquet in the run folder "
            "has the rows"
        )
        raise UsageError(message)


def _batches(run: Run, reader: TableReader, rows: Sequence[int] | None) -> Iterator[TableBatch]:
    return reader.read_batches(
        image_column=run.info["image_column"],
        caption_column=run.info["caption_column"],
        batch_rows=_ROWS_AT_ONCE,
        rows=rows,
    )
