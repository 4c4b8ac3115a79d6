"""Several input files are one job: rows keep their file, shards never cross one."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pairsift import open_run
from pairsift.build import build_scorer
from pairsift.config import ModelConfig, OutputConfig, RunConfig, ScoreConfig, TableConfig
from pairsift.engines import finishing, resuming
from pairsift.engines.local import run_folder, score_file
from pairsift.errors import ColumnError, OutputExistsError
from pairsift.job import JobSummary
from tests.bad_inputs import encoded, picture


def score(given: Path, output: Path | None, /, **parts: object) -> JobSummary:
    run = RunConfig(shard_rows=4, **parts.pop("run", {}))  # type: ignore[arg-type]
    config = ScoreConfig(model=ModelConfig(runtime="fake"), run=run, **parts)  # type: ignore[arg-type]
    return score_file(config, given, output_path=output, build=build_scorer)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three tables of 5, 6 and 7 rows."""
    folder = tmp_path / "tables"
    folder.mkdir()
    for seed in range(4):
        (folder / f"{seed}.png").write_bytes(encoded(picture(seed), "PNG"))
    for number, rows in enumerate((5, 6, 7)):
        lines = [f"{number}-{row},{row % 5}.png,caption {row}" for row in range(rows)]
        (folder / f"part-{number}.csv").write_text("id,image,caption\n" + "\n".join(lines) + "\n")
    return folder


def ids(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return [row["id"] for row in csv.DictReader(file)]


ALL = [f"{number}-{row}" for number, rows in enumerate((5, 6, 7)) for row in range(rows)]


@pytest.mark.parametrize("given", [".", "part-*.csv", "part-{0..2}.csv"])
def test_one_table_of_all_rows(folder: Path, tmp_path: Path, given: str) -> None:
    output = tmp_path / "out.csv"
    summary = score(folder / given, output)
    assert ids(output) == ALL
    assert summary.num_shards == 2 + 2 + 2
    row, why = summary.examples[next(iter(summary.examples))]
    assert (row, why.split(":")[0]) == (4, "part-0.csv")
    scores = open_run(output).scores(["file", "row"])
    assert scores["file"].to_pylist() == [0] * 5 + [1] * 6 + [2] * 7
    assert scores["row"].to_pylist() == [*range(5), *range(6), *range(7)]


def test_a_folder_gets_one_table_for_each(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "scored"
    score(folder, output)
    names = {path.name for path in output.iterdir()}
    assert names == {"part-0.csv", "part-1.csv", "part-2.csv", "_SUCCESS"}
    assert [each for n in range(3) for each in ids(output / f"part-{n}.csv")] == ALL
    assert score(folder, output).note is not None
    (output / "part-1.csv").write_text("precious")
    with pytest.raises(OutputExistsError, match=r"part-1\.csv"):
        score(folder, output)


def test_a_folder_is_not_whole_while_it_is_written_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "scored"
    score(folder, output)
    write_table, seen = finishing.write_table, []

    def stop_at_the_second(*arguments: Any, **named: Any) -> Any:
        seen.append((output / "_SUCCESS").exists())
        if len(seen) == 2:
            raise KeyboardInterrupt
        return write_table(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(resuming, "write_table", stop_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            score(folder, output, output=OutputConfig(details=True))
    assert seen == [False, False]
    assert not (output / "_SUCCESS").exists()
    score(folder, output, output=OutputConfig(details=True))
    assert (output / "_SUCCESS").exists()


def test_another_format(folder: Path, tmp_path: Path) -> None:
    score(folder, tmp_path / "out.parquet")
    score(folder, tmp_path / "out.jsonl")
    rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert [row["id"] for row in rows] == ALL
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    scores = [row["similarity"] and np.float32(row["similarity"]) for row in rows]
    assert [line["similarity"] and np.float32(line["similarity"]) for line in lines] == scores


def test_some_rows_of_all_files(folder: Path, tmp_path: Path) -> None:
    score(folder, tmp_path / "a.csv", table=TableConfig(limit=8))
    assert ids(tmp_path / "a.csv") == ALL[:8]
    score(folder, tmp_path / "b.csv", table=TableConfig(sample=9, seed=4))
    chosen = ids(tmp_path / "b.csv")
    assert len(chosen) == 9
    assert chosen == [each for each in ALL if each in set(chosen)]


def test_a_file_without_the_columns_is_named(folder: Path, tmp_path: Path) -> None:
    for number in range(3):
        path = folder / f"part-{number}.jsonl"
        row = {"image": "0.png", "caption": "a"} if number else {"image": "0.png", "text": "a"}
        path.write_text(json.dumps(row) + "\n")
    with pytest.raises(ColumnError, match=r"part-1\.jsonl: column text not found"):
        score(folder / "*.jsonl", tmp_path / "out.jsonl")
    assert not run_folder(tmp_path / "out.jsonl").exists()


def test_references_start_from_their_own_table(tmp_path: Path) -> None:
    for number in range(2):
        below = tmp_path / "set" / str(number)
        below.mkdir(parents=True)
        (below / "same.png").write_bytes(encoded(picture(number), "PNG"))
        (below / "metadata.csv").write_text("file_name,text\nsame.png,a\n")
    summary = score(tmp_path / "set", tmp_path / "out.csv", output=OutputConfig(details=True))
    assert summary.num_failed == 0
    with (tmp_path / "out.csv").open(newline="") as file:
        assert len({row["image_sha256"] for row in csv.DictReader(file)}) == 2


@pytest.mark.parametrize("given", [".", "part-*.csv", "*.csv"])
def test_its_own_output_is_no_input(folder: Path, given: str) -> None:
    output = folder / "part-9.csv"
    score(folder / given, output)
    assert ids(output) == ALL
    again = score(folder / given, output)
    assert again.note is not None
    with (folder / "part-2.csv").open("a") as file:
        file.write("new,0.png,another caption\n")
    score(folder / given, output)
    assert ids(output) == [*ALL, "new"]
    output.write_text(output.read_text().replace("caption 1", "caption one"))
    with pytest.raises(OutputExistsError, match="is not what the run in"):
        score(folder / given, output)


def test_its_own_folder_of_outputs_is_no_input(folder: Path) -> None:
    score(folder, folder / "scored")
    again = score(folder, folder / "scored")
    assert again.note is not None
    assert again.num_rows == len(ALL)


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("suffix", [".parquet", ".jsonl"])
def test_an_empty_parquet_file_needs_no_types(
    folder: Path, tmp_path: Path, place: int, suffix: str
) -> None:
    tables = tmp_path / "typed"
    tables.mkdir()
    rows = {"image": ["0.png", "1.png"], "caption": ["a", "b"]}
    empty = pa.table({"image": pa.nulls(0), "caption": pa.nulls(0)})
    pq.write_table(pa.table(rows), tables / f"{1 - place}.parquet")
    pq.write_table(empty, tables / f"{place}.parquet")
    output = tmp_path / f"out{suffix}"
    score(tables, output, table=TableConfig(image_root=str(folder)))
    if suffix == ".parquet":
        found = pq.read_table(output).to_pylist()
    else:
        found = [json.loads(line) for line in output.read_text().splitlines()]
    assert [(row["image"], row["similarity_status"]) for row in found] == [
        ("0.png", "ok"),
        ("1.png", "ok"),
    ]
