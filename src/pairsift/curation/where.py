"""Conditions on columns in SQL, such as ``width >= 256 AND punsafe < 0.5``; needs ``curate``.

A condition is somebody's text, and a recipe may come from anybody. It is one expression about one
row: no queries inside it, no files, no settings, and nothing that differs from run to run.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pairsift.errors import MissingExtraError, UsageError

BoolArray = NDArray[np.bool_]

_CLASSES: Final = (
    *("BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION"),
    *("CONSTANT", "FUNCTION", "LAMBDA", "LAMBDA_REF", "OPERATOR", "TYPE"),
)
"""Kinds of expressions that look at one row and at nothing else."""

_MACROS: Final = (
    *("array_to_string", "date_add", "days_in_month", "fdiv", "fmod", "if", "list_any_value"),
    *("list_append", "list_avg", "list_count", "list_first", "list_last", "list_max"),
    *("list_median", "list_min", "list_prepend", "list_reverse", "list_sum"),
    *("map_contains_value", "nullif", "split_part"),
)
"""DuckDB's macros about one row. Others hide an aggregate, the user, or the clock."""

_TAKE_LAMBDA: Final = frozenset(
    f"{prefix}{name}"
    for prefix in ("", "list_", "array_")
    for name in ("apply", "filter", "reduce", "transform")
)
"""Functions whose ``x -> …`` is a lambda; elsewhere the arrow reads a field of JSON."""

_INTEGER: Final = r"^[+-]?(?:0|[1-9][0-9]{0,17})$"
_NUMBER: Final = r"^[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"
_TRUTH: Final = r"(?i)^(?:true|false)$"


class Condition:
    """A condition that each row meets or does not meet.

    Args:
        text: An SQL expression in DuckDB's dialect.

    Raises:
        UsageError: It is not one expression about one row.
        MissingExtraError: DuckDB is not installed.
    """

    def __init__(self, text: str) -> None:
        if not text.strip():
            raise UsageError("where is empty; give an expression such as width >= 256")
        self.text = text
        self._database = _open_database()
        tree = self._parse()
        _check_nodes(text, tree)
        self._check_functions(tree)
        self.columns: tuple[str, ...] = tuple(dict.fromkeys(_columns(tree, frozenset())))
        """Columns that it names, as written."""

    def meets(self, rows: pa.RecordBatch) -> BoolArray:
        """Say which rows meet the condition; one that is null for a row is not met.

        Args:
            rows: With the columns that it names.

        Raises:
            UsageError: A type does not fit, or the expression is neither true nor false.
        """
        table = pa.Table.from_batches([rows])
        # The text was parsed and found to be one expression; the line end closes a comment.
        query = f"SELECT ({self.text}\n) AS met FROM rows"  # noqa: S608
        found = self._run(query, table)
        if not pa.types.is_boolean(found.schema.field("met").type):
            message = f"where `{self.text}` is neither true nor false, but {found.schema[0].type}"
            raise UsageError(message)
        if found.num_rows != table.num_rows:
            raise UsageError(f"where `{self.text}` does not give one answer for each row")
        met = pc.fill_null(found.column("met").combine_chunks(), False)  # noqa: FBT003
        return np.asarray(met.to_numpy(zero_copy_only=False), dtype=bool)

    def _run(self, query: str, table: pa.Table) -> pa.Table:
        import duckdb  # noqa: PLC0415 - an extra

        try:
            self._database.register("rows", table)
            return self._database.sql(query).to_arrow_table()
        except duckdb.Error as error:
            first = str(error).splitlines()[0]
            message = f"where `{self.text}`: {first} (columns: {', '.join(table.column_names)})"
            raise UsageError(message) from error

    def _parse(self) -> dict[str, Any]:
        query = f"SELECT ({self.text}\n)"
        found = self._database.execute("SELECT json_serialize_sql(?::VARCHAR)", [query]).fetchall()
        tree: dict[str, Any] = json.loads(found[0][0])
        if tree["error"]:
            raise UsageError(f"where `{self.text}`: {tree['error_message']}")
        select = tree["statements"][0]["node"]
        is_one = len(tree["statements"]) == 1 and select.get("type") == "SELECT_NODE"
        if not is_one or select["from_table"]["type"] != "EMPTY" or len(select["select_list"]) != 1:
            raise UsageError(f"where `{self.text}`: give one expression, not a query")
        expression: dict[str, Any] = select["select_list"][0]
        others = {k: v for k, v in select.items() if k not in ("select_list", "from_table")}
        if any("class" in node for node in _nodes(others)):
            raise UsageError(f"where `{self.text}`: give one expression, not a query")
        return expression

    def _check_functions(self, tree: dict[str, Any]) -> None:
        names = {n["function_name"] for n in _nodes(tree) if n.get("class") == "FUNCTION"}
        for name in sorted(names):
            kinds = self._database.execute(
                "SELECT DISTINCT function_type, coalesce(stability, 'CONSISTENT') "
                "FROM duckdb_functions() WHERE function_name = ?",
                [name],
            ).fetchall()
            found = {kind for kind, _ in kinds}
            is_row_wise = "scalar" in found or name in _MACROS or not found
            if not is_row_wise or "aggregate" in found:
                message = f"where `{self.text}`: {name}() looks at more than one row"
                raise UsageError(message)
            is_steady = all(
                stability == "CONSISTENT" for kind, stability in kinds if kind == "scalar"
            )
            # Operators have versions for clocks too; those need a clock, which is a function.
            if name.isidentifier() and not is_steady:
                message = f"where `{self.text}`: {name}() gives something else each time"
                raise UsageError(message)


def widest_kind(column: pa.ChunkedArray | pa.Array, kind: pa.DataType | None) -> pa.DataType:
    """Return what a column of text can be read as, given what its rows so far could be.

    Args:
        column: Text; empty cells and nulls say nothing.
        kind: Of the rows before, or None.

    Returns:
        int64, float64, bool or string. Numbers with leading zeros are text: they are codes.
    """
    if kind is not None and pa.types.is_string(kind):
        return kind
    texts = pc.utf8_trim_whitespace(column)
    texts = texts.filter(pc.fill_null(pc.greater(pc.binary_length(texts), 0), False))  # noqa: FBT003
    if len(texts) == 0:
        return pa.null() if kind is None else kind
    for wider, pattern in (
        (pa.int64(), _INTEGER),
        (pa.float64(), _NUMBER),
        (pa.bool_(), _TRUTH),
    ):
        if pc.all(pc.match_substring_regex(texts, pattern)).as_py():
            return wider if kind is None or pa.types.is_null(kind) else _wider(kind, wider)
    return pa.string()


def read_as(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return text as what ``widest_kind`` found; empty cells become null."""
    if pa.types.is_string(kind):
        return column
    if pa.types.is_null(kind):
        return pa.nulls(len(column))
    texts = pc.utf8_trim_whitespace(column)
    is_there = pc.fill_null(pc.greater(pc.binary_length(texts), 0), False)  # noqa: FBT003
    texts = pc.if_else(is_there, texts, pa.scalar(None, pa.string()))
    return pc.cast(pc.utf8_lower(texts) if pa.types.is_boolean(kind) else texts, kind)


def _wider(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    if one == other:
        return one
    is_number = not (pa.types.is_boolean(one) or pa.types.is_boolean(other))
    return pa.float64() if is_number else pa.string()


def _open_database() -> Any:
    try:
        import duckdb  # noqa: PLC0415 - an extra
    except ImportError as error:
        message = 'conditions in SQL need DuckDB: pip install "pairsift[curate]"'
        raise MissingExtraError(message) from error
    settings = {
        "enable_external_access": "false",
        "python_enable_replacements": "false",
        "memory_limit": "1GB",
        "threads": "1",
    }
    database = duckdb.connect(":memory:", config=settings)
    database.execute("SET lock_configuration = true")
    return database


def _check_nodes(text: str, tree: dict[str, Any]) -> None:
    for node in _nodes(tree):
        kind = node.get("class")
        if kind is not None and kind not in _CLASSES:
            message = f"where `{text}`: {str(kind).lower()} is not accepted; look at one row"
            raise UsageError(message)


def _columns(tree: Any, bound: frozenset[str]) -> Iterator[str]:
    """Yield the columns of an expression, without the parameters of lambdas."""
    if isinstance(tree, list):
        for value in tree:
            yield from _columns(value, bound)
    if not isinstance(tree, dict):
        return
    if tree.get("class") == "COLUMN_REF":
        name = str(tree["column_names"][0])
        if name not in bound:
            yield name
        return
    if tree.get("class") == "FUNCTION" and tree["function_name"] in _TAKE_LAMBDA:
        for node in _nodes([argument.get("expression") for argument in tree["arguments"]]):
            if node.get("class") == "LAMBDA":
                bound |= frozenset(_columns(node["lhs"], frozenset()))
    for value in tree.values():
        yield from _columns(value, bound)


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
        for value in tree.values():
            yield from _nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _nodes(value)
