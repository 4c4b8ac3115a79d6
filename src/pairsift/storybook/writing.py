"""Writing a storybook set to a folder: pictures, the table, and the truth beside it."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple, dataclass, fields
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from pairsift.errors import OutputExistsError, UsageError
from pairsift.storybook.encoding import IMAGE_FORMATS
from pairsift.storybook.faults import BROKEN_CAPTIONS, FaultPlan, parse_faults, plan_faults
from pairsift.storybook.planting import PlantedRow, Truth, plant
from pairsift.storybook.tables import TABLE_NAMES, WRITERS, TableWriter

_BLOCK: Final = 1000  # rows a task; also the number of pictures in a folder
# Below this a second process costs more than it saves.
_FEW_PAIRS: Final = 2000
_CELL_FAULTS: Final = ("too many cells", "too few cells", "invalid utf-8")


@dataclass(frozen=True, slots=True)
class StorybookSet:
    """A set that was written.

    Attributes:
        directory: Its folder.
        table: The table of pairs.
        truth: What was planted, row by row.
        num_pairs: How many rows the table has.
        num_faults: How many rows have each fault.
    """

    directory: Path
    table: Path
    truth: Path
    num_pairs: int
    num_faults: dict[str, int]


def _write_block(
    start: int, *, plan: FaultPlan, directory: Path, side: int, image_format: str
) -> list[PlantedRow]:
    """Write the pictures of one block; the rows come back without their bytes."""
    rows = []
    for number in range(start, min(start + _BLOCK, plan.num_pairs)):
        row = plant(plan, number, side=side, image_format=image_format)
        if row.file_name is not None:
            path = directory / row.file_name
            path.parent.mkdir(parents=True, exist_ok=True)
            if row.file_bytes is None:
                path.mkdir()
            else:
                path.write_bytes(row.file_bytes)
        rows.append(
            PlantedRow(row.image, row.caption, row.category, None, None, row.num_cells, row.truth)
        )
    return rows


def _blocks(
    work: Callable[[int], list[PlantedRow]], num_pairs: int, workers: int
) -> Iterator[list[PlantedRow]]:
    starts = range(0, num_pairs, _BLOCK)
    if workers == 1:
        yield from map(work, starts)
        return
    # Spawned, not forked: the caller may have threads.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(work, starts)


def _truth_lines(rows: list[PlantedRow]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(astuple(row.truth) for row in rows)
    return buffer.getvalue()


@contextlib.contextmanager
def _whole_or_nothing(directory: Path, *, overwrite: bool) -> Iterator[Path]:
    """A folder beside the target that takes its place at the end."""
    directory = directory.absolute()
    if directory.exists() and not directory.is_dir():
        raise OutputExistsError(f"{directory} is a file, not a folder for a storybook set")
    if directory.is_dir() and any(directory.iterdir()):
        if not overwrite:
            raise OutputExistsError(f"{directory} is not empty (hint: --overwrite)")
        if not (directory / "truth.csv").is_file():
            # Overwriting deletes a folder: it must be one of ours.
            raise OutputExistsError(
                f"{directory} holds no storybook set, so it is not overwritten; "
                "name another folder or empty it yourself"
            )
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
    except OSError as error:
        raise OutputExistsError(f"cannot write to {directory}: {error.strerror}") from error
    try:
        # mkdtemp makes a private folder; a set is an ordinary one.
        folder.chmod(0o777 & ~_umask())
        yield folder
        if directory.is_dir():
            shutil.rmtree(directory)
        folder.rename(directory)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _checked_plan(
    seed: int, num_pairs: int, faults: str | dict[str, float], table_format: str
) -> FaultPlan:
    if num_pairs < 1:
        raise UsageError(f"the number of pairs must be at least 1, got {num_pairs}")
    rates = parse_faults(faults) if isinstance(faults, str) else faults
    plan = plan_faults(seed, num_pairs, rates)
    if table_format == "csv":
        return plan
    # A column of strings has neither invalid UTF-8 nor a wrong number of cells.
    kept = {
        row: fault
        for row, fault in plan.faults.items()
        if fault.detail not in _CELL_FAULTS or fault.detail not in BROKEN_CAPTIONS
    }
    return FaultPlan(seed, num_pairs, kept)


def write_storybook(  # noqa: PLR0913 - one argument for each option of the command
    directory: str | Path,
    *,
    num_pairs: int,
    seed: int,
    faults: str | dict[str, float] = "none",
    image_format: str = "jpg",
    table_format: str = "csv",
    side: int = 128,
    workers: int | None = None,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> StorybookSet:
    """Write a set of storybook pairs.

    Args:
        directory: A folder that does not exist or is empty; it appears whole or not at all.
        num_pairs: How many rows.
        seed: The same seed gives the same set.
        faults: Rates as ``faults.parse_faults`` reads them, or a mapping.
        image_format: ``jpg`` or ``png``.
        table_format: ``csv`` writes ``pairs.csv``, and so on; ``webdataset`` writes ``pairs.tar``,
            which holds the pictures again.
        side: Width and height of the pictures in pixels, at least 32.
        workers: How many processes draw; None takes all cores for more than 2,000 pairs. A script
            that uses several must guard its start with ``if __name__ == "__main__":``.
        overwrite: Replace a storybook set that is there already.
        progress: Called with the rows done and the rows in all.

    Returns:
        What was written.

    Raises:
        UsageError: An option that cannot be.
        OutputExistsError: The folder is there already, or cannot be written to.
    """
    if image_format not in IMAGE_FORMATS:
        raise UsageError(f"image format `{image_format}`: must be {' or '.join(IMAGE_FORMATS)}")
    if table_format not in WRITERS:
        raise UsageError(f"table format `{table_format}`: must be {' or '.join(WRITERS)}")
    if side < 32:
        raise UsageError(f"pictures must be at least 32 pixels wide, got {side}")
    plan = _checked_plan(seed, num_pairs, faults, table_format)
    if workers is None:
        workers = 1 if num_pairs <= _FEW_PAIRS else os.cpu_count() or 1
    target, table_name = Path(directory), TABLE_NAMES[table_format]
    with _whole_or_nothing(target, overwrite=overwrite) as folder:
        work = partial(
            _write_block, plan=plan, directory=folder, side=side, image_format=image_format
        )
        table: TableWriter = WRITERS[table_format](folder / table_name)
        with (
            contextlib.closing(table),
            (folder / "truth.csv").open("w", encoding="utf-8", newline="") as truth,
        ):
            truth.write(",".join(field.name for field in fields(Truth)) + "\n")
            done = 0
            for rows in _blocks(work, num_pairs, workers):
                table.write(rows)
                truth.write(_truth_lines(rows))
                done += len(rows)
                if progress is not None:
                    progress(done, num_pairs)
    names = [fault.name for fault in plan.faults.values()]
    return StorybookSet(
        directory=target,
        table=target / table_name,
        truth=target / "truth.csv",
        num_pairs=num_pairs,
        num_faults={name: names.count(name) for name in dict.fromkeys(names)},
    )
