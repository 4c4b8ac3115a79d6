"""Which of the user's columns hold the pair, and what the added columns are called."""

from collections.abc import Sequence

from pairsift.config import TableConfig
from pairsift.errors import ColumnError

IMAGE_NAMES = (
    "image",
    "image_path",
    "img",
    "path",
    "file",
    "filename",
    "file_name",
    "filepath",
    "url",
    "image_url",
)
CAPTION_NAMES = ("caption", "text", "title", "alt", "alt_text", "prompt", "description")


def find_columns(names: Sequence[str], config: TableConfig) -> tuple[str, str]:
    """Return the names of the image and the caption column.

    Args:
        names: The table's columns.
        config: May name either; otherwise the first usual name that is there is taken.

    Raises:
        ColumnError: A column is missing or stands twice; the message lists what there is.

    Example:
        >>> find_columns(["id", "Image", "text", "alt"], TableConfig())
        ('Image', 'text')
    """
    image = _find(names, config.image_column, IMAGE_NAMES, "image")
    caption = _find(names, config.caption_column, CAPTION_NAMES, "caption")
    if image == caption:
        message = f"column {image} cannot be both the image and the caption"
        raise ColumnError(message)
    return image, caption


def has_usual_name(names: Sequence[str], usual: Sequence[str]) -> bool:
    """Return whether one of the usual names is among a table's columns."""
    return not set(map(_fold, names)).isdisjoint(usual)


def check_columns(names: Sequence[str], *wanted: str) -> None:
    """Refuse columns that a reader does not have.

    Raises:
        ColumnError: There is no such column; the message lists what there is.
    """
    for column in wanted:
        if column not in names:
            message = f"column {column} not found; available: {', '.join(names)}"
            raise ColumnError(message)


def added_names(names: Sequence[str], added: Sequence[str], prefix: str) -> list[str]:
    """Return the added columns' names with the prefix.

    Args:
        names: The table's columns.
        added: Names to add.
        prefix: Put before each.

    Raises:
        ColumnError: The table has a column of that name already.
    """
    wanted = [prefix + name for name in added]
    taken = [name for name in wanted if name in set(names)]
    if taken:
        message = (
            f"the table has a column {', '.join(taken)} already "
            f"(hint: --column-prefix {'new_' if not prefix else prefix + 'new_'})"
        )
        raise ColumnError(message)
    return wanted


def _find(names: Sequence[str], given: str | None, usual: Sequence[str], what: str) -> str:
    available = ", ".join(names) or "none"
    if given is not None:
        matches = [name for name in names if name == given]
        if not matches:
            message = f"column {given} not found; available: {available} (option: --{what}-column)"
            raise ColumnError(message)
    else:
        # The column's own spelling is kept; only the comparison ignores case and blanks.
        folded = [_fold(name) for name in names]
        found = next((name for name in usual if name in folded), None)
        if found is None:
            message = (
                f"no {what} column found; available: {available} "
                f"(hint: --{what}-column {names[0] if names else 'NAME'})"
            )
            raise ColumnError(message)
        matches = [name for name, key in zip(names, folded, strict=True) if key == found]
    if len(matches) > 1:
        message = f"column {matches[0]} stands {len(matches)} times; rename one of them"
        raise ColumnError(message)
    return matches[0]


def _fold(name: str) -> str:
    return name.strip().casefold()
