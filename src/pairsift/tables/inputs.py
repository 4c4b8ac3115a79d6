"""From what the user names to files: one file, a folder, a glob, a range in braces."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from pairsift.config import TableConfig
from pairsift.errors import UsageError
from pairsift.objects import as_address
from pairsift.tables import vectors
from pairsift.tables.bucket_inputs import find_in_bucket
from pairsift.tables.embeddings import find_embeddings
from pairsift.tables.folder import IMAGE_SUFFIXES, find_files
from pairsift.tables.formats import format_of
from pairsift.tables.patterns import expand_braces, has_braces, has_wildcards, tables_among
from pairsift.tables.vectors import arrays_name


def find_inputs(argument: str, config: TableConfig) -> tuple[Path, ...]:
    """Return the files that an INPUT argument stands for, in the order that numbers them.

    Args:
        argument: A file; a folder; a glob (``*``, ``?``, ``[``, ``**``); a range such as
            ``{00000..00099}`` or a list such as ``{a,b}``. A name that exists is taken as it is.
            Of a folder these are taken, the first kind that is there: the ``metadata.csv`` (or
            ``.jsonl``, ``.parquet``) of an imagefolder, in it or below; all tables of one format
            in it or below; the images, and then the folder itself is the table. All but the last
            may be an address in an object store, such as ``s3://BUCKET/KEY``.
        config: With ``from_embeddings`` a folder stands for the pairs of arrays in it.

    Returns:
        At least one path, all of one format; sorted, but a range in its own order. Of what is in
        an object store they are copies (``staging.origin_of`` tells of what).

    Raises:
        UsageError: Nothing is found, a file of a range is missing, or formats are mixed.
        OSError: The object store cannot be read.
    """
    path = Path(argument)
    address = as_address(argument)
    if address is not None and config.from_embeddings is not None:
        message = f"--from-embeddings reads arrays on this machine; copy {address} here"
        raise UsageError(message)
    if address is not None:
        found = find_in_bucket(address)
    elif path.is_dir() and config.from_embeddings is not None:
        parts = find_embeddings(path, model=arrays_name(config))
        found = [part.images.path for part in parts]
    elif path.is_dir():
        found = _in_folder(path)
    elif path.exists():
        found = [path]
    elif has_braces(argument):
        found = _in_braces(argument)
    elif has_wildcards(argument):
        found = sorted(each for each in _glob(argument) if each.is_file())
        if not found:
            message = f"no file matches {argument}"
            raise UsageError(message)
    else:
        message = f"no such table: {argument}"
        raise UsageError(message)
    _check_one_format(found, argument)
    if config.from_embeddings is not None and format_of(found[0]) is not vectors.FORMAT:
        message = f"{argument} holds no embeddings: --from-embeddings is for .npy, .npz and folders"
        raise UsageError(message)
    return tuple(found)


def output_paths(
    output: Path | None, inputs: Sequence[Path], *, is_folder: bool = False
) -> list[tuple[Path | None, tuple[int, ...]]]:
    """Return which output takes the rows of which inputs.

    A file takes all of them. A folder gets one file of the input's name for each, which is how many
    tars are rewritten.

    Args:
        output: As the user gave it; None is standard output.
        inputs: As ``find_inputs`` gives them.
        is_folder: The output is one, though it is not on this machine.

    Returns:
        Outputs with the ordinals of their inputs, in order.

    Raises:
        UsageError: Two inputs have the same name.

    Example:
        >>> output_paths(Path("out.csv"), [Path("a.csv"), Path("b.csv")])
        [(PosixPath('out.csv'), (0, 1))]
    """
    if output is None or not (is_folder or output.is_dir()):
        return [(output, tuple(range(len(inputs))))]
    twice = [name for name, count in Counter(path.name for path in inputs).items() if count > 1]
    if twice:
        message = f"{output} is a folder, and {len(twice)} names stand twice, such as {twice[0]}"
        raise UsageError(message)
    return [(output / path.name, (ordinal,)) for ordinal, path in enumerate(inputs)]


def _in_folder(folder: Path) -> list[Path]:
    names = sorted(find_files(folder))
    if tables := tables_among(names):
        return [folder / name for name in tables]
    if any(name.lower().endswith(IMAGE_SUFFIXES) for name in names):
        return [folder]
    message = f"{folder} holds neither tables nor images"
    raise UsageError(message)


def _in_braces(argument: str) -> list[Path]:
    found = [Path(name) for name in expand_braces(argument)]
    missing = [path for path in found if not path.exists()]
    if missing:
        message = f"{len(missing):,} of {len(found):,} files are missing, such as {missing[0]}"
        raise UsageError(message)
    return found


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
