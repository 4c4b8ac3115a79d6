from typing import Any

import pyarrow as pa
import pytest

from pairsift.tables.fields import Fields, clean, column_of


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, None, -5], "int64"),
        ([1, 0.5], "double"),
        ([2**63], "string"),
        ([1, True], "string"),
        ([True, None, False], "bool"),
        ([float("inf")], "string"),
        ([None], "string"),
        (["a", 1], "string"),
        ([{"a": 1}], "string"),
        ([], "string"),
    ],
)
def test_the_type_that_holds_every_value(values: list[Any], kind: str) -> None:
    fields = Fields(["a"])
    for value in values:
        fields.add({"a": value})
    (field,) = fields.to_arrow()
    assert str(field.type) == kind
    column = column_of(values, field.type)
    assert column.type == field.type
    assert column.null_count == values.count(None)


def test_what_is_no_text_becomes_json() -> None:
    column = column_of(["a", 1, None, [True, "\ud800"], 0.5], pa.string())
    assert column.to_pylist() == ["a", "1", None, '[true, "���"]', "0.5"]


def test_names_in_order_of_appearance() -> None:
    fields = Fields(["z"])
    fields.add({"b": 1, "a": 1})
    fields.add({"\udcff": 1, "a": None})
    assert fields.to_arrow().names == ["z", "b", "a", "���"]


def test_clean_text_stays() -> None:
    for text in ("plain", "é\U0001f600", ""):
        assert clean(text) == text
