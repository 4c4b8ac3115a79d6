"""The types of JSON fields, where a format with types or with columns is asked for."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from pairsift.tables.cells import json_value

_TYPES = {
    "null": pa.string(),
    "bool": pa.bool_(),
    "int": pa.int64(),
    "float": pa.float64(),
    "text": pa.string(),
}


class Fields:
    """Which keys many objects have, and the type that holds the values of each.

    Args:
        names: Keys that come first.

    Example:
        >>> fields = Fields(["a"])
        >>> fields.add({"b": 1, "a": None})
        >>> fields.add({"b": 0.5, "a": [1]})
        >>> fields.to_arrow().types
        [DataType(string), DataType(double)]
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._kinds: dict[str, str] = dict.fromkeys(names, "null")

    def add(self, values: Mapping[str, Any]) -> None:
        """Take one object into account."""
        for name, value in values.items():
            key = clean(name)
            self._kinds[key] = _wider(self._kinds.get(key, "null"), _kind(value))

    def to_arrow(self) -> pa.Schema:
        """Return the columns; text, which then is JSON, where values differ or hold others."""
        return pa.schema([(name, _TYPES[kind]) for name, kind in self._kinds.items()])


def column_of(values: Iterable[Any], kind: pa.DataType) -> pa.Array:
    """Return values as a column; text stays text and everything else becomes JSON in a text."""
    if pa.types.is_string(kind):
        texts = [v if v is None or isinstance(v, str) else json_value(v) for v in values]
        return pa.array([text and clean(text) for text in texts], kind)
    if pa.types.is_floating(kind):
        return pa.array([v if v is None else float(v) for v in values], kind)
    return pa.array(values, kind)


def clean(text: str) -> str:
    """Return text that Arrow can hold: a mark stands for what is no valid UTF-8."""
    if text.isascii():
        return text
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int" if -(1 << 63) <= value < 1 << 63 else "text"
    return "float" if isinstance(value, float) and math.isfinite(value) else "text"


def _wider(one: str, other: str) -> str:
    if other in (one, "null"):
        return one
    if one == "null":
        return other
    return "float" if {one, other} == {"int", "float"} else "text"
