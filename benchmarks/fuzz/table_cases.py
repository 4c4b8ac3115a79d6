"""Broken tables through the command line: rows with statuses, or one clear line."""

import io
import re
import shutil
import traceback
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.fuzz.reports import Report
from benchmarks.fuzz.tables import TABLES, mutate_table, table, write_images
from pairsift import schema
from pairsift.cli import run
from pairsift.config import TableConfig
from pairsift.protocols import TableBatch, TableReader
from pairsift.statuses import RowStatus
from pairsift.tables.columns import find_columns
from pairsift.tables.csv import CsvPayload, CsvReader
from pairsift.tables.formats import open_table
from pairsift.tables.jsonl import JsonlPayload, JsonlReader
from pairsift.tables.lines import parse_line
from tests.tables.strip_cells import strip_last_cells
from tests.tables.strip_fields import strip_last_fields

ADDED = (schema.SIMILARITY, schema.STATUS, schema.ERROR)
_LINE = re.compile(r"(?:pairsift: )?error: [^\n]+\n")
Pair = tuple[object, ...]
Score = tuple[object, ...]


@dataclass(frozen=True)
class TableCase:
    """One broken table."""

    seed: int
    index: int
    kind: str
    steps: tuple[str, ...]
    broken: bytes

    def __str__(self) -> str:
        return f"table {self.index} of seed {self.seed}: {self.kind}, {self.steps}"


def table_case(seed: int, index: int) -> TableCase:
    """Return case ``index`` of a seed; no other case has to be made before."""
    generator = np.random.default_rng([seed, 1, index])
    kind = list(TABLES)[index % len(TABLES)]
    broken, steps = mutate_table(kind, generator)
    return TableCase(seed, index, kind, tuple(steps), broken)


def check_tables(cases: Sequence[TableCase], report: Report, folder: Path) -> None:
    """Score broken tables; write down what must not happen.

    Args:
        cases: What is scored.
        report: Filled in.
        folder: Empty, for files.
    """
    write_images(folder)
    for case in cases:
        suffix = TABLES[case.kind][0]
        source, target = folder / f"pairs{suffix}", folder / f"scored{output_suffix(suffix)}"
        source.write_bytes(case.broken)
        try:
            code, words = score(source, target)
            outcome = f"exit {code}"
            if code == 0:
                outcome = _check_output(case, source, target, report)
        except Exception:  # noqa: BLE001 - the command must not raise, whatever it is
            code, words, outcome = 2, "", "traceback"
            report.find(case, traceback.format_exc())
        if outcome.startswith("exit") and not (code == 2 and is_clear(words)):
            report.find(case, f"exit {code}: {words}")
        report.count(case.kind, outcome)
        if code and target.exists():
            report.find(case, "an output in spite of the error")
        _clear(folder, case, report)


def output_suffix(suffix: str) -> str:
    """Return the suffix of an output: the input's, but a table beside a tar."""
    return ".parquet" if suffix == ".tar" else suffix


def is_clear(words: str) -> bool:
    """Whether an error is one line without control characters."""
    return bool(_LINE.fullmatch(words)) and words.strip().isprintable()


def score(source: Path, target: Path) -> tuple[int, str]:
    """Run the command; return its exit code and what it wrote to standard error."""
    words = io.StringIO()
    command = ["score", str(source), "-o", str(target), "--runtime", "fake", "--overwrite"]
    with redirect_stderr(words), redirect_stdout(io.StringIO()):
        code = run(command)
    return code, words.getvalue()


def _check_output(case: TableCase, source: Path, target: Path, report: Report) -> str:
    """Compare an output with its input; return the outcome in a word."""
    try:
        pairs, scores = read_pairs(source), read_scores(target)
    except Exception as error:  # noqa: BLE001 - an output that cannot be read again is a finding
        report.find(case, f"the output cannot be read again: {error!r}")
        return "unreadable"
    report.num_rows += len(pairs)
    if len(pairs) != len(scores):
        report.find(case, f"{len(pairs)} rows in, {len(scores)} out")
        return "rows lost"
    if not _is_kept(source, target):
        report.find(case, "without the added columns the output is not the input")
    expected = whole_scores(case.kind, source.parent)
    for pair, row in zip(pairs, scores, strict=True):
        if row[1] not in list(RowStatus):
            report.find(case, f"no such status: {row}")
        elif pair in expected:
            report.num_kept += 1
            if row != expected[pair]:
                report.find(case, f"a whole row changed: {expected[pair]} to {row}")
    num_ok = sum(row[1] == RowStatus.OK for row in scores)
    return "all rows scored" if num_ok == len(scores) else "some rows with a status"


def read_pairs(path: Path) -> list[Pair]:
    """Return reference, content, caption and problem of every row, as pairsift reads them."""
    batches = _batches(open_table(path, TableConfig()))
    return [tuple(row.values()) for batch in batches for row in batch.pairs.to_pylist()]


def read_scores(path: Path) -> list[Score]:
    """Return the added cells of every row; in text they are the last ones, whatever the header."""
    reader = open_table(path, TableConfig())
    if isinstance(reader, CsvReader):
        bodies = [body for batch in _batches(reader) for body in _bodies(batch)]
        rows = [reader.dialect.split(body)[0][-len(ADDED) :] for body in bodies]
        return [tuple(cell.decode() for cell in row) for row in rows]
    if isinstance(reader, JsonlReader):
        lines = [parse_line(body) for batch in _batches(reader) for body in _bodies(batch)]
        # A line that is no object has no place for fields and stays as it is.
        return [
            (None, RowStatus.ROW_MALFORMED, line)
            if isinstance(line, str)
            else tuple(line.get(name) for name in ADDED)
            for line in lines
        ]
    table = pq.ParquetFile(path).read()
    return list(zip(*[table[name].to_pylist() for name in ADDED], strict=True))


@cache
def whole_scores(kind: str, folder: Path) -> dict[Pair, Score]:
    """Return the score of every pair of a whole table."""
    suffix = TABLES[kind][0]
    source, target = folder / f"whole{suffix}", folder / f"whole-scored{output_suffix(suffix)}"
    source.write_bytes(table(kind))
    code, words = score(source, target)
    if code:
        message = f"a whole table does not go through: {words}"
        raise RuntimeError(message)
    return dict(zip(read_pairs(source), read_scores(target), strict=True))


def _batches(reader: TableReader) -> Iterator[TableBatch]:
    image, words = find_columns(reader.column_names, TableConfig())
    return reader.read_batches(image_column=image, caption_column=words, batch_rows=1000)


def _bodies(batch: TableBatch) -> list[bytes]:
    assert isinstance(batch.payload, CsvPayload | JsonlPayload)
    return batch.payload.bodies


def _is_kept(source: Path, target: Path) -> bool:
    """Whether the output without the added columns is the input."""
    reader = open_table(source, TableConfig())
    if isinstance(reader, CsvReader):
        delimiter = reader.dialect.delimiter
        return strip_last_cells(_text(target), delimiter, len(ADDED)) == _text(source)
    if isinstance(reader, JsonlReader):
        bodies = [body for batch in _batches(reader) for body in _bodies(batch)]
        malformed = {row for row, body in enumerate(bodies) if isinstance(parse_line(body), str)}
        return strip_last_fields(_text(target), len(ADDED), malformed) == _text(source)
    if source.suffix == ".tar":
        return True  # the output is a table of its own
    before, after = (pq.ParquetFile(path).read() for path in (source, target))
    # A column that holds the images themselves may be left out of the output, or their path stay.
    image, _ = find_columns(reader.column_names, TableConfig())
    kept = [index for index, name in enumerate(before.schema.names) if name != image]
    copied = [index for index, name in enumerate(after.schema.names) if name != image]
    return len(kept) + len(ADDED) == len(copied) and all(
        before.schema.field(index).equals(after.schema.field(other))
        and before.column(index).equals(after.column(other))
        for index, other in zip(kept, copied, strict=False)
    )


def _text(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix not in (".gz", ".zst"):
        return data
    kind = "gzip" if path.suffix == ".gz" else "zstd"
    return bytes(pa.CompressedInputStream(pa.py_buffer(data), kind).read())


def _clear(folder: Path, case: TableCase, report: Report) -> None:
    """Remove what one case left, so that the next begins as the first did."""
    for path in sorted(folder.iterdir()):
        if path.name == "images" or path.name.startswith("whole"):
            continue
        if not path.name.startswith(("pairs", "scored")):
            report.find(case, f"left behind: {path.name}")
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
