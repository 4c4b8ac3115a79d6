"""Every exception that pairsift raises on purpose.

The tree::

    PairsiftError
    ├── UsageError (ValueError)              the caller asked for something impossible: exit code 2
    │   ├── ColumnError                      a column is missing, ambiguous or already there
    │   ├── UnknownNameError                 no model, measure or option of that name
    │   ├── TableFormatError                 the table cannot be read as what it says it is
    │   ├── OutputExistsError                the output is there already, or cannot be written
    │   └── RunFolderError                   a run folder is unfinished, damaged or of another job
    ├── ModelError (RuntimeError)            the model's files are missing, wrong or unsound
    │   ├── ModelRecipeError                 a field cannot be derived with certainty
    │   ├── WeightsError                     a checksum, a size or a pinned revision differs
    │   ├── NotFiniteError                   it gave rows that are no numbers; carries which
    │   └── OfflineError                     something has to be fetched, and fetching is off
    ├── MissingExtraError (ImportError)      an optional dependency is not installed
    ├── ShapeError (ValueError)              two arrays do not fit together
    ├── RowError (ValueError)                one row cannot be scored; carries its RowStatus
    │   ├── ImageError                       … because of its image
    │   └── CaptionError                     … because of its caption
    ├── TooManyFailuresError (RuntimeError)  more failed rows than --max-failed: exit 3
    ├── JobError (RuntimeError)              the job cannot go on (disk full, …): exit 1
    └── WorkerLostError (RuntimeError)       a worker's process or machine is gone; others go on

All take positional arguments only and survive pickling, so that a worker can send them home.
"""

from pairsift.statuses import RowStatus


class PairsiftError(Exception):
    """Base of every error raised on purpose; ``exit_code`` is what the command line returns."""

    exit_code = 1


class UsageError(PairsiftError, ValueError):
    """The caller asked for something impossible; the message names what is accepted."""

    exit_code = 2


class ColumnError(UsageError):
    """A column is missing, ambiguous, or has a name that is already taken."""


class UnknownNameError(UsageError):
    """There is no model, measure or setting of that name; the message names the nearest."""


class TableFormatError(UsageError):
    """A table cannot be read as what its suffix or its caller says it is."""


class OutputExistsError(UsageError):
    """The output exists already, or its place cannot be written to."""


class RunFolderError(UsageError):
    """A run folder is missing, unfinished, damaged, or belongs to another configuration."""


class ModelError(PairsiftError, RuntimeError):
    """A model's files are missing, wrong or unsound."""


class ModelRecipeError(ModelError):
    """A model's own config files do not say a field that scoring needs; the field is named."""


class WeightsError(ModelError):
    """A checksum, a size or a pinned revision differs from the one on record."""


class NotFiniteError(ModelError):
    """A tower gave rows that are not finite.

    Args:
        message: In words.
        rows: Which of the rows that it was given.
    """

    def __init__(self, message: str, rows: tuple[int, ...] = ()) -> None:
        # Both go to ``args``, which is what pickling restores from.
        super().__init__(message, rows)
        self.message = message
        self.rows = rows

    def __str__(self) -> str:
        return self.message


class OfflineError(ModelError):
    """Something would have to be fetched, and fetching is switched off."""


class MissingExtraError(PairsiftError, ImportError):
    """An optional dependency is missing; the message is the exact install line."""


class ShapeError(PairsiftError, ValueError):
    """Two arrays do not fit together."""


class RowError(PairsiftError, ValueError):
    """One row cannot be scored.

    Args:
        status: What the output's status column says for this row.
        reason: The words for the output's error column.
    """

    def __init__(self, status: RowStatus, reason: str) -> None:
        # Both go to ``args``, which is what pickling restores from.
        super().__init__(status, reason)
        self.status = status
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class ImageError(RowError):
    """A row's image cannot be found, read or decoded."""


class CaptionError(RowError):
    """A row's caption cannot be scored."""


class TooManyFailuresError(PairsiftError, RuntimeError):
    """More rows failed than the caller allows."""

    exit_code = 3


class JobError(PairsiftError, RuntimeError):
    """The job cannot go on; what was finished stays."""


class WorkerLostError(PairsiftError, RuntimeError):
    """A worker's process or machine is gone; what it had not committed is given to others."""
