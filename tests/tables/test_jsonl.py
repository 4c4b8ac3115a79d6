"""A thousand generated files come back, and without our fields they are the input."""

import json
import random
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pairsift import schema
from pairsift.config import TableConfig
from pairsift.errors import ColumnError, TableFormatError
from pairsift.tables import lines, records
from pairsift.tables.jsonl import FORMAT, JsonlReader
from tests.tables.strip_fields import strip_last_fields

ADDED = schema.output_schema(is_distance=False, is_cosine=True, details=False)
NAMES: dict[str, Any] = {"image_column": "image", "caption_column": "caption"}
VALUES = [
    b"1e400", b"-0.0", b"1E5", b"null", b"true", b'"\\u00e9\\ud83d\\ude00"', b'"caf\xc3\xa9"',
    b'"\\ud800"', b'"\\"}, {\\""', b"[1, [2, {}]]", b'{"a": {"image": 1}}', b"[]", b"{}",
    b"123456789012345678901234567890", b'"\\\\"', b'"\xff"', b'"}"', b"NaN", b'""',
]  # fmt: skip
BROKEN = [
    b"{", b"}", b"[1, 2]", b'"text"', b"7", b"null", b'{"a": 007}', b'{"a" 1}', b"{} {}",
    b'{"a": 1,}', b"image,caption", b"{'a': 1}", b"\x00", b"\xff",
]  # fmt: skip


def blank(dice: random.Random) -> bytes:
    return dice.choice([b"", b"", b"", b" ", b"\t", b"\r", b"  "])


def generate_object(dice: random.Random) -> bytes:
    keys = [b'"image"', b'"caption"', b'"id"', b'"a\\"b"', b'"caption"', b'""']
    dice.shuffle(keys)
    fields = []
    for key in keys[: dice.randrange(0, 7)]:
        pieces = [key, b":", dice.choice(VALUES)]
        fields.append(b"".join(blank(dice) + piece for piece in pieces) + blank(dice))
    return b"{" + (b",".join(fields) or blank(dice)) + b"}"


def generate(seed: int) -> tuple[bytes, set[int]]:
    """Return a file and the ordinals of its malformed lines."""
    dice = random.Random(seed)  # noqa: S311 - test data
    parts = [b"\xef\xbb\xbf"] if dice.random() < 0.2 else []
    malformed, count = set(), 0
    for _ in range(dice.randrange(0, 20)):
        chance = dice.random()
        if chance < 0.1:
            line = blank(dice)
        elif chance < 0.2:
            line = blank(dice) + dice.choice(BROKEN) + blank(dice)
            malformed.add(count)
        else:
            line = blank(dice) + generate_object(dice) + blank(dice)
        count += chance >= 0.1
        parts.append(line + dice.choice([b"\n", b"\n", b"\r\n"]))
    data = b"".join(parts)
    return (data.rstrip(b"\r\n") if dice.random() < 0.3 else data), malformed


def enrich(path: Path, *, batch_rows: int = 5) -> tuple[bytes, list[str | None]]:
    reader = FORMAT.open_reader(path, TableConfig())
    reader._names = ()
    out = path.with_name("out.jsonl")
    problems: list[str | None] = []
    with FORMAT.open_writer(out, reader=reader, added_schema=ADDED, metadata={}) as writer:
        for batch in reader.read_batches(**NAMES, batch_rows=batch_rows):
            num_rows = batch.pairs.num_rows
            assert batch.first_row == len(problems)
            problems += batch.pairs.column(schema.PROBLEM).to_pylist()
            arrays = [
                pa.array([0.25, None, 1.0, 1e-9, 0.0][i % 5] for i in range(num_rows)),
                pa.array(["ok"] * num_rows),
                pa.array([None if i % 2 else 'why, "x"}\n' for i in range(num_rows)], pa.string()),
            ]
            arrays[0] = arrays[0].cast(pa.float32())
            writer.write(batch, pa.RecordBatch.from_arrays(arrays, schema=ADDED))
    return out.read_bytes(), problems


@pytest.mark.parametrize("block", range(10))
def test_a_thousand_files_come_back(
    tmp_path: Path, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(block * 100, (block + 1) * 100):
        monkeypatch.setattr(lines, "CHUNK_BYTES", [7, 100, 1 << 18][seed % 3])
        data, malformed = generate(seed)
        (tmp_path / "in.jsonl").write_bytes(data)
        out, problems = enrich(tmp_path / "in.jsonl", batch_rows=1 + seed % 7)
        assert strip_last_fields(out, len(ADDED), malformed) == data, seed
        for row in malformed:
            assert problems[row], (seed, row)
        for line in out.decode("utf-8", "surrogateescape").removeprefix("\ufeff").split("\n"):
            if '"similarity"' in line:
                assert list(json.loads(line))[-3:] == ADDED.names


def test_the_stripper_notices_a_lost_byte(tmp_path: Path) -> None:
    data = b'{"image": "a", "n": 1e400}\n'
    (tmp_path / "in.jsonl").write_bytes(data)
    out, _ = enrich(tmp_path / "in.jsonl")
    assert strip_last_fields(out, len(ADDED), set()) == data
    assert strip_last_fields(out.replace(b"1e400", b"1e40"), len(ADDED), set()) != data


@pytest.mark.parametrize(
    ("line", "end"),
    [
        (b'{"a":1}', b'{"a":1, "similarity": 0.25,'),
        (b'{"a": 1 } \r', b'{"a": 1 , "similarity": 0.25,'),
        (b"{}", b'{"similarity": 0.25,'),
        (b"{ \t}", b'{ \t"similarity": 0.25,'),
    ],
)
def test_where_the_fields_stand(tmp_path: Path, line: bytes, end: bytes) -> None:
    (tmp_path / "in.jsonl").write_bytes(line + b"\n")
    out, _ = enrich(tmp_path / "in.jsonl")
    assert out.startswith(end)
    assert out.endswith(b"}" + line[line.rindex(b"}") + 1 :] + b"\n")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"[1]", "an array, not an object"),
        (b"3.5", "a number, not an object"),
        (b"null", "null, not an object"),
        (b'"x"', "text, not an object"),
        (b"false", "true or false, not an object"),
        (b'{"a": 007}', "not JSON: .* at character 7"),
        (b"[" * 200_000 + b"]" * 200_000, "nested too deeply"),
        (b'{"a":' * 200_000, "nested too deeply"),
        (b'{"image": 7, "caption": "x"}', "image is no text but int: 7"),
        (b'{"image": "x", "caption": ["a"]}', "caption is no text but an array: .*a"),
    ],
)
def test_a_malformed_line_is_a_row_and_stays(tmp_path: Path, line: bytes, words: str) -> None:
    data = b'{"image": "a", "caption": "b"}\n' + line + b"\n" + b'{"image": "c"}'
    (tmp_path / "in.jsonl").write_bytes(data)
    out, problems = enrich(tmp_path / "in.jsonl")
    assert problems[0] is problems[2] is None
    assert problems[1] is not None
    assert re.search(words, problems[1])
    if " is no text" not in words:
        assert out.split(b"\n")[1] == line


def read_pairs(path: Path, data: bytes, **config: Any) -> list[dict[str, Any]]:
    path.write_bytes(data)
    batches = JsonlReader(path, TableConfig(**config)).read_batches(**NAMES, batch_rows=4)
    return [row for batch in batches for row in batch.pairs.to_pylist()]


def test_what_the_values_become(tmp_path: Path) -> None:
    rows = [
        {"image": {"path": "a.jpg", "bytes": None}, "caption": ""},
        {"image": {"bytes": "aGk="}, "caption": None},
        {"image": {}, "caption": "\u00e9"},
        {"caption": "\ud800"},
        {"image": "7" * 5000, "caption": "x", "n": 10**4000},
    ]
    data = "\n".join(map(json.dumps, rows)).replace("0" * 4000, "0" * 9000).encode()
    found = read_pairs(tmp_path / "in.jsonl", data)
    assert [row["reference"] for row in found[:4]] == [b"a.jpg", b"aGk=", None, None]
    assert [row["caption"] for row in found] == [b"", None, b"\xc3\xa9", b"\xed\xa0\x80", b"x"]
    assert [row["problem"] for row in found] == [None] * 5
    (row,) = read_pairs(tmp_path / "in.jsonl", b'{"image": "a", "caption": "\xff", "x": "\xfe"}')
    assert row["caption"] == b"\xff"
    assert row["problem"] is None


def test_strict_names_the_line(tmp_path: Path) -> None:
    data = b'\xef\xbb\xbf\n{"image": "a", "caption": "b"}\r\n\r\n{"image": "b"\n'
    with pytest.raises(TableFormatError, match=r"in\.jsonl, line 4: not JSON"):
        read_pairs(tmp_path / "in.jsonl", data, strict=True)


def test_a_line_without_end_is_refused_before_it_is_all_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "CHUNK_BYTES", 1000)
    monkeypatch.setattr(lines, "MAX_RECORD_BYTES", 50_000)
    monkeypatch.setattr(records, "CHUNK_BYTES", 1000)
    data = b'{"image": "a", "caption": "b"}\n' * 20 + b'{"image": "' + b"x" * 1_000_000
    with pytest.raises(TableFormatError, match=r"in\.jsonl, line 21: longer than"):
        read_pairs(tmp_path / "in.jsonl", data)


def test_columns_come_from_the_first_lines(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b'{"b": 1}\n[]\n{"a": 1, "b": 2}\n' + b"{}\n" * 1000 + b'{"late": 1}\n')
    reader = JsonlReader(path, TableConfig())
    assert reader.column_names == ("b", "a")
    with pytest.raises(ColumnError, match="column image not found; available: b, a"):
        next(reader.read_batches(**NAMES, batch_rows=1))
    assert reader.arrow_schema().names == ["b", "a", "late"]


def test_as_columns(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(
        b'{"i": 1, "f": 1, "t": "x", "m": 1, "d": {"x": [1]}, "n": null, "o": true}\n'
        b'broken\n{"i": -3, "f": 0.5, "t": "\\ud800\xff", "m": "s", "big": 1e400}\n'
    )
    reader = JsonlReader(path, TableConfig())
    (batch,) = reader.read_batches(image_column="t", caption_column="n", batch_rows=9)
    found = reader.to_arrow(batch)
    assert dict(zip(found.schema.names, map(str, found.schema.types), strict=True)) == {
        "i": "int64", "f": "double", "t": "string", "m": "string", "d": "string", "n": "string",
        "o": "bool", "big": "string",
    }  # fmt: skip
    assert found.to_pylist()[0] == {
        "i": 1, "f": 1.0, "t": "x", "m": "1", "d": '{"x": [1]}', "n": None, "o": True, "big": None,
    }  # fmt: skip
    assert set(found.to_pylist()[1].values()) == {None}
    assert found.column("m").to_pylist() == ["1", None, "s"]


@pytest.mark.parametrize("data", [b"\xff\xfe{\x00}\x00", b"{\x00}\x00", b"\x00{\x00}"])
def test_what_is_no_text(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(TableFormatError, match=r"in\.jsonl looks like UTF-16"):
        read_pairs(tmp_path / "in.jsonl", data)


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n \n", b" " * 300_000]
)
def test_nothing_in_it(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "in.jsonl").write_bytes(data)
    assert enrich(tmp_path / "in.jsonl") == (data, [])
    assert JsonlReader(tmp_path / "in.jsonl", TableConfig()).column_names == ()
