"""The corrected tables: captions go where they belong, and nothing else is touched."""

import secrets
import shutil
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pairsift.curation.mismatches import Mismatches, shift_partners
from pairsift.curation.moving import check_movable, read_cells, write_moved
from pairsift.errors import OutputExistsError, UsageError
from pairsift.protocols import TableReader
from pairsift.runs import Run
from pairsift.tables.formats import format_of, open_table
from pairsift.tables.outputs import check_local, take_folder_name

FIXES: Final = ("swaps", "shift")

Place = tuple[int, int]
"""File and row."""


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


def plan_fixes(found: Mismatches, fixes: Sequence[str]) -> dict[Place, Place]:
    """Say which row each row's caption is taken from.

    Within a block every caption moves by one; the one left over at the open end goes to the
    image left over at the other, so that none is lost.

    Args:
        found: What is wrong.
        fixes: ``swaps``, ``shift`` or both.

    Returns:
        File and row to those whose caption it gets; rows that keep theirs are left out.
    """
    sources: dict[Place, Place] = {}
    if "shift" in fixes:
        for shift in found.shifts:
            open_end = shift.first_row if shift.direction > 0 else shift.last_row
            for row, partner in shift_partners(shift):
                target = open_end if partner is None else partner
                sources[shift.file, target] = shift.file, row
    if "swaps" in fixes:
        files, rows = found.pairs.files, found.pairs.rows
        for swap in found.swaps:
            first = int(files[swap.first]), int(rows[swap.first])
            second = int(files[swap.second]), int(rows[swap.second])
            sources |= {first: second, second: first}
    return sources


def check_fixable(run: Run, output: Path, *, overwrite: bool = False) -> None:
    """Refuse a run or an output for which no corrected tables can be written.

    Args:
        run: Opened.
        output: Where the corrected table shall go; for several inputs a folder.
        overwrite: Replace what is there.

    Raises:
        UsageError: A format cannot be written, or the output is the input or of another format.
        OutputExistsError: The output exists already, or is a folder of other things.
    """
    check_local(output)
    if not output.parent.is_dir():
        raise OutputExistsError(f"no such folder: {output.parent}")
    paths = _inputs(run)
    for path in paths:
        check_movable(open_table(path, run.table_config))
    if len(paths) == 1:
        if output.is_dir():
            raise OutputExistsError(f"{output} is a folder; name a file")
        if output.suffix and format_of(output) is not format_of(paths[0]):
            message = f"{output.name}: the output keeps the input's format, as in {paths[0].name}"
            raise UsageError(message)
        if output.exists() and output.samefile(paths[0]):
            message = f"{output} is the input itself; choose another output"
            raise UsageError(message)
    elif output.is_dir():
        others = {path.name for path in output.iterdir()} - set(_names(paths))
        if others or any(output.samefile(path.parent) for path in paths):
            message = f"{output} holds other things than corrected tables; choose a new folder"
            raise OutputExistsError(message)
    elif output.exists():
        message = f"{output} is a file; {len(paths)} inputs need a folder"
        raise OutputExistsError(message)
    if output.exists() and not overwrite:
        message = f"{output} exists already (hint: --overwrite replaces it)"
        raise OutputExistsError(message)


def write_fixed(run: Run, sources: Mapping[Place, Place], output: Path) -> int:
    """Write every input again with captions where they belong.

    Text stays the same byte for byte outside the captions, which move as they stand; Parquet keeps
    its types and metadata, a tar its members and their order.

    Args:
        run: Opened.
        sources: As ``plan_fixes`` gives them.
        output: Where it goes, for several inputs a folder of their names; replaced where it is.

    Returns:
        How many captions were moved.
    """
    ordinals = [int(item["ordinal"]) for item in run.info["inputs"]]
    readers = [run.open_input(ordinal) for ordinal in ordinals]
    cells = _moved_cells(run, dict(zip(ordinals, readers, strict=True)), sources)
    if len(readers) == 1:
        write_moved(run, readers[0], cells[ordinals[0]], output)
        return len(cells[ordinals[0]])
    part = output.with_name(f".{output.name[:100]}.{secrets.token_hex(4)}.part")
    try:
        part.mkdir()
        names = _names([reader.path for reader in readers])
        for ordinal, reader, name in zip(ordinals, readers, names, strict=True):
            write_moved(run, reader, cells[ordinal], part / name)
        take_folder_name(part, output)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return sum(map(len, cells.values()))


def _moved_cells(
    run: Run, readers: Mapping[int, TableReader], sources: Mapping[Place, Place]
) -> dict[int, dict[int, Any]]:
    """Return for each file the captions that its rows get."""
    wanted: dict[int, set[int]] = defaultdict(set)
    for file, row in sources.values():
        wanted[file].add(row)
    cells: dict[Place, Any] = {}
    for file, rows in wanted.items():
        found = read_cells(run, readers[file], sorted(rows))
        cells |= {(file, row): cell for row, cell in found.items()}
    moved: dict[int, dict[int, Any]] = {file: {} for file in readers}
    for (file, row), source in _movable(sources, cells).items():
        moved[file][row] = cells[source]
    return moved


def _movable(sources: Mapping[Place, Place], cells: Mapping[Place, object]) -> dict[Place, Place]:
    """Leave out every chain of moves that runs through a row without a cell, or meets another.

    Half a chain would write one caption twice and lose another.
    """
    times = Counter(sources.values())
    broken = {
        place
        for place, source in sources.items()
        if not {source, place} <= cells.keys() or times[source] > 1 or source not in sources
    }
    before = {source: place for place, source in sources.items()}
    todo = list(broken)
    while todo:
        place = todo.pop()
        for linked in (sources.get(place), before.get(place)):
            if linked is not None and linked not in broken:
                broken.add(linked)
                todo.append(linked)
    return {place: source for place, source in sources.items() if place not in broken}


def _inputs(run: Run) -> list[Path]:
    return [Path(item["path"]) for item in run.info["inputs"]]


def _names(paths: Sequence[Path]) -> list[str]:
    """Return a name for each output; the ordinal leads where two inputs are called the same."""
    names = [path.name for path in paths]
    if len(set(names)) == len(names):
        return names
    return [f"{number:05}-{name}" for number, name in enumerate(names)]
