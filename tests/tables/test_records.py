import random
from collections.abc import Iterator
from io import BytesIO
from itertools import accumulate

import pytest

from pairsift.errors import TableFormatError
from pairsift.tables import records
from pairsift.tables.records import Dialect, Records, count_lines, find_line, read_records

COMMA = Dialect(b",")


class Counting(BytesIO):
    largest = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.largest = max(self.largest, size or 0)
        return super().read(size)


def read(stream: BytesIO) -> Iterator[Records]:
    def line_at(offset: int) -> int:
        return find_line(BytesIO(stream.getvalue()), offset)

    return read_records(stream, COMMA, offset=0, name="t.csv", line_at=line_at)


def cut(data: bytes) -> list[Records]:
    return list(read(BytesIO(data)))


def whole(found: list[Records]) -> bytes:
    pairs = [zip(each.bodies, each.tails, strict=True) for each in found]
    return b"".join(body + tail for pair in pairs for body, tail in pair)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 64])
def test_the_size_of_a_chunk_changes_nothing(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    dice = random.Random(size)  # noqa: S311 - test data
    pieces = [b"a", b",", b'"', b'""', b"\r", b"\n", b"\r\n", b"\xff", b'",', b',"', b'"\n', b""]
    for _ in range(300):
        data = b"x" + b"".join(dice.choice(pieces) for _ in range(dice.randrange(1, 25)))
        outcomes = []
        for chunk in (size, 1 << 20):
            monkeypatch.setattr(records, "CHUNK_BYTES", chunk)
            try:
                found = cut(data)
            except TableFormatError as error:
                outcomes.append(str(error))
                continue
            assert whole(found) == data
            bodies = [body for each in found for body in each.bodies]
            lengths = [len(whole([each])) for each in found]
            assert [each.offset for each in found] == [0, *accumulate(lengths)][:-1]
            outcomes.append(repr(bodies))
        assert outcomes[0] == outcomes[1], data


def test_a_file_without_quotes_is_cut_like_one_with() -> None:
    dice = random.Random(7)  # noqa: S311 - test data
    for _ in range(200):
        parts = [b"x"] + [dice.choice([b"a,b", b"\r", b"\n", b"\r\n", b"c"]) for _ in range(20)]
        data = b"".join(parts)
        for is_end in (True, False):
            plain = COMMA.cut(data, is_end=is_end)
            assert plain == COMMA._cut_quoted(data, is_end=is_end)


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b'a,"b\nc,d\ne,f\n', 1),
        (b'a,b\nc,"d\ne,f', 2),
        (b'a,b\r\n\r\nc,d\re,"f ""g"" \n', 4),
        (b'a,"b\nb","c', 2),
        (b'"', 1),
        (b'a,"x"""', 1),
    ],
)
def test_a_quote_that_never_closes_is_named_by_its_line(data: bytes, line: int) -> None:
    if data.endswith(b'"""'):
        assert whole(cut(data)) == data
        return
    with pytest.raises(TableFormatError, match=rf"t\.csv, line {line}: a quote"):
        cut(data)


@pytest.mark.parametrize("opening", [b'a,"', b"a,"])
def test_a_record_without_end_is_refused_before_it_is_all_in_memory(
    monkeypatch: pytest.MonkeyPatch, opening: bytes
) -> None:
    monkeypatch.setattr(records, "CHUNK_BYTES", 1000)
    monkeypatch.setattr(records, "MAX_RECORD_BYTES", 50_000)
    stream = Counting(b"i,c\n" * 10 + opening + b"x" * 10_000_000)
    with pytest.raises(TableFormatError, match="line 11: a record longer"):
        list(read(stream))
    assert stream.tell() < 300_000


def test_chunks_stay_small() -> None:
    stream = Counting(b'a.jpg,"a ""b"" c"\r\n' * 100_000)
    num_records = 0
    for found in read(stream):
        assert sum(map(len, found.bodies)) <= 2 * records.CHUNK_BYTES
        num_records += len(found.bodies)
    assert num_records == 100_000
    assert stream.largest == records.CHUNK_BYTES


def test_lines() -> None:
    assert count_lines(b"a\nb\r\nc\rd\r\r\n\n") == 6


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_an_offset_has_a_line(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(records, "CHUNK_BYTES", size)
    data = b"a\r\nb\n\rc\r\r\nd"
    lines = {0: 1, 1: 1, 3: 2, 5: 3, 6: 4, 7: 4, 10: 6}
    assert {at: find_line(BytesIO(data), at) for at in lines} == lines


def test_cells() -> None:
    for body, cells in {
        b"a,b": [b"a", b"b"],
        b"": [b""],
        b",": [b"", b""],
        b'"",': [b"", b""],
        b'a"b,"c"d': [b'a"b', b"cd"],
        b'"a,b","c\r\nd"': [b"a,b", b"c\r\nd"],
        b' "a" ,b': [b' "a" ', b"b"],
        b'"a" ,b': [b"a ", b"b"],
    }.items():
        assert COMMA.split(body) == (cells, None)
    cells, problem = COMMA.split(b'a,"b\nc,"d"')
    assert problem
    assert len(cells) == 2


@pytest.mark.parametrize("delimiter", [b",", b"\t"])
def test_raw_cells_joined_are_the_record(delimiter: bytes) -> None:
    generator = random.Random(2)  # noqa: S311 - cells, not secrets
    dialect = Dialect(delimiter)
    for _ in range(2000):
        text = bytes(generator.choices(b'a",\t \n', k=generator.randrange(12)))
        body, _ = dialect.first(text, is_end=True)
        raw = dialect.raw_cells(body)
        assert delimiter.join(raw) == body
        assert len(raw) == len(dialect.split(body)[0])


def test_a_quoted_cell_is_read_back() -> None:
    for cell in (b"plain", b"a,b", b'say "x"', b"a\rb", b"a\nb", b"", b'"', b"a;b"):
        assert COMMA.split(COMMA.quote(cell)) == ([cell], None)
    assert COMMA.quote(b"a;b") == b"a;b"
