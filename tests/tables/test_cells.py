import datetime as dt
import json
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pairsift.tables.cells import json_column, json_value, text_column


@pytest.mark.parametrize(
    ("column", "texts"),
    [
        (pa.array([0.1, None, 1e-9], pa.float32()), ["0.1", None, "1e-9"]),
        (pa.array([2**63], pa.uint64()), ["9223372036854775808"]),
        (pa.array([True, None]), ["true", None]),
        (pa.array(["a", "a", None]).dictionary_encode(), ["a", "a", None]),
        (pa.array(["ä"], pa.large_string()), ["ä"]),
        (pa.array([b"\xff", None]), ["/w==", None]),
        (pa.array([Decimal("1.20")]), ["1.20"]),
        (pa.array([dt.date(2020, 1, 2)]), ["2020-01-02"]),
        (pa.array([["p", None], None]), ['["p", null]', None]),
        (pa.array([{"x": b"y"}]), ['{"x": "eQ=="}']),
        (pa.nulls(2), [None, None]),
    ],
)
def test_columns_as_text(column: Any, texts: list[str | None]) -> None:
    found = text_column(column)
    assert found.type == pa.string()
    assert found.to_pylist() == texts


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('a "b"\n\u2028é', '"a \\"b\\"\\n\u2028é"'),
        ({"n": float("nan"), "l": [float("-inf"), 0.5]}, '{"n": null, "l": [null, 0.5]}'),
        ([dt.date(2020, 1, 2), dt.time(3), Decimal("1.0")], '["2020-01-02", "03:00:00", "1.0"]'),
    ],
)
def test_values_as_json(value: Any, text: str) -> None:
    assert json_value(value) == text


def test_floats_read_back_as_the_same_float32() -> None:
    dice = np.random.default_rng(1)
    values = dice.integers(0, 2**32, 2000, dtype=np.uint32).view(np.float32)
    values = np.concatenate(
        [values[np.isfinite(values)], np.array([0, -0.0, 1, 1e-9, 16777216], np.float32)]
    )
    texts = json_column(pa.array(values))
    assert all(b"." in text or b"e" in text for text in texts)
    read = np.array([json.loads(text) for text in texts], np.float32)
    assert read.tobytes() == values.astype(np.float32).tobytes()


def test_other_columns_as_json() -> None:
    assert json_column(pa.array([1, None])) == [b"1", b"null"]
    assert json_column(pa.array([True, None])) == [b"true", b"null"]
    assert json_column(pa.array(['"', None, '"'])) == [b'"\\""', b"null", b'"\\""']
    assert json_column(pa.array([None, 0.25], pa.float32())) == [b"null", b"0.25"]
