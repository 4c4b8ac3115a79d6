"""A value of a JSON object is found where it stands, and it alone is exchanged."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairsift.curation.moving_json import find_value

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.text(max_size=6), VALUES, max_size=5), st.text(max_size=8), st.booleans())
def test_only_the_value_changes(fields: dict[str, object], caption: str, escaped: bool) -> None:
    before = fields | {"caption": caption}
    body = json.dumps(before, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
    found = find_value(body, ["caption"])
    assert found is not None
    assert json.loads(found.text) == caption
    after = json.loads(found.replaced('"new"').decode("utf-8", "surrogateescape"))
    assert after == json.loads(body.decode("utf-8", "surrogateescape")) | {"caption": "new"}
    assert found.replaced(found.text) == body


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[1]", b'{"a": }', b'{"caption" 1}', b'{"other": 1}', b'{"caption": "x', b"7"],
)
def test_where_there_is_none(body: bytes) -> None:
    assert find_value(body, ["caption"]) is None


def test_the_first_name_and_the_last_of_equal_keys_count() -> None:
    body = b'{"text": "t", " Caption": "old", "caption ": "c", "\xff": "\xfe"}'
    found = find_value(body, ["caption", "text"], ignore_case=True)
    assert found is not None
    assert found.text == '"c"'
    assert found.replaced('"d"') == body.replace(b'"c"', b'"d"')
    assert find_value(body, ["caption", "text"]).text == '"t"'  # type: ignore[union-attr]
