"""The names in a run folder: one place that knows them.

A shard is named by its file's ordinal, its first row and its generation; the names sort as the
rows do.
"""

import re
from dataclasses import dataclass
from typing import Final

FORMAT_VERSION: Final = 1

RUN: Final = "run.json"
PLAN: Final = "plan.json"
WRITING: Final = "writing.json"
TABLE: Final = "table.json"
SUMMARY: Final = "summary.json"
SUCCESS: Final = "_SUCCESS"
SCORES: Final = "scores"
EMBEDDINGS: Final = "embeddings"
COMMITS: Final = "commits"
ATTEMPTS: Final = "attempts"
RETRIES: Final = "retries"
EFFECTIVE: Final = "effective"
DERIVED: Final = "derived"
NAMING: Final = "naming"

FOLDERS: Final = (SCORES, EMBEDDINGS, COMMITS, ATTEMPTS, RETRIES, EFFECTIVE, DERIVED, NAMING)
OBJECTS: Final = (RUN, PLAN, WRITING, TABLE, SUMMARY, SUCCESS)

_STEM = re.compile(r"(\d{5,})-(\d{12,})-g(\d+)")
_OWN = re.compile(
    rf"(?:{SCORES}|{EFFECTIVE})/{_STEM.pattern}(?:-[0-9a-f]+)?\.parquet"
    rf"|{EMBEDDINGS}/{_STEM.pattern}-(?:images|captions)(?:-[0-9a-f]+)?\.parquet"
    rf"|{COMMITS}/{_STEM.pattern}\.json"
    rf"|{ATTEMPTS}/{_STEM.pattern}-[0-9a-f]+\.json"
    rf"|{RETRIES}/g\d+\.json"
    rf"|{NAMING}/[0-9a-f]+\.json"
    rf"|{DERIVED}/[a-z-]+\.parquet"
)


@dataclass(frozen=True, order=True)
class ShardKey:
    """What tells one shard from another.

    Args:
        file: Ordinal of its input file.
        first_row: Ordinal in that file of its first row.
        generation: 0, or of an overlay the number of the retry that made it.

    Example:
        >>> ShardKey(0, 4096).stem
        '00000-000000004096-g0'
    """

    file: int
    first_row: int
    generation: int = 0

    @property
    def base(self) -> str:
        """The name without the generation: what an overlay and its shard have in common."""
        return f"{self.file:05}-{self.first_row:012}"

    @property
    def stem(self) -> str:
        """The name that its objects begin with."""
        return f"{self.base}-g{self.generation}"

    @property
    def scores(self) -> str:
        """One score row a table row."""
        return f"{SCORES}/{self.stem}.parquet"

    @property
    def images(self) -> str:
        """One embedding a distinct image."""
        return f"{EMBEDDINGS}/{self.stem}-images.parquet"

    @property
    def captions(self) -> str:
        """One embedding a distinct caption."""
        return f"{EMBEDDINGS}/{self.stem}-captions.parquet"

    @property
    def commit(self) -> str:
        """What makes the shard count."""
        return f"{COMMITS}/{self.stem}.json"

    def attempt(self, token: str) -> str:
        """Return the name of the mark that somebody has begun it."""
        return f"{ATTEMPTS}/{self.stem}-{token}.json"


def key_of(name: str) -> ShardKey | None:
    """Return the shard that an object belongs to, or None for another kind of object.

    Example:
        >>> key_of("commits/00001-000000000007-g2.json")
        ShardKey(file=1, first_row=7, generation=2)
    """
    found = _STEM.match(name.rsplit("/", 1)[-1])
    return None if found is None else ShardKey(*map(int, found.groups()))


def is_own(name: str) -> bool:
    """Say whether an object in a folder of a run has a name that only a run gives.

    Example:
        >>> is_own("scores/00000-000000004096-g0.parquet"), is_own("scores/thesis.parquet")
        (True, False)
    """
    return _OWN.fullmatch(name) is not None
