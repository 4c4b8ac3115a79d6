from pathlib import Path

import pytest

from pairsift.config import TableConfig
from pairsift.errors import UsageError
from pairsift.tables.inputs import find_inputs, output_paths


def found(argument: Path | str, folder: Path) -> list[str]:
    inputs = find_inputs(str(argument), TableConfig())
    return [path.relative_to(folder).as_posix() for path in inputs]


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_a_file_is_itself(tmp_path: Path) -> None:
    touch(tmp_path, "a[1]{0..1}*.csv")
    assert found(tmp_path / "a[1]{0..1}*.csv", tmp_path) == ["a[1]{0..1}*.csv"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["data/b.parquet", "data/a.parquet", "README.md"], ["data/a.parquet", "data/b.parquet"]),
        (["metadata.csv", "a.jpg", "other.csv"], ["metadata.csv"]),
        (["train/metadata.jsonl", "train/a.jpg", "test/metadata.jsonl"],
         ["test/metadata.jsonl", "train/metadata.jsonl"]),
        (["b.jpg", "b.txt", "sub/a.PNG"], ["."]),
        (["pairs.csv", "images/a.jpg", "images/a.txt"], ["pairs.csv"]),
        (["b.jsonl.gz", "a.jsonl"], ["a.jsonl", "b.jsonl.gz"]),
        (["a.csv", ".hidden.parquet", "_tmp/b.parquet", "a.csv.pairsift/c.parquet", "_SUCCESS"],
         ["a.csv"]),
    ],
)  # fmt: skip
def test_what_a_folder_holds(tmp_path: Path, names: list[str], expected: list[str]) -> None:
    assert found(touch(tmp_path, *names), tmp_path) == expected


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("*.csv", ["a1.csv", "a2.csv"]),
        ("**/*.csv", ["a1.csv", "a2.csv", "sub/b.csv"]),
        ("a{1..2}.csv", ["a1.csv", "a2.csv"]),
        ("a{2..1}.csv", ["a2.csv", "a1.csv"]),
        ("{a{1..2},sub/b}.csv", ["a1.csv", "sub/b.csv", "a2.csv", "sub/b.csv"]),
        ("{000..002}-of-{003..003}.parquet", [f"00{i}-of-003.parquet" for i in range(3)]),
        ("a[2-9].csv", ["a2.csv"]),
    ],
)
def test_patterns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argument: str, expected: list[str]
) -> None:
    shards = [f"00{i}-of-003.parquet" for i in range(3)]
    touch(tmp_path, "a1.csv", "a2.csv", "sub/b.csv", *shards)
    (tmp_path / "folder.csv").mkdir()
    if "{a{" not in argument:
        assert found(tmp_path / argument, tmp_path) == expected
    monkeypatch.chdir(tmp_path)
    assert sorted(map(str, find_inputs(argument, TableConfig()))) == sorted(expected)


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("none.csv", "no such table"),
        ("*.jsonl", "no file matches"),
        ("a{1..3}.csv", r"1 of 3 files are missing, such as .*a3\.csv"),
        ("a{1..99999999}.csv", "more than 1,000,000 files"),
        ("*", r"several formats \(1 CSV, 1 Parquet\)"),
        ("empty", "neither tables nor images"),
        ("x.xlsx", "no table format has the suffix"),
    ],
)
def test_what_is_refused(tmp_path: Path, argument: str, words: str) -> None:
    touch(tmp_path, "a1.csv", "empty/notes.md")
    touch(tmp_path, "a2.parquet" if argument == "*" else "a2.csv")
    if argument == "x.xlsx":
        touch(tmp_path, argument)
    with pytest.raises(UsageError, match=words):
        find_inputs(str(tmp_path / argument), TableConfig())


def test_where_outputs_go(tmp_path: Path) -> None:
    inputs = [Path("x/a.tar"), Path("x/b.tar")]
    assert output_paths(None, inputs) == [(None, (0, 1))]
    assert output_paths(tmp_path / "o.csv", inputs) == [(tmp_path / "o.csv", (0, 1))]
    expected = [(tmp_path / "a.tar", (0,)), (tmp_path / "b.tar", (1,))]
    assert output_paths(tmp_path, inputs) == expected
    with pytest.raises(UsageError, match=r"1 names stand twice, such as a\.tar"):
        output_paths(tmp_path, [*inputs, Path("y/a.tar")])
