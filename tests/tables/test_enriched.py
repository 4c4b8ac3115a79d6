"""From every format into every other, and what is left out on the way."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pytest

from pairsift import schema
from pairsift.config import TableConfig
from pairsift.errors import ColumnError, TableFormatError, UsageError
from pairsift.tables.enriched import open_enriched
from pairsift.tables.formats import open_table
from pairsift.tables.inputs import find_inputs

ADDED = schema.output_schema(is_distance=False, is_cosine=True, details=False)
TEXT = {"image": ["a.jpg", 'b "2".jpg', "c,3.jpg"], "caption": ["one\n1", "", "drei ä"]}


def enrich(argument: Path, out: Path, *, image_column: str = "image", **options: Any) -> int:
    """Write every row of every file again; return how many."""
    readers = [
        open_table(path, TableConfig()) for path in find_inputs(str(argument), TableConfig())
    ]
    done = 0
    with open_enriched(
        out, readers, image_column=image_column, added_schema=ADDED, metadata={"m": "x"}, **options
    ) as writer:
        for reader in readers:
            for batch in reader.read_batches(
                image_column=image_column, caption_column="caption", batch_rows=2
            ):
                count = batch.pairs.num_rows
                values = [pa.array([done / 8 + i / 8 for i in range(count)], pa.float32())]
                values += [pa.array(["ok"] * count), pa.nulls(count, pa.string())]
                writer.write(batch, pa.RecordBatch.from_arrays(values, schema=ADDED))
                done += count
    return done


def write(path: Path, table: pa.Table) -> Path:
    if ".csv" in path.suffixes:
        with pa.output_stream(path) as file:
            arrow_csv.write_csv(table, file)
    elif path.suffix == ".parquet":
        pq.write_table(table, path)
    else:
        with pa.output_stream(path) as file:
            file.write("".join(json.dumps(row) + "\n" for row in table.to_pylist()).encode())
    return path


def read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
        return rows
    with pa.input_stream(path) as file:
        data = file.read()
    if ".jsonl" in path.suffixes:
        return [json.loads(line) for line in data.decode().split("\n")[:-1]]
    options = arrow_csv.ParseOptions(
        newlines_in_values=True, delimiter="\t" if ".tsv" in path.suffixes else ","
    )
    found: pa.Table = arrow_csv.read_csv(pa.BufferReader(data), parse_options=options)
    return list(found.to_pylist())


@pytest.mark.parametrize("source", ["in.csv", "in.csv.gz", "in.jsonl", "in.parquet"])
@pytest.mark.parametrize("target", ["o.csv", "o.csv.zst", "o.jsonl", "o.jsonl.gz", "o.parquet"])
def test_text_in_every_format(tmp_path: Path, source: str, target: str) -> None:
    write(tmp_path / source, pa.table(TEXT))
    assert enrich(tmp_path / source, tmp_path / target) == 3
    found = read(tmp_path / target)
    assert [row["image"] for row in found] == TEXT["image"]
    assert [row["caption"] for row in found] == TEXT["caption"]
    assert [row["similarity"] for row in found] == [0.0, 0.125, 0.25]
    assert list(found[0]) == ["image", "caption", *ADDED.names]


def test_tabs_by_the_suffix(tmp_path: Path) -> None:
    write(tmp_path / "in.jsonl", pa.table(TEXT))
    enrich(tmp_path / "in.jsonl", tmp_path / "o.tsv")
    assert [row["image"] for row in read(tmp_path / "o.tsv")] == TEXT["image"]


def many_types() -> pa.Table:
    return pa.table(
        {
            "image": ["a", "b"],
            "caption": pa.array(["x", "y"]).dictionary_encode(),
            "f": pa.array([0.1, float("nan")], pa.float32()),
            "i": pa.array([2**62, None]),
            "t": pa.array(
                [dt.datetime(2020, 1, 2, tzinfo=dt.UTC), None], pa.timestamp("us", "UTC")
            ),
            "d": [Decimal("1.20"), None],
            "l": [["p", None], []],
            "s": [{"x": float("inf")}, None],
            "b": pa.array([b"\xff", None]),
        }
    )


def test_types_as_text(tmp_path: Path) -> None:
    write(tmp_path / "in.parquet", many_types())
    enrich(tmp_path / "in.parquet", tmp_path / "o.jsonl")
    enrich(tmp_path / "in.parquet", tmp_path / "o.csv")
    row = read(tmp_path / "o.jsonl")[0]
    assert row["caption"] == "x"
    assert row["f"] == pytest.approx(0.1)
    assert (row["i"], row["t"], row["d"]) == (2**62, "2020-01-02T00:00:00+00:00", "1.20")
    assert (row["l"], row["s"], row["b"]) == (["p", None], {"x": None}, "/w==")
    assert read(tmp_path / "o.jsonl")[1]["f"] is None
    first = (tmp_path / "o.csv").read_text().split("\n")[1]
    assert first == (
        'a,x,0.1,4611686018427387904,2020-01-02 00:00:00.000000Z,1.20,"[""p"", null]",'
        '"{""x"": null}",/w==,0,ok,'
    )


@pytest.mark.parametrize("target", ["o.parquet", "o.csv", "o.jsonl"])
def test_images_are_left_out_unless_they_are_wanted(tmp_path: Path, target: str) -> None:
    table = pa.table(
        {
            "image": pa.array([b"\xff\xd8", b"xx"], pa.binary()),
            "caption": ["a", "b"],
            "other": pa.array([b"y", b"z"], pa.binary()),
        }
    )
    write(tmp_path / "in.parquet", table)
    enrich(tmp_path / "in.parquet", tmp_path / target)
    assert list(read(tmp_path / target)[0]) == ["caption", "other", *ADDED.names]
    enrich(tmp_path / "in.parquet", tmp_path / target, copy_images=True)
    image = read(tmp_path / target)[0]["image"]
    assert image == (b"\xff\xd8" if target == "o.parquet" else "/9g=")


def test_of_a_struct_the_path_stays(tmp_path: Path) -> None:
    images = [{"bytes": b"1", "path": "a.jpg"}, {"bytes": b"2", "path": None}]
    table = pa.table({"caption": ["a", "b"], "image": images}, metadata={"huggingface": "{}"})
    write(tmp_path / "in.parquet", table)
    enrich(tmp_path / "in.parquet", tmp_path / "o.parquet")
    out = pq.read_table(tmp_path / "o.parquet")
    assert out.column("image").to_pylist() == ["a.jpg", None]
    assert set(out.schema.metadata) == {b"huggingface", b"pairsift"}


def test_many_files_are_one_table(tmp_path: Path) -> None:
    for suffix in ("csv", "jsonl", "parquet"):
        home = tmp_path / suffix
        home.mkdir()
        for index in range(3):
            write(home / f"{index}.{suffix}", pa.table(TEXT))
        for target in ("o.csv", "o.parquet", "o.jsonl"):
            assert enrich(home, tmp_path / target) == 9
            assert [row["image"] for row in read(tmp_path / target)] == TEXT["image"] * 3


def test_json_of_several_shapes(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"image": "a", "caption": "x", "n": 1}\nbroken\n')
    (tmp_path / "b.jsonl").write_bytes(b'{"image": "b", "caption": "y", "n": "z", "new": true}')
    enrich(tmp_path, tmp_path / "o.parquet")
    found = pq.read_table(tmp_path / "o.parquet")
    assert found.column("n").to_pylist() == ["1", None, "z"]
    assert found.column("new").to_pylist() == [None, None, True]


@pytest.mark.parametrize(
    ("one", "two", "words"),
    [
        ({"image": ["a"], "caption": ["b"]}, {"caption": ["b"], "image": ["a"]}, "column caption"),
        ({"image": ["a"], "caption": ["b"]}, {"image": ["a"]}, "it has 1 columns, not 2"),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_files_that_do_not_go_together(
    tmp_path: Path, one: Any, two: Any, words: str, suffix: str
) -> None:
    write(tmp_path / f"a.{suffix}", pa.table(one))
    write(tmp_path / f"b.{suffix}", pa.table(two))
    with pytest.raises(TableFormatError, match=rf"b\.{suffix} is no part .* a\.{suffix}: {words}"):
        enrich(tmp_path, tmp_path / "o.jsonl")


def test_other_delimiters_do_not_go_together(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"image,caption\na,b\n")
    (tmp_path / "b.csv").write_bytes(b"image;caption\na;b\n")
    with pytest.raises(TableFormatError, match="another character"):
        enrich(tmp_path, tmp_path / "o.csv")


def test_what_cannot_be_written(tmp_path: Path) -> None:
    arrays = [pa.array(["a"]), pa.array(["b"]), pa.array(["c"]), pa.array(["c"])]
    pq.write_table(pa.table(arrays, names=["image", "caption", "x", "x"]), tmp_path / "a.parquet")
    with pytest.raises(ColumnError, match="column x stands twice"):
        enrich(tmp_path / "a.parquet", tmp_path / "o.jsonl")
    assert enrich(tmp_path / "a.parquet", tmp_path / "o.parquet") == 1
    with pytest.raises(UsageError, match="no table format"):
        enrich(tmp_path / "a.parquet", tmp_path / "o.xlsx")
    with pytest.raises(UsageError, match="is a folder"):
        enrich(tmp_path / "a.parquet", tmp_path)


def test_a_folder_of_images_becomes_a_table(tmp_path: Path) -> None:
    home = tmp_path / "set"
    home.mkdir()
    for name in ("b.jpg", "a.png", "a.txt"):
        (home / name).write_bytes(name.encode())
    for target in ("o.csv", "o.jsonl", "o.parquet"):
        assert enrich(home, tmp_path / target) == 2
        found = read(tmp_path / target)
        assert [row["image"] for row in found] == ["a.png", "b.jpg"]
        assert [row["caption"] or None for row in found] == ["a.txt", None]
