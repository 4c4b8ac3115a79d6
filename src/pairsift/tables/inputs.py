"""From what the user names to files: one file, a folder, a glob, a range in braces."""

import itertools
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from pairsift.config import TableConfig
from pairsift.errors import UsageError
from pairsift.tables.folder import IMAGE_SUFFIXES, find_files
from pairsift.tables.formats import FORMATS, format_of

METADATA_NAMES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
"""The table of an imagefolder, as Hugging Face datasets name it."""

MAX_FILES = 1_000_000
"""A range in braces that gives more is a slip."""

_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
_LIST = re.compile(r"\{([^{}]*,[^{}]*)\}")


def find_inputs(argument: str, config: TableConfig) -> tuple[Path, ...]:  # noqa: ARG001 - the seam
    """Return the files that an INPUT argument stands for, in the order that numbers them.

    Args:
        argument: A file; a folder; a glob (``*``, ``?``, ``[``, ``**``); a range such as
            ``{00000..00099}`` or a list such as ``{a,b}``. A name that exists is taken as it is.
            Of a folder these are taken, the first kind that is there: the ``metadata.csv`` (or
            ``.jsonl``, ``.parquet``) of an imagefolder, in it or below; all tables of one format
            in it or below; the images, and then the folder itself is the table.
        config: Options of tables.

    Returns:
        At least one path, all of one format; sorted, but a range in its own order.

    Raises:
        UsageError: Nothing is found, a file of a range is missing, or formats are mixed.
    """
    path = Path(argument)
    if path.is_dir():
        found = _in_folder(path)
    elif path.exists():
        found = [path]
    elif _RANGE.search(argument) or _LIST.search(argument):
        found = _in_braces(argument)
    elif re.search(r"[*?[]", argument):
        found = sorted(each for each in _glob(argument) if each.is_file())
        if not found:
            message = f"no file matches {argument}"
            raise UsageError(message)
    else:
        message = f"no such table: {argument}"
        raise UsageError(message)
    _check_one_format(found, argument)
    return tuple(found)


def output_paths(
    output: Path | None, inputs: Sequence[Path]
) -> list[tuple[Path | None, tuple[int, ...]]]:
    """Return which output takes the rows of which inputs.

    A file takes all of them. A folder gets one file of the input's name for each, which is how many
    tars are rewritten.

    Args:
        output: As the user gave it; None is standard output.
        inputs: As ``find_inputs`` gives them.

    Returns:
        Outputs with the ordinals of their inputs, in order.

    Raises:
        UsageError: Two inputs have the same name.

    Example:
        >>> output_paths(Path("out.csv"), [Path("a.csv"), Path("b.csv")])
        [(PosixPath('out.csv'), (0, 1))]
    """
    if output is None or not output.is_dir():
        return [(output, tuple(range(len(inputs))))]
    twice = [name for name, count in Counter(path.name for path in inputs).items() if count > 1]
    if twice:
        message = f"{output} is a folder, and {len(twice)} names stand twice, such as {twice[0]}"
        raise UsageError(message)
    return [(output / path.name, (ordinal,)) for ordinal, path in enumerate(inputs)]


def _in_folder(folder: Path) -> list[Path]:
    names = sorted(find_files(folder))
    metadata = [name for name in names if name.rpartition("/")[2] in METADATA_NAMES]
    if metadata:
        return [folder / name for name in metadata]
    # Text files beside images are captions.
    suffixes = tuple(s for f in FORMATS for s in f.suffixes if not s.startswith(".txt"))
    tables = [name for name in names if name.lower().endswith(suffixes)]
    if tables:
        return [folder / name for name in tables]
    if any(name.lower().endswith(IMAGE_SUFFIXES) for name in names):
        return [folder]
    message = f"{folder} holds neither tables nor images"
    raise UsageError(message)


def _in_braces(argument: str) -> list[Path]:
    found = [Path(name) for name in itertools.islice(_expand(argument), MAX_FILES + 1)]
    if len(found) > MAX_FILES:
        message = f"{argument} stands for more than {MAX_FILES:,} files"
        raise UsageError(message)
    missing = [path for path in found if not path.exists()]
    if missing:
        message = f"{len(missing):,} of {len(found):,} files are missing, such as {missing[0]}"
        raise UsageError(message)
    return found


def _expand(argument: str) -> Iterator[str]:
    if found := _RANGE.search(argument):
        first, last = found[1], found[2]
        step = 1 if int(first) <= int(last) else -1
        numbers = range(int(first), int(last) + step, step)
        choices: Iterator[str] = (str(number).zfill(len(first)) for number in numbers)
    elif found := _LIST.search(argument):
        choices = iter(found[1].split(","))
    else:
        yield argument
        return
    for choice in choices:
        yield from _expand(argument[: found.start()] + choice + argument[found.end() :])


def _glob(argument: str) -> Iterator[Path]:
    path = Path(argument)
    root = Path(path.anchor) if path.is_absolute() else Path()
    pattern = os.path.relpath(argument, root) if path.is_absolute() else argument
    return root.glob(pattern)


def _check_one_format(found: Sequence[Path], argument: str) -> None:
    kinds = Counter(format_of(path).name for path in found)
    if len(kinds) > 1:
        counts = ", ".join(f"{count} {name}" for name, count in sorted(kinds.items()))
        message = f"{argument} holds tables of several formats ({counts}); name them by a glob"
        raise UsageError(message)
