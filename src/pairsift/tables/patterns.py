"""What names stand for many: ranges and lists in braces, globs, and the tables among files."""

import itertools
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from pairsift.errors import UsageError
from pairsift.tables.formats import FORMATS

METADATA_NAMES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
"""The table of an imagefolder, as Hugging Face datasets name it."""

MAX_FILES = 1_000_000
"""A range in braces that gives more is a slip."""

_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
_LIST = re.compile(r"\{([^{}]*,[^{}]*)\}")


def has_braces(argument: str) -> bool:
    """Say whether a name has a range or a list in braces."""
    return bool(_RANGE.search(argument) or _LIST.search(argument))


def has_wildcards(argument: str) -> bool:
    """Say whether a name is a glob."""
    return bool(re.search(r"[*?[]", argument))


def expand_braces(argument: str) -> list[str]:
    """Return the names that a range such as ``{00..12}`` or a list such as ``{a,b}`` stands for.

    Raises:
        UsageError: They are too many.

    Example:
        >>> expand_braces("{a,b}/{9..10}.csv")
        ['a/9.csv', 'b/9.csv', 'a/10.csv', 'b/10.csv']
    """
    found = list(itertools.islice(_expand(argument), MAX_FILES + 1))
    if len(found) > MAX_FILES:
        message = f"{argument} stands for more than {MAX_FILES:,} files"
        raise UsageError(message)
    return found


def is_match(key: Sequence[str], pattern: Sequence[str]) -> bool:
    """Say whether the parts of a path fit those of a glob.

    Example:
        >>> is_match(["a", "b", "c", "7.csv"], ["a", "**", "[0-9].csv"])
        True
        >>> is_match(["a", "b", "7.csv"], ["a", "*.csv"])
        False
    """
    if not pattern:
        return not key
    if pattern[0] == "**":
        return any(is_match(key[begin:], pattern[1:]) for begin in range(len(key) + 1))
    return bool(key) and fnmatchcase(key[0], pattern[0]) and is_match(key[1:], pattern[1:])


def tables_among(names: Sequence[str]) -> list[str]:
    """Return which files of a folder are its table: those of an imagefolder, else all tables.

    Args:
        names: Of all files, sorted.
    """
    metadata = [name for name in names if name.rpartition("/")[2] in METADATA_NAMES]
    # Text files beside images are captions.
    suffixes = tuple(s for f in FORMATS for s in f.suffixes if not s.startswith(".txt"))
    return metadata or [name for name in names if name.lower().endswith(suffixes)]


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
