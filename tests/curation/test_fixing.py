from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pairsift import open_run
from pairsift.curation.fixing import check_fixable, parse_fixes, plan_fixes, write_fixed
from pairsift.curation.mismatches import Mismatches
from pairsift.curation.shifts import Shift
from pairsift.curation.swaps import Swap
from pairsift.errors import UsageError
from pairsift.runs import Run
from tests.curation.drawn import draw_pairs
from tests.runs.shards import make_run

HEADER = b"\xef\xbb\xbfid,image,caption,note\r\n"
ROWS = [
    b"007,a.png,zero,1.50\r\n",
    b'008,b.png,"one, ""quoted""\nline",x\r\n',
    b"009,c.png,two,\r\n\r\n",
    b"010,d.png\r\n",
    b"011,e.png,'four' ,y\n",
    b"012,f.png,five,z",
]


def csv_run(folder: Path, rows: list[bytes] = ROWS, name: str = "pairs.csv") -> Run:
    table = folder / name
    table.write_bytes(HEADER + b"".join(rows))
    return open_run(make_run(folder / "out.pairsift", table).root)


def slipped(first: int, last: int, direction: int) -> Mismatches:
    shift = Shift(0, first, last, direction, 0.1, 0.9, 3, wraps=False, votes=9.0, chance=1.0)
    return Mismatches(draw_pairs(20), None, shifts=[shift])


def test_a_swap_moves_two_cells_with_their_quotes(tmp_path: Path) -> None:
    run = csv_run(tmp_path)
    swap = Swap(1, 5, (0.1, 0.1), (0.9, 0.9), 0.8, 0.1)
    sources = plan_fixes(Mismatches(draw_pairs(20), None, swaps=[swap]), ("swaps",))
    assert write_fixed(run, sources, tmp_path / "fixed.csv") == 2
    expected = [*ROWS]
    expected[1] = b"008,b.png,five,x\r\n"
    expected[5] = b'012,f.png,"one, ""quoted""\nline",z'
    assert (tmp_path / "fixed.csv").read_bytes() == HEADER + b"".join(expected)


@pytest.mark.parametrize(
    ("direction", "captions"), [(1, ["two", "zero", "one"]), (-1, ["one", "two", "zero"])]
)
def test_a_block_moves_and_nothing_is_lost(
    tmp_path: Path, direction: int, captions: list[str]
) -> None:
    rows = [f"{i},{i}.png,{text},n\n".encode() for i, text in enumerate(["zero", "one", "two"])]
    run = csv_run(tmp_path, [*rows, b"3,3.png,three,n\n"])
    sources = plan_fixes(slipped(0, 2, direction), ("shift",))
    assert write_fixed(run, sources, tmp_path / "fixed.csv") == 3
    lines = (tmp_path / "fixed.csv").read_bytes().splitlines()[1:]
    assert [line.split(b",")[2].decode() for line in lines] == [*captions, "three"]


def test_a_block_with_a_malformed_row_is_left_alone(tmp_path: Path) -> None:
    run = csv_run(tmp_path)
    assert write_fixed(run, plan_fixes(slipped(1, 4, 1), ("shift",)), tmp_path / "fixed.csv") == 0
    assert (tmp_path / "fixed.csv").read_bytes() == (tmp_path / "pairs.csv").read_bytes()


def test_what_is_not_asked_for_is_not_done() -> None:
    assert plan_fixes(slipped(0, 2, 1), ("swaps",)) == {}
    assert plan_fixes(slipped(0, 2, 1), ("shift",), file=1) == {}


def test_parquet_keeps_types_and_metadata(tmp_path: Path) -> None:
    schema = pa.schema(
        [
            pa.field("image", pa.large_string()),
            pa.field("caption", pa.large_string(), metadata={b"a": b"b"}),
            pa.field("n", pa.list_(pa.int8())),
        ],
        metadata={b"own": b"1"},
    )
    rows = [{"image": f"{i}", "caption": f"c{i}", "n": [i]} for i in range(6)]
    pq.write_table(pa.Table.from_pylist(rows, schema), tmp_path / "pairs.parquet")
    run = open_run(make_run(tmp_path / "out.pairsift", tmp_path / "pairs.parquet").root)
    swap = Swap(0, 3, (0.1, 0.1), (0.9, 0.9), 0.8, 0.1)
    sources = plan_fixes(Mismatches(draw_pairs(20), None, swaps=[swap]), ("swaps",))
    assert write_fixed(run, sources, tmp_path / "fixed.parquet") == 2
    fixed = pq.read_table(tmp_path / "fixed.parquet")
    assert fixed.schema.equals(schema)
    assert fixed.schema.metadata[b"own"] == b"1"
    assert fixed.column("caption").to_pylist() == ["c3", "c1", "c2", "c0", "c4", "c5"]
    assert fixed.column("n").to_pylist() == [[i] for i in range(6)]


def test_outputs_that_cannot_be(tmp_path: Path) -> None:
    run = csv_run(tmp_path)
    with pytest.raises(UsageError, match="input itself"):
        check_fixable(run, tmp_path / "pairs.csv")
    with pytest.raises(UsageError, match="keeps the input's format"):
        check_fixable(run, tmp_path / "fixed.parquet")
    (tmp_path / "pairs.jsonl").write_text('{"image": "a", "caption": "b"}\n')
    run.info["inputs"] = [run.info["inputs"][0] | {"path": str(tmp_path / "pairs.jsonl")}]
    with pytest.raises(UsageError, match=r"not pairs\.jsonl"):
        check_fixable(run, tmp_path / "fixed.jsonl")
    run.info["inputs"] *= 2
    with pytest.raises(UsageError, match="this run has 2"):
        check_fixable(run, tmp_path / "fixed.jsonl")


@pytest.mark.parametrize("text", ["", "swap", "swaps,shifts"])
def test_unknown_fixes_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="there are: swaps, shift"):
        parse_fixes(text)


def test_sources_are_a_permutation() -> None:
    sources = plan_fixes(slipped(3, 17, -1), ("shift",))
    assert sorted(sources) == sorted(sources.values()) == list(np.arange(3, 18))
