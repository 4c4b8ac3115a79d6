"""A recipe: which rules decide about the rows of a run, in which order, in one small TOML file."""

import hashlib
import tomllib
from dataclasses import MISSING, asdict, dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from pairsift.curation.declared import RULES, DeclaredRule, kind_of
from pairsift.errors import UsageError

VERSION = 1

DEFAULT_RECIPE = """\
# pairsift curate: which rows stay, rule by rule. A dropped row keeps its place and its reasons.
version = 1
seed = 0

[[rule]]
kind = "status"         # rows without a similarity go

[[rule]]
kind = "mismatches"     # wrong pairs go
drop = ["swap", "shift", "boilerplate", "url", "file name", "number or id"]

[[rule]]
kind = "duplicates"     # of one picture the best scored pair stays
by = ["exact"]

# A share and no fixed number: raw similarities mean something else for every model and set, and
# the best 30 % beat LAION's fixed 0.28 at every scale of DataComp (Gadre et al. 2023, Table 3).
[[rule]]
kind = "threshold"
keep = "top:30%"
"""
"""What is used without ``--recipe``."""

_TOP_KEYS = ("version", "seed", "rule")


@dataclass(frozen=True)
class Recipe:
    """Rules in the order in which they are applied.

    Args:
        rules: At least one.
        seed: Of all that is drawn.
        text: The file as it was read.
    """

    rules: tuple[DeclaredRule, ...]
    seed: int
    text: str

    @property
    def sha256(self) -> str:
        """Digest of the file, in hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return the recipe as plain data, with every setting that was left out."""
        rules = [{"kind": kind_of(rule)} | asdict(rule) for rule in self.rules]
        return {"version": VERSION, "seed": self.seed, "rule": rules}


def read_recipe(path: Path | None) -> Recipe:
    """Read a recipe's file, or the default recipe.

    Raises:
        UsageError: It cannot be read, or says what no recipe says; the message names it.
    """
    if path is None:
        return parse_recipe(DEFAULT_RECIPE)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"cannot read the recipe {path}: {getattr(error, 'strerror', None) or error}"
        raise UsageError(message) from error
    return parse_recipe(text, source=path.name)


def parse_recipe(text: str, *, source: str = "the recipe") -> Recipe:
    r"""Read a recipe.

    Args:
        text: TOML.
        source: What messages call it.

    Raises:
        UsageError: It says what no recipe says; the message names it and what is accepted.

    Example:
        >>> parse_recipe('[[rule]]\nkind = "threshold"\nkeep = "top:10%"').rules
        (ThresholdRule(keep='top:10%', by=None, score='similarity'),)
    """
    try:
        plain = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{source} is no TOML: {error}") from error
    _check_keys(plain, _TOP_KEYS, source)
    version = plain.get("version", VERSION)
    if version != VERSION:
        raise UsageError(f"{source} has version {version}; this pairsift reads {VERSION}")
    seed = plain.get("seed", 0)
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
        raise UsageError(f"{source}: seed {seed!r} is no whole number from 0")
    declared = plain.get("rule", [])
    if not isinstance(declared, list) or not declared:
        raise UsageError(f"{source} has no rules; each begins with [[rule]] and has a kind")
    rules = tuple(
        _read_rule(item, f"{source}, rule {number}") for number, item in enumerate(declared, 1)
    )
    return Recipe(rules, seed, text)


def _read_rule(plain: Any, source: str) -> DeclaredRule:
    if not isinstance(plain, dict):
        raise UsageError(f"{source} is no table; it begins with [[rule]]")
    settings = dict(plain)
    kind = settings.pop("kind", None)
    if kind not in RULES:
        words = "has no kind" if kind is None else f"has an unknown kind `{kind}`"
        raise UsageError(f"{source} {words}; accepted: {', '.join(RULES)}")
    declared = RULES[kind]
    source = f"{source} ({kind})"
    _check_keys(settings, tuple(item.name for item in fields(declared)), source)
    missing = [
        item.name
        for item in fields(declared)
        if item.default is MISSING and item.name not in settings
    ]
    if missing:
        raise UsageError(f"{source} needs {missing[0]}")
    hints = get_type_hints(declared)
    values = {
        name: _read_value(value, hints[name], f"{source}: {name}")
        for name, value in settings.items()
    }
    try:
        return declared(**values)
    except UsageError as error:
        raise UsageError(f"{source}: {error}") from error


def _read_value(value: Any, kind: Any, source: str) -> Any:
    """Return a setting as its type, or say what it must be."""
    kinds = get_args(kind) if get_origin(kind) is UnionType else (kind,)
    kind = next(inner for inner in kinds if inner is not type(None))
    if get_origin(kind) is Literal:
        if value in get_args(kind):
            return value
        raise UsageError(f"{source} is {value!r}; accepted: {', '.join(get_args(kind))}")
    if get_origin(kind) is tuple:
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        raise UsageError(f'{source} is {value!r}; give a list of texts: ["…", "…"]')
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind is float and is_number:
        return float(value)
    if isinstance(value, kind) and not (isinstance(value, bool) or (kind is int and value < 0)):
        return value
    words = {int: "a whole number from 0", float: "a number", str: "a text"}
    raise UsageError(f"{source} is {value!r}; give {words[kind]}")


def _check_keys(plain: dict[str, Any], accepted: tuple[str, ...], source: str) -> None:
    for key in plain:
        if key not in accepted:
            near = get_close_matches(key, accepted, 1)
            hint = f" (hint: {near[0]}?)" if near else ""
            message = f"{source}: unknown key `{key}`; accepted: {', '.join(accepted)}{hint}"
            raise UsageError(message)
