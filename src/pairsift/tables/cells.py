"""Arrow values as text, for formats without types: one cell of CSV, one value of JSON."""

import base64
import datetime as dt
import json
import math
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


def text_column(column: Any) -> Any:
    """Return a column as text, null where it is null.

    Numbers are the shortest text that reads back as the same value, bytes are base64, and what
    holds other values is JSON.
    """
    kind = column.type
    if isinstance(column, pa.ExtensionArray):
        return text_column(column.storage)
    if pa.types.is_dictionary(kind):
        return text_column(column.dictionary_decode())
    is_plain = pa.types.is_primitive(kind) or pa.types.is_decimal(kind)
    if is_plain or _is_text(kind) or pa.types.is_null(kind):
        try:
            return column.cast(pa.string())
        except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
            pass
    texts = [None if value is None else _text(value) for value in column.to_pylist()]
    return pa.array(texts, pa.string())


def json_value(value: Any) -> str:
    """Return a value as JSON on one line.

    Example:
        >>> json_value({"a": [1, None], "b": b"xy"})
        '{"a": [1, null], "b": "eHk="}'
    """
    try:
        return json.dumps(value, ensure_ascii=False, default=_plain, allow_nan=False)
    except ValueError:
        # JSON has no word for NaN and infinity.
        return json.dumps(_finite(value), ensure_ascii=False, default=_plain)


def json_column(column: Any) -> list[bytes]:
    """Return one JSON value a row of a column of numbers, truth values or text."""
    kind = column.type
    if pa.types.is_floating(kind):
        # Arrow's text of a float is the shortest that reads back as the same float32.
        texts = pc.fill_null(column.cast(pa.string()), "null").to_pylist()
        return [(t if set(t) & set(".enN") else t + ".0").encode() for t in texts]
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return [t.encode() for t in pc.fill_null(column.cast(pa.string()), "null").to_pylist()]
    known: dict[str | None, bytes] = {}
    texts = column.to_pylist()
    for text in texts:
        if text not in known:
            known[text] = json_value(text).encode("utf-8", "replace")
    return [known[text] for text in texts]


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _text(value: Any) -> str:
    if isinstance(value, bytes | dt.date | dt.time):
        return str(_plain(value))
    return value if isinstance(value, str) else json_value(value)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return str(value)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list | tuple) else value
