import gzip
from pathlib import Path

import pyarrow as pa
import pytest

from pairsift.config import TableConfig
from pairsift.errors import TableFormatError
from pairsift.tables import csv
from pairsift.tables.formats import open_table
from pairsift.tables.streams import open_input, open_text_output

TEXT = b"image,caption\n" + b"".join(b"%d.jpg,number %d\n" % (i, i * 7919) for i in range(20_000))


def packed(data: bytes, codec: str) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, codec) as stream:
        stream.write(data)
    return bytes(sink.getvalue())


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.csv.zst"])
def test_from_any_place(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with open_text_output(path) as file:
        file.write(TEXT[:1000])
        file.write(TEXT[1000:])
    assert (path.read_bytes() == TEXT) is (name == "a.csv")
    for position in (0, 1, 70_000, len(TEXT) - 1, len(TEXT), len(TEXT) + 5):
        with open_input(path, position) as source:
            assert source.read(100_000) == TEXT[position : position + 100_000]
            assert source.read(1 << 20) == TEXT[position + 100_000 :]
            assert source.read(9) == b""


def test_other_tools_read_it(tmp_path: Path) -> None:
    with open_text_output(tmp_path / "a.gz") as file:
        file.write(TEXT)
    assert gzip.decompress((tmp_path / "a.gz").read_bytes()) == TEXT
    # Nothing of the moment in it: the same rows are the same file.
    first = (tmp_path / "a.gz").read_bytes()
    with open_text_output(tmp_path / "a.gz") as file:
        file.write(TEXT)
    assert (tmp_path / "a.gz").read_bytes() == first


def test_members_put_together_are_one_stream(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(TEXT[:500]) + gzip.compress(TEXT[500:]))
    with open_input(tmp_path / "a.gz") as source:
        assert source.read(len(TEXT) + 1) == TEXT


@pytest.mark.parametrize(("suffix", "codec"), [("gz", "gzip"), ("zst", "zstd")])
@pytest.mark.parametrize("what", ["cut", "garbage", "flipped", "not one"])
def test_a_damaged_archive_is_one_line(tmp_path: Path, suffix: str, codec: str, what: str) -> None:
    data = bytearray(packed(TEXT, codec))
    if what == "cut":
        data = data[:-100]
    elif what == "garbage":
        data += b"garbage and more of it"
    elif what == "flipped":
        data[len(data) // 2 :] = b"\xff" * (len(data) - len(data) // 2)
    else:
        data = bytearray(TEXT)
    path = tmp_path / f"in.csv.{suffix}"
    path.write_bytes(bytes(data))
    with pytest.raises(TableFormatError, match=rf"in\.csv\.{suffix}: the archive is damaged") as e:
        open_table(path, TableConfig()).count_rows()
    assert "\n" not in str(e.value)


@pytest.mark.parametrize(("suffix", "codec"), [("gz", "gzip"), ("zst", "zstd")])
def test_a_bomb_does_not_fill_memory(tmp_path: Path, suffix: str, codec: str) -> None:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, codec) as stream:
        stream.write(b"image,caption\n" + b"a,b\n" * 20 + b'a,"')
        for _ in range(200):
            stream.write(bytes(1 << 20))
    path = tmp_path / f"in.csv.{suffix}"
    path.write_bytes(bytes(sink.getvalue()))
    before = pa.total_allocated_bytes()
    with pytest.raises(TableFormatError, match="line 22: a record longer"):
        open_table(path, TableConfig()).count_rows()
    assert pa.total_allocated_bytes() - before < 1 << 20


def test_a_span_before_damage_is_read(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes(TEXT + b'a,"never closed')
    reader = open_table(tmp_path / "in.csv", TableConfig())
    spans = reader.plan(1)
    first = [next(spans) for _ in range(20_000)][-1]
    columns = {"image_column": "image", "caption_column": "caption", "batch_rows": 9}
    (batch,) = reader.read_batches(**columns, span=first)  # type: ignore[arg-type]
    assert batch.first_row == 19_999
    with pytest.raises(TableFormatError, match="line 20002: a quote"):
        next(spans)


@pytest.mark.parametrize("name", ["in.csv.gz", "in.csv.zst"])
def test_spans_in_order_inflate_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with open_text_output(tmp_path / name) as file:
        file.write(TEXT * 2)
    reader = open_table(tmp_path / name, TableConfig())
    spans = list(reader.plan(777))
    opened: list[int] = []

    def counting(path: Path, position: int = 0) -> object:
        opened.append(position)
        return open_input(path, position)

    monkeypatch.setattr(csv, "open_input", counting)
    columns = {"image_column": "image", "caption_column": "caption", "batch_rows": 100}

    def rows(**options: object) -> list[object]:
        batches = reader.read_batches(**columns, **options)  # type: ignore[arg-type]
        return [row for batch in batches for row in batch.pairs.to_pylist()]

    parts = [row for span in spans for row in rows(span=span)]
    assert opened == [spans[0].position]
    assert reader._source._held == {}  # type: ignore[attr-defined]
    assert rows(span=spans[3]) == parts[3 * 777 : 4 * 777]
    assert opened == [spans[0].position, spans[3].position]
    assert parts == rows()


def test_an_output_that_fails_is_not_there(tmp_path: Path) -> None:
    def interrupt() -> None:
        with open_text_output(tmp_path / "a.gz") as file:
            file.write(TEXT)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert list(tmp_path.iterdir()) == []
