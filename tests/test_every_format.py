"""One list of pairs in every format gives the same bits, row for row."""

import base64
import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import pairsift
from pairsift.config import ModelConfig, RunConfig, ScoreConfig, TableConfig
from tests.bad_inputs import encoded, picture

FAKE = ScoreConfig(model=ModelConfig(runtime="fake"))
NUM_PAIRS = 7
IMAGES = [encoded(picture(seed), "PNG") for seed in range(NUM_PAIRS)]
NAMES = [f"{seed:03d}.png" for seed in range(NUM_PAIRS)]
CAPTIONS = [f"a caption, number {seed}" for seed in range(NUM_PAIRS)]


def put_images(home: Path) -> None:
    for name, data in zip(NAMES, IMAGES, strict=True):
        (home / name).write_bytes(data)


def write_text(path: Path) -> None:
    put_images(path.parent)
    rows = [{"image": n, "caption": c} for n, c in zip(NAMES, CAPTIONS, strict=True)]
    if ".jsonl" in path.suffixes:
        text = "".join(json.dumps(row) + "\n" for row in rows)
    else:
        text = "image,caption\n" + "".join(f'{r["image"]},"{r["caption"]}"\n' for r in rows)
    with pa.output_stream(path) as file:
        file.write(text.encode())


def write_parquet(path: Path, images: Any) -> None:
    pq.write_table(pa.table({"image": images, "caption": CAPTIONS}), path, row_group_size=3)


def write_paths(path: Path) -> None:
    put_images(path.parent)
    write_parquet(path, NAMES)


def write_structs(path: Path) -> None:
    write_parquet(path, [{"bytes": data, "path": "nowhere.png"} for data in IMAGES])


def write_base64(path: Path) -> None:
    uris = [f"data:image/png;base64,{base64.b64encode(data).decode()}" for data in IMAGES]
    write_parquet(path, uris)


def write_tar(path: Path) -> None:
    with tarfile.open(path, "w") as archive:
        for name, data, caption in zip(NAMES, IMAGES, CAPTIONS, strict=True):
            record = json.dumps({"caption": caption}).encode()
            for member, content in ((name, data), (name[:3] + ".json", record)):
                info = tarfile.TarInfo(member)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))


def write_folder(path: Path) -> None:
    path.mkdir()
    put_images(path)
    for name, caption in zip(NAMES, CAPTIONS, strict=True):
        (path / name).with_suffix(".txt").write_text(caption + "\n")


def scored(path: Path, **table: Any) -> pa.Table:
    return pairsift.score_table(path, config=replace(FAKE, table=TableConfig(**table)))


@pytest.fixture(scope="module")
def expected() -> list[float]:
    table = pa.table({"image": IMAGES, "caption": CAPTIONS})
    values: list[float] = pairsift.score_table(table, config=FAKE)["similarity"].to_pylist()
    assert len(set(values)) == NUM_PAIRS
    return values


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("pairs.csv", write_text),
        ("pairs.csv.gz", write_text),
        ("pairs.jsonl", write_text),
        ("pairs.jsonl.zst", write_text),
        ("paths.parquet", write_paths),
        ("bytes.parquet", lambda path: write_parquet(path, IMAGES)),
        ("structs.parquet", write_structs),
        ("base64.parquet", write_base64),
        ("pairs.tar", write_tar),
        ("folder", write_folder),
    ],
)
def test_the_same_bits(tmp_path: Path, expected: list[float], name: str, write: Any) -> None:
    write(tmp_path / name)
    out = scored(tmp_path / name)
    assert out["similarity_status"].to_pylist() == ["ok"] * NUM_PAIRS
    assert out["similarity"].to_pylist() == expected
    assert out["caption"].to_pylist() == CAPTIONS


def test_lists_of_captions(tmp_path: Path) -> None:
    put_images(tmp_path)
    lists = [CAPTIONS, CAPTIONS[:1], []]
    table = pa.table({"image": NAMES[:3], "caption": pa.array(lists, pa.list_(pa.string()))})
    pq.write_table(table, tmp_path / "a.parquet")
    rows = scored(tmp_path / "a.parquet", caption_list="rows")
    numbers = rows["similarity"].to_pylist()
    assert rows["caption"].to_pylist() == [*CAPTIONS, CAPTIONS[0], None]
    assert rows["similarity_status"].to_pylist()[-2:] == ["ok", "caption_null"]
    best = scored(tmp_path / "a.parquet", caption_list="best")
    assert best["caption"].to_pylist() == lists
    assert best["similarity"].to_pylist() == [max(numbers[:NUM_PAIRS]), numbers[NUM_PAIRS], None]
    mean = scored(tmp_path / "a.parquet", caption_list="mean")["similarity"].to_pylist()
    assert mean[0] == pytest.approx(sum(numbers[:NUM_PAIRS]) / NUM_PAIRS, abs=1e-6)
    assert mean[1:] == best["similarity"].to_pylist()[1:]


@pytest.mark.parametrize("how", ["rows", "best", "mean"])
@pytest.mark.parametrize("chosen", [{}, {"limit": 3}, {"sample": 4, "seed": 1}])
def test_lists_in_memory_are_those_of_a_file(tmp_path: Path, how: Any, chosen: Any) -> None:
    put_images(tmp_path)
    lists = pa.array([CAPTIONS, CAPTIONS[:1], [], None], pa.list_(pa.string()))
    table = pa.table({"image": NAMES[:4], "caption": lists, "id": range(4)})
    pq.write_table(table, tmp_path / "a.parquet")
    wish = TableConfig(caption_list=how, image_root=str(tmp_path), **chosen)
    config = replace(FAKE, table=wish)
    in_memory = pairsift.score_table(table, config=config)
    assert in_memory.equals(pairsift.score_table(tmp_path / "a.parquet", config=config))
    assert in_memory["similarity"].null_count < len(in_memory)


def write_members(path: Path, members: list[tuple[str, bytes]]) -> None:
    with pa.output_stream(path) as file, tarfile.open(fileobj=file, mode="w|") as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def read_members(path: Path, ending: str) -> dict[str, Any]:
    found = {}
    with pa.input_stream(path) as file, tarfile.open(fileobj=file, mode="r|") as archive:
        for member in archive:
            if member.name.endswith(ending):
                data = archive.extractfile(member)
                assert data is not None
                found[member.name] = json.loads(data.read())
    return found


@pytest.mark.parametrize("name", ["a.tar", "a.tar.zst"])
def test_lists_in_tars(tmp_path: Path, name: str) -> None:
    members = [(NAMES[0], IMAGES[0]), ("000.json", json.dumps({"caption": CAPTIONS}).encode())]
    members += [(NAMES[1], IMAGES[1]), ("001.txt", CAPTIONS[0].encode())]
    members += [("002.json", b'{"caption": []}'), (NAMES[2], IMAGES[2])]
    write_members(tmp_path / name, members)
    rows = scored(tmp_path / name, caption_list="rows")
    assert rows["caption"].to_pylist() == [*CAPTIONS, CAPTIONS[0], None]
    assert rows["key"].to_pylist() == ["000"] * NUM_PAIRS + ["001", "002"]
    assert rows["image"].to_pylist() == [IMAGES[0]] * NUM_PAIRS + IMAGES[1:3]
    numbers = rows["similarity"].to_pylist()
    best = scored(tmp_path / name, caption_list="best")
    assert best["similarity"].to_pylist() == [max(numbers[:NUM_PAIRS]), numbers[NUM_PAIRS], None]
    config = replace(FAKE, table=TableConfig(caption_list="best"), run=RunConfig(shard_rows=3))
    pairsift.score_file(tmp_path / name, tmp_path / f"out-{name}", config=config)
    told = read_members(tmp_path / f"out-{name}", ".similarity.json")
    assert [each["similarity"] for each in told.values()] == best["similarity"].to_pylist()
    assert list(told) == [f"00{i}.similarity.json" for i in range(3)]
    out = tmp_path / "rows.jsonl"
    config = replace(config, table=TableConfig(caption_list="rows", sample=5, seed=2))
    pairsift.score_file(tmp_path / name, out, config=config)
    assert len(out.read_bytes().splitlines()) == 5


def test_an_empty_file_among_others_is_no_obstacle(tmp_path: Path) -> None:
    write_text(tmp_path / "b.jsonl")
    (tmp_path / "a.jsonl").touch()
    pairsift.score_file(tmp_path / "{a,b}.jsonl", tmp_path / "o.jsonl", config=FAKE)
    assert len((tmp_path / "o.jsonl").read_bytes().splitlines()) == NUM_PAIRS
