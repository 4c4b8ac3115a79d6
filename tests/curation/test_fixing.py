import io
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from pairsift import open_run
from pairsift.curation.fixing import _movable, check_fixable, parse_fixes, plan_fixes, write_fixed
from pairsift.curation.mismatches import Mismatches
from pairsift.curation.shifts import Shift
from pairsift.curation.swaps import Swap
from pairsift.errors import OutputExistsError, UsageError
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


def swapped(first: int, second: int) -> Swap:
    return Swap(first, second, (0.1, 0.1), (0.9, 0.9), 0.8, 0.1)


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
    (tmp_path / "fixed.csv").write_text("mine")
    with pytest.raises(OutputExistsError, match="--overwrite"):
        check_fixable(run, tmp_path / "fixed.csv")
    check_fixable(run, tmp_path / "fixed.csv", overwrite=True)
    with pytest.raises(OutputExistsError, match="no such folder"):
        check_fixable(run, tmp_path / "missing" / "fixed.csv")
    (tmp_path / "pictures").mkdir()
    with pytest.raises(OutputExistsError, match="is a folder; name a file"):
        check_fixable(run, tmp_path / "pictures", overwrite=True)
    Image.new("RGB", (4, 4)).save(tmp_path / "pictures" / "0.png")
    run.info["inputs"] = [run.info["inputs"][0] | {"path": str(tmp_path / "pictures")}]
    with pytest.raises(UsageError, match="not pictures; derived/mismatches"):
        check_fixable(run, tmp_path / "fixed")


def test_json_lines_keep_every_other_byte(tmp_path: Path) -> None:
    lines = [
        b'{"image": "a.png", "caption": "zero", "n": 1.50}\n',
        b"\xef\xbb\xbf"[:0] + b'{"caption":"one \\u00e9 \xc3\xa9","image":"b.png"}  \r\n\n',
        b'{"image": "c.png"}\n',
        b'{"caption": null, "image": "d.png", "caption" : "twice"}\n',
        b'{"image": "e.png", "big": 1' + b"0" * 5000 + b', "caption": "four"}',
    ]
    table = tmp_path / "pairs.jsonl"
    table.write_bytes(b"".join(lines))
    run = open_run(make_run(tmp_path / "out.pairsift", table).root)
    swaps = [
        Swap(0, 1, (0.1,) * 2, (0.9,) * 2, 0.8, 0.1),
        Swap(3, 4, (0.1,) * 2, (0.9,) * 2, 0.8, 0.1),
    ]
    swaps.append(Swap(2, 5, (0.1,) * 2, (0.9,) * 2, 0.8, 0.1))  # neither has a caption
    sources = plan_fixes(Mismatches(draw_pairs(20), None, swaps=swaps), ("swaps",))
    check_fixable(run, tmp_path / "fixed.jsonl")
    assert write_fixed(run, sources, tmp_path / "fixed.jsonl") == 4
    expected = [*lines]
    expected[0] = b'{"image": "a.png", "caption": "one \\u00e9 \xc3\xa9", "n": 1.50}\n'
    expected[1] = b'{"caption":"zero","image":"b.png"}  \r\n\n'
    expected[3] = b'{"caption": null, "image": "d.png", "caption" : "four"}\n'
    expected[4] = lines[4].replace(b'"four"', b'"twice"')
    assert (tmp_path / "fixed.jsonl").read_bytes() == b"".join(expected)


def tar_of(path: Path, members: list[tuple[str, bytes]]) -> Path:
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.mode, info.uname = len(data), 7, 0o640, "me"
            archive.addfile(info, io.BytesIO(data))
    return path


def members_of(path: Path) -> list[tuple[str, bytes, float, int, str]]:
    with tarfile.open(path) as archive:
        return [
            (m.name, found.read(), m.mtime, m.mode, m.uname)
            for m in archive
            if (found := archive.extractfile(m)) is not None
        ]


def test_a_tar_keeps_its_members(tmp_path: Path) -> None:
    long = "x" * 1000
    before = [
        ("a.jpg", b"A" * 700),
        ("a.txt", b"zero\n"),
        ("b.json", b'{"Caption": "one \\u00e9", "n": [1, 2]}'),
        ("b.jpg", b"B"),
        ("notes", b"of nobody"),
        ("c.jpg", b"C"),
        ("c.txt", long.encode()),
        ("d" * 120 + ".txt", b"\xef\xbb\xbfthree"),
        ("d" * 120 + ".jpg", b"D"),
    ]
    table = tar_of(tmp_path / "pairs.tar", before)
    run = open_run(make_run(tmp_path / "out.pairsift", table).root)
    swaps = [
        Swap(0, 1, (0.1,) * 2, (0.9,) * 2, 0.8, 0.1),
        Swap(2, 3, (0.1,) * 2, (0.9,) * 2, 0.8, 0.1),
    ]
    sources = plan_fixes(Mismatches(draw_pairs(20), None, swaps=swaps), ("swaps",))
    check_fixable(run, tmp_path / "fixed.tar")
    assert write_fixed(run, sources, tmp_path / "fixed.tar") == 4
    changed = {
        "a.txt": "one é\n".encode(),
        "b.json": b'{"Caption": "zero", "n": [1, 2]}',
        "c.txt": b"three",
        "d" * 120 + ".txt": b"\xef\xbb\xbf" + long.encode(),
    }
    assert members_of(tmp_path / "fixed.tar") == [
        (name, changed.get(name, data), 7, 0o640, "me") for name, data in before
    ]
    assert write_fixed(run, {}, tmp_path / "same.tar") == 0
    assert (tmp_path / "same.tar").read_bytes() == table.read_bytes()


def test_several_inputs_make_a_folder_and_captions_cross_files(tmp_path: Path) -> None:
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    one.write_bytes(b"image,caption\na.png,zero\nb.png,one\n")
    two.write_bytes(b'image,caption\nc.png,"two, 2"\nd.png,three\n')
    run = open_run(make_run(tmp_path / "out.pairsift", one).root)
    first = run.info["inputs"][0]
    run.info["inputs"] = [first, first | {"ordinal": 1, "path": str(two)}]
    pairs = draw_pairs(4)
    pairs = replace(pairs, files=np.array([0, 0, 1, 1]), rows=np.array([0, 1, 0, 1]))
    swap = Swap(1, 2, (0.1, 0.1), (0.9, 0.9), 0.8, 0.1)
    sources = plan_fixes(Mismatches(pairs, None, swaps=[swap]), ("swaps",))
    folder = tmp_path / "fixed"
    check_fixable(run, folder)
    assert write_fixed(run, sources, folder) == 2
    assert (folder / "one.csv").read_bytes() == b'image,caption\na.png,zero\nb.png,"two, 2"\n'
    assert (folder / "two.csv").read_bytes() == b"image,caption\nc.png,one\nd.png,three\n"
    with pytest.raises(OutputExistsError, match="--overwrite"):
        check_fixable(run, folder)
    check_fixable(run, folder, overwrite=True)
    assert write_fixed(run, {}, folder) == 0
    assert (folder / "two.csv").read_bytes() == two.read_bytes()
    with pytest.raises(OutputExistsError, match="holds other things"):
        check_fixable(run, tmp_path, overwrite=True)
    with pytest.raises(OutputExistsError, match="2 inputs need a folder"):
        check_fixable(run, one)
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")] == []


@pytest.mark.parametrize("text", ["", "swap", "swaps,shifts"])
def test_unknown_fixes_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="there are: swaps, shift"):
        parse_fixes(text)


def test_sources_are_a_permutation() -> None:
    sources = plan_fixes(slipped(3, 17, -1), ("shift",))
    assert sorted(sources) == sorted(sources.values()) == [(0, row) for row in range(3, 18)]


def test_two_blocks_that_meet_in_a_row_stay_as_they_are() -> None:
    # Row 5 would give its caption to two rows, and that of row 4 would be lost.
    sources = {(0, 3): (0, 4), (0, 4): (0, 5), (0, 5): (0, 3), (0, 6): (0, 5), (0, 8): (0, 9)}
    sources |= {(0, 9): (0, 8)}
    cells = dict.fromkeys(sources.values(), "")
    assert _movable(sources, cells) == {(0, 8): (0, 9), (0, 9): (0, 8)}
