from typing import Any

import pyarrow as pa
import pytest

from pairsift import schema
from pairsift.errors import ColumnError, TableFormatError
from pairsift.tables.pairs import pairs_from_arrow

NAMES = ["a.jpg", None, "b.jpg"]
BYTES = [b"\x89PNG", None, b""]
CAPTIONS = ["a cat", "", None]


def pairs(image: pa.Array, caption: pa.Array | None = None) -> dict[str, list[Any]]:
    caption = pa.array(CAPTIONS) if caption is None else caption
    batch = pa.RecordBatch.from_arrays([caption, image], names=["caption", "image"])
    found = pairs_from_arrow(batch, "image", "caption")
    assert found.schema.equals(schema.PAIR_SCHEMA)
    return dict(found.to_pydict())


@pytest.mark.parametrize(
    "kind",
    [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string()),
     pa.dictionary(pa.int32(), pa.large_string())],
)  # fmt: skip
def test_text_is_a_reference(kind: pa.DataType) -> None:
    found = pairs(pa.array(NAMES).cast(kind), pa.array(CAPTIONS).cast(kind))
    assert found["reference"] == [b"a.jpg", None, b"b.jpg"]
    assert found["content"] == [None] * 3
    assert found["caption"] == [b"a cat", b"", None]
    assert found["problem"] == [None] * 3


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.binary_view()])
def test_bytes_are_the_image(kind: pa.DataType) -> None:
    found = pairs(pa.array(BYTES, pa.binary()).cast(kind))
    assert found["content"] == BYTES
    assert found["reference"] == [None] * 3


def test_bytes_of_one_length() -> None:
    assert pairs(pa.array([b"abc", b"def", None], pa.binary(3)))["content"] == [
        b"abc",
        b"def",
        None,
    ]


def test_a_struct_of_bytes_and_path() -> None:
    rows = [{"bytes": b"x", "path": "x.jpg"}, {"bytes": None, "path": "y.jpg"}, None]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    found = pairs(pa.array(rows, kind))
    assert found["content"] == [b"x", None, None]
    assert found["reference"] == [b"x.jpg", b"y.jpg", None]


def test_nothing_but_nulls() -> None:
    found = pairs(pa.nulls(3), pa.nulls(3))
    assert found["reference"] == found["content"] == found["caption"] == [None] * 3


def test_slices_and_no_rows() -> None:
    batch = pa.RecordBatch.from_pydict({"image": NAMES, "caption": CAPTIONS})
    found = pairs_from_arrow(batch.slice(2, 1), "image", "caption").to_pydict()
    assert (found["reference"], found["caption"]) == ([b"b.jpg"], [None])
    assert pairs_from_arrow(batch.slice(0, 0), "image", "caption").num_rows == 0


@pytest.mark.parametrize(
    ("image", "caption"),
    [
        (pa.array([1, 2, 3]), pa.array(CAPTIONS)),
        (pa.array(NAMES), pa.array([1.0, 2.0, None])),
        (pa.array(NAMES), pa.array([["a", "b"], [], None])),
        (pa.array([{"path": "a"}] * 3), pa.array(CAPTIONS)),
    ],
)
def test_other_types_are_named(image: pa.Array, caption: pa.Array) -> None:
    with pytest.raises(TableFormatError, match=r"column (image|caption) (has type|holds lists)"):
        pairs(image, caption)


def test_a_column_that_stands_twice() -> None:
    arrays = [pa.array(NAMES), pa.array(NAMES), pa.array(CAPTIONS)]
    batch = pa.RecordBatch.from_arrays(arrays, names=["image", "image", "caption"])
    with pytest.raises(ColumnError, match="stands 2 times"):
        pairs_from_arrow(batch, "image", "caption")
    twice = pa.RecordBatch.from_arrays([*arrays, arrays[0]], names=["x", "image", "caption", "x"])
    assert pairs_from_arrow(twice, "image", "caption").num_rows == 3
