"""Whole tables to start from, and the marks that hurt text most."""

import csv
import gzip
import io
import json
import struct
import tarfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.fuzz.layouts import Layout, Number
from benchmarks.fuzz.mutations import REPAIRED_SHARE, STEPS, Wreck, apply_steps
from benchmarks.fuzz.pictures import picture

NUM_ROWS = 24
NAMES = ("id", "image", "caption", "note")
NOTES = ("007", "a, b", 'say "so"', "two\nlines", "", "1e3", " spaced ", "ünïcödé 🐋", "TRUE", "-0")
WORDS = "a red boat on the sea near an old house with two small cats and one tall tree".split()
# What text formats are made of, and what they choke on.
MARKS = (b'"', b'""', b",", b"\t", b";", b"\n", b"\r", b"\r\n", b"\n\n", b"\0", b"\xff", b"\xc3",
         b"\xef\xbb\xbf", b"\xff\xfe", b"{", b"}", b"[", b"]", b":", b"\\", b"\\u", b"\\ud800",
         b"null", b"1e999", b"\x1a", b"\xe2\x80\xa8", b'"\n', b'\n"')  # fmt: skip


def image_name(row: int) -> str:
    """Return what the image column of a row refers to."""
    return f"images/{row:03d}.png"


def caption(row: int) -> str:
    """Return a row's caption; every row has another one."""
    generator = np.random.default_rng([11, row])
    return f"{row} " + " ".join(generator.choice(WORDS, int(generator.integers(3, 12))))


def write_images(folder: Path) -> None:
    """Write the pictures that every table refers to."""
    (folder / "images").mkdir(parents=True)
    for row in range(NUM_ROWS):
        (folder / image_name(row)).write_bytes(picture("PNG", "rgb", row))


def rows() -> list[tuple[str, str, str, str]]:
    """Return the cells of every row, in the order of ``NAMES``."""
    return [
        (f"{row:04d}", image_name(row), caption(row), NOTES[row % len(NOTES)])
        for row in range(NUM_ROWS)
    ]


def _delimited(
    delimiter: str, *, end: str = "\n", mark: str = "", quoting: Any = csv.QUOTE_MINIMAL
) -> Callable[[], bytes]:
    def write() -> bytes:
        text = io.StringIO()
        writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting)
        writer.writerows([NAMES, *rows()])
        return (mark + text.getvalue()).encode()

    return write


def _json_lines() -> bytes:
    more = {"tags": ["a", 7], "size": {"w": 1.50, "h": None}}
    lines = [dict(zip(NAMES, row, strict=True)) | more for row in rows()]
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()


def _tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for row, (key, _, words, note) in enumerate(rows()):
            for suffix, data in (
                ("png", picture("PNG", "rgb", row)),
                ("txt", words.encode()),
                ("json", json.dumps({"note": note}).encode()),
            ):
                member = tarfile.TarInfo(f"{key}.{suffix}")
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def _blocks(data: bytes) -> Layout:
    """Members are the parts of a tar; what a header says stands in its first bytes."""
    layout = Layout()
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            end = member.offset_data + -(-member.size // 512) * 512
            layout.parts.append((member.offset, end))
            layout.metadata.append((member.offset, member.offset + 160))
    return layout


def _resummed(broken: bytes) -> bytes:
    """Return a tar with right checksums on every header that can still be found."""
    data = bytearray(broken)
    place = 0
    while place + 512 <= len(data):
        # POSIX.1-1988, ustar: six octal digits, counted as if the field itself were blank.
        header = data[place : place + 148] + b" " * 8 + data[place + 156 : place + 512]
        data[place + 148 : place + 156] = b"%06o\0 " % sum(header)
        size = bytes(data[place + 124 : place + 136]).strip(b"\0 ")
        if not size or size.strip(b"01234567"):
            break
        place += 512 + -(-int(size, 8) // 512) * 512
    return bytes(data)


def _compress(data: bytes, kind: str) -> bytes:
    if kind == "gzip":
        return gzip.compress(data, mtime=0)
    return bytes(pa.compress(data, codec=kind, asbytes=True))


def _parquet(image: str, **options: Any) -> Callable[[], bytes]:
    """Return what writes a Parquet file whose image column is of a kind."""

    def write() -> bytes:
        columns: dict[str, Any] = {
            name: pa.array(cells)
            for name, cells in zip(NAMES, zip(*rows(), strict=True), strict=True)
        }
        content = [picture("PNG", "rgb", row) for row in range(NUM_ROWS)]
        if image == "bytes":
            columns["image"] = pa.array(content, pa.binary())
        elif image == "struct":
            paths = pa.nulls(NUM_ROWS, pa.string())
            columns["image"] = pa.StructArray.from_arrays(
                [pa.array(content, pa.binary()), paths], ["bytes", "path"]
            )
        elif image == "dictionary":
            columns["image"] = columns["image"].dictionary_encode()
        columns["score"] = pa.array([[row / 7] * (row % 3) for row in range(NUM_ROWS)])
        buffer = io.BytesIO()
        pq.write_table(pa.table(columns), buffer, row_group_size=10, **options)
        return buffer.getvalue()

    return write


TABLES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "CSV": (".csv", _delimited(",")),
    "CSV, all quoted, CRLF": (".csv", _delimited(",", end="\r\n", quoting=csv.QUOTE_ALL)),
    "CSV, semicolons, mark": (".csv", _delimited(";", mark="\ufeff")),
    "TSV": (".tsv", _delimited("\t")),
    "CSV, zstd": (".csv.zst", lambda: _compress(_delimited(",")(), "zstd")),
    "JSON lines": (".jsonl", _json_lines),
    "JSON lines, gzip": (".jsonl.gz", lambda: _compress(_json_lines(), "gzip")),
    "WebDataset tar": (".tar", _tar),
    "Parquet of paths": (".parquet", _parquet("path")),
    "Parquet of bytes": (".parquet", _parquet("bytes", compression="zstd")),
    "Parquet of structs": (".parquet", _parquet("struct", compression="none")),
    "Parquet of a dictionary": (".parquet", _parquet("dictionary", data_page_version="2.0")),
}
"""Name to suffix and what writes it."""

INSIDE = {"CSV, zstd": ("CSV", "zstd"), "JSON lines, gzip": ("JSON lines", "gzip")}
"""Name to the table inside a compressed one, and how it is compressed."""


@cache
def table(name: str) -> bytes:
    """Return a whole table, a key of ``TABLES``."""
    return TABLES[name][1]()


def mutate_table(name: str, generator: np.random.Generator) -> tuple[bytes, list[str]]:
    """Break a table.

    Args:
        name: A key of ``TABLES``.
        generator: What everything follows from.

    Returns:
        The broken file, and the names of the steps that broke it.
    """
    if name.startswith("Parquet") and generator.random() < 0.5:
        return _odd_parquet(name, generator)
    if name in INSIDE and generator.random() < 0.5:
        # A broken stream hides what is in it: here the stream is whole and the text is not.
        plain, kind = INSIDE[name]
        text, inner = mutate_table(plain, generator)
        return _compress(text, kind), inner
    data = table(name)
    is_text = TABLES[name][0] in (".csv", ".tsv", ".jsonl")
    other = table(str(generator.choice(list(TABLES))))
    layouts = {".parquet": _footer, ".tar": _blocks}
    find = _lines if is_text else layouts.get(TABLES[name][0], lambda _: Layout())
    layout = find(data)
    # Marks are what text breaks on; half of all steps put one in.
    steps = dict(STEPS) | {f"insert_mark {i}": _insert_mark for i in range(12 * is_text)}
    broken, names = apply_steps(Wreck(bytearray(data), layout, other), steps, generator)
    if TABLES[name][0] == ".tar" and generator.random() < REPAIRED_SHARE:
        broken = _resummed(broken)
    return broken, names


def _insert_mark(wreck: Wreck, generator: np.random.Generator) -> None:
    place = int(generator.integers(len(wreck.data) + 1))
    mark = MARKS[int(generator.integers(len(MARKS)))]
    end = place + len(mark) * int(generator.random() < 0.5)
    wreck.data[place:end] = mark


def _lines(data: bytes) -> Layout:
    """Lines are the parts of a text table; the header is where names stand."""
    layout = Layout()
    begin = 0
    for line in data.splitlines(keepends=True):
        layout.parts.append((begin, begin + len(line)))
        begin += len(line)
    layout.metadata = [layout.parts[0], (0, len(data))]
    return layout


def _footer(data: bytes) -> Layout:
    """Parquet ends with its footer, the footer's length and a magic word."""
    (length,) = struct.unpack_from("<I", data, len(data) - 8)
    footer = (len(data) - 8 - length, len(data) - 8)
    middle = footer[0] // 2
    return Layout(
        parts=[(4, middle), (middle, footer[0]), footer, (len(data) - 8, len(data))],
        lengths=[Number(len(data) - 8, "<I")],
        sizes=[Number(offset, "<B") for offset in range(*footer)],
        metadata=[footer],
    )


def _odd_parquet(name: str, generator: np.random.Generator) -> tuple[bytes, list[str]]:
    """Return a sound Parquet file with odd cells, types or columns."""
    rows = pq.read_table(io.BytesIO(table(name)))
    names = generator.choice(list(ODDITIES), size=int(generator.integers(1, 3)))
    for step in names:
        place = int(generator.integers(1, 3))  # the image or the caption
        changed = ODDITIES[step](rows.column(place).combine_chunks(), generator)
        rows = rows.set_column(place, rows.schema.names[place], changed)
    if generator.random() < 0.1:
        rows = rows.slice(0, 0)
    if generator.random() < 0.1:
        twin = str(generator.choice(rows.schema.names))
        rows = rows.append_column(twin, rows.column(0))
    buffer = io.BytesIO()
    pq.write_table(rows, buffer, row_group_size=int(generator.integers(1, NUM_ROWS + 1)))
    return buffer.getvalue(), [str(step) for step in names]


def _broken_cells(column: Any, generator: np.random.Generator) -> Any:
    """Break a third of the cells; those that are no text or bytes become null."""
    cells = []
    for cell in column.to_pylist():
        data = cell.encode() if isinstance(cell, str) else cell
        if generator.random() < 2 / 3:
            cells.append(data if isinstance(data, bytes) else None)
        elif isinstance(data, bytes) and data:
            wreck = Wreck(bytearray(data), Layout(), b"")
            cells.append(apply_steps(wreck, STEPS, generator)[0])
        else:
            cells.append(None)
    return pa.array(cells, pa.binary())


def _null_cells(column: Any, generator: np.random.Generator) -> Any:
    mask = generator.random(len(column)) < 0.3
    return pa.array(
        [None if is_null else cell for is_null, cell in zip(mask, column.to_pylist(), strict=True)],
        column.type,
    )


def _as(kind: Any) -> Callable[[Any, np.random.Generator], Any]:
    def change(column: Any, _: np.random.Generator) -> Any:
        cells = [
            cell if isinstance(cell, bytes | str) else None if cell is None else b"x"
            for cell in column.to_pylist()
        ]
        data = [cell.encode() if isinstance(cell, str) else cell for cell in cells]
        return pa.array(data, pa.binary()).cast(kind, safe=False)

    return change


def _as_lists(column: Any, _: np.random.Generator) -> Any:
    return pa.array([[cell] for cell in column.to_pylist()], pa.list_(column.type))


def _as_numbers(column: Any, _: np.random.Generator) -> Any:
    return pa.array(range(len(column)), pa.int64())


def _as_nulls(column: Any, _: np.random.Generator) -> Any:
    return pa.nulls(len(column))


ODDITIES: dict[str, Callable[[Any, np.random.Generator], Any]] = {
    "broken cells": _broken_cells,
    "null cells": _null_cells,
    "large binary": _as(pa.large_binary()),
    "binary view": _as(pa.binary_view()),
    "lists": _as_lists,
    "numbers": _as_numbers,
    "nothing": _as_nulls,
}
