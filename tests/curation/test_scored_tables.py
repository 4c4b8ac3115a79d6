"""A scored table without its run folder gives what its columns say, and tells what is missing."""

import gc
import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from pairsift import open_run
from pairsift.cli import run as pairsift
from pairsift.config import TableConfig
from pairsift.curation.default_recipe import default_recipe
from pairsift.curation.rows import read_rows
from pairsift.curation.scored_tables import is_alone, open_scored, what_is_missing
from pairsift.errors import RunFolderError, TableFormatError, UsageError

NUM = 40
SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty pairs scored into each format, with their run folder; picture 3 is missing."""
    folder = tmp_path_factory.mktemp("scored")
    lines = ["image,caption,theme"]
    for n in range(NUM):
        if n != 3:
            picture = Image.new("RGB", (300 - n, 250), (5 * n, 90, 255 - 5 * n))
            picture.save(folder / f"{n}.png")
        lines.append(f"{n}.png,caption of picture {n},{'ab'[n % 2]}")
    text = "\n".join([*lines, ""])
    (folder / "pairs.csv").write_text(text, encoding="utf-8")
    (folder / "pairs.tsv").write_text(text.replace(",", "\t"), encoding="utf-8")
    for suffix in SUFFIXES:
        table = folder / ("pairs.tsv" if suffix == ".tsv" else "pairs.csv")
        arguments = ["score", str(table), "-o", str(folder / f"out{suffix}")]
        more = ["--runtime", "fake", "--details"]
        if suffix == ".tsv":
            more += ["--column-prefix", "x_"]
        assert pairsift([*arguments, *more]) == 0
    return folder


@pytest.fixture(params=SUFFIXES)
def alone(request: pytest.FixtureRequest, folder: Path, tmp_path: Path) -> Path:
    """A scored table beside its pictures, away from its run folder."""
    for picture in folder.glob("*.png"):
        shutil.copy(picture, tmp_path)
    return Path(shutil.copy(folder / f"out{request.param}", tmp_path))


def without(path: Path, *columns: str) -> Path:
    """Return a Parquet table without some columns, and without what pairsift says of it."""
    table = pq.read_table(path).drop_columns(list(columns)).replace_schema_metadata(None)
    pq.write_table(table, path)
    return path


def test_the_scores_are_those_of_the_run(folder: Path, alone: Path) -> None:
    run = open_scored(alone)
    ours, theirs = read_rows(run), read_rows(open_run(folder / alone.name))
    assert is_alone(run)
    for name in ("rows", "similarities", "cosines", "truncated", "widths", "heights"):
        assert np.array_equal(getattr(ours, name), getattr(theirs, name), equal_nan=True), name
    assert run.counts == open_run(folder / alone.name).counts
    assert run.histogram().total == NUM - 1


def test_beside_a_run_folder_that_is_read(folder: Path) -> None:
    run = open_scored(folder / "out.csv")
    assert not is_alone(run)
    assert what_is_missing(run) is None
    with pytest.raises(UsageError, match="--image-column: only for a table without a run folder"):
        open_scored(folder / "out.csv", TableConfig(image_column="image"))


def test_the_folder_of_a_moment_goes(folder: Path, tmp_path: Path) -> None:
    run = open_scored(Path(shutil.copy(folder / "out.csv", tmp_path)))
    scratch = Path(run.location)
    assert scratch.is_dir()
    del run
    gc.collect()
    assert not scratch.exists()


def test_a_parquet_table_knows_its_model(folder: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(folder / "out.parquet", tmp_path))
    assert open_scored(path).provenance == open_run(folder / "out.parquet").provenance
    assert open_scored(without(path)).provenance.model == "not known"


@pytest.mark.parametrize(
    "arguments",
    [
        ["threshold", "--by", "theme"],
        ["audit", "--groups", "theme"],
        ["curate"],
    ],
)
def test_every_command_takes_it(
    alone: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert pairsift([arguments[0], str(alone), *arguments[1:]]) == 0
    told = capsys.readouterr()
    assert f"note: {alone.name} has no run folder beside it" in told.err
    assert "no copies" not in told.err
    assert told.out


def test_the_report_takes_it(alone: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    assert pairsift(["report", str(alone), "-o", str(page)]) == 0
    html = page.read_text(encoding="utf-8")
    assert "has no run folder beside it" in html
    assert "data:image/webp" in html
    assert "pairsift score" not in html


def test_what_only_a_run_folder_has_is_one_line(
    alone: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('[[rule]]\nkind = "mismatches"\n', encoding="utf-8")
    for arguments, hint in (
        (["threshold", "--rule", "fdr:1%"], "rule `fdr:1%` needs mismatched pairs"),
        (["threshold", "--score", "negative-clip-loss"], "made from the embeddings of all rows"),
        (["audit", "--categories", "cats, dogs"], "read from their embeddings"),
        (["curate", "--recipe", str(recipe)], "found by the embeddings of all rows"),
    ):
        assert pairsift([arguments[0], str(alone), *arguments[1:]]) == 2
        told = capsys.readouterr().err.splitlines()
        assert len(told) == 2
        assert hint in told[1]


def test_a_table_without_details_says_what_that_costs(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path(shutil.copy(folder / "out.parquet", tmp_path))
    without(path, "image_sha256", "image_width", "image_height", "caption_truncated")
    assert pairsift(["audit", str(path)]) == 0
    told = capsys.readouterr()
    assert "no copies, sizes of pictures, cut captions (hint: score with --details)" in told.err
    assert "longer than the model reads" not in told.out
    words = "not known here: cut captions, small pictures, extreme shapes, blank pictures,"
    assert words in " ".join(told.out.split())
    assert "--pixels" not in told.out
    assert pairsift(["curate", str(path)]) == 0
    assert 'kind = "duplicates"' not in str(default_recipe(open_scored(path))[0].text)
    assert len(capsys.readouterr().err.splitlines()) == 1
    uids = ["--export", "datacomp", "-o", str(tmp_path / "curated")]
    assert pairsift(["curate", str(path), *uids]) == 2
    assert "--uid-column" in capsys.readouterr().err
    tars = ["--export", "webdataset", "-o", str(tmp_path / "curated")]
    assert pairsift(["curate", str(path), *tars]) == 2
    assert "webdataset needs pictures" in capsys.readouterr().err
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('[[rule]]\nkind = "duplicates"\n', encoding="utf-8")
    assert pairsift(["curate", str(path), "--recipe", str(recipe)]) == 2
    assert "told by image_sha256" in capsys.readouterr().err
    recipe.write_text('[[rule]]\nkind = "where"\nwhere = "image_width > 9"\n', encoding="utf-8")
    assert pairsift(["curate", str(path), "--recipe", str(recipe)]) == 2
    assert "`image_width` is not known: the table has no image_width" in capsys.readouterr().err


def test_details_of_rows_that_all_failed_are_not_missing(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path(shutil.copy(folder / "out.parquet", tmp_path))
    table = pq.read_table(path)
    failed = table.slice(3, 1)
    assert failed["similarity_status"].to_pylist() == ["image_not_found"]
    pq.write_table(failed, path)
    assert pairsift(["curate", str(path)]) == 0
    assert "--details" not in capsys.readouterr().err


def test_exports_keep_the_columns_that_are_there(alone: Path, tmp_path: Path) -> None:
    output = tmp_path / "curated"
    exports = ["--export", "input", "--export", "datacomp", "-o", str(output)]
    assert pairsift(["curate", str(alone), *exports]) == 0
    kept = json.loads((output / "curation.json").read_text())["kept"]
    names = open_scored(output / "table" / alone.name)
    assert names.num_rows == kept > 0
    assert len(np.load(output / "uids.npy")) == kept


def test_other_columns_are_named(folder: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(folder / "out.parquet", tmp_path))
    table = pq.read_table(path)
    names = {"image": "left", "caption": "right"}
    pq.write_table(table.rename_columns([names.get(n, n) for n in table.column_names]), path)
    assert pairsift(["threshold", str(path)]) == 2
    named = ["--image-column", "left", "--caption-column", "right"]
    assert pairsift(["threshold", str(path), *named]) == 0


def test_no_scored_table(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("image,caption\na.png,a cat\n")
    with pytest.raises(RunFolderError, match="nor a scored table"):
        open_scored(path)


@pytest.mark.parametrize(
    ("cells", "hint"),
    [
        ({"similarity": ["high"]}, "cannot be read as a score column"),
        ({"similarity": [31.0]}, "those are no cosines"),
        ({"similarity_status": ["good"]}, "similarity_status holds 'good'"),
    ],
)
def test_columns_of_another_kind(tmp_path: Path, cells: dict[str, list[object]], hint: str) -> None:
    path = tmp_path / "scored.parquet"
    usual = {"image": ["a.png"], "caption": ["a"], "similarity": [0.3], "similarity_status": ["ok"]}
    pq.write_table(pa.table(usual | cells), path)
    with pytest.raises(TableFormatError, match=hint):
        open_scored(path)


@pytest.mark.parametrize("num", [0, 1, 9])
def test_few_rows(tmp_path: Path, num: int, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "scored.csv"
    lines = [f"{n}.png,a {n},{0.1 * n},ok" for n in range(num)]
    path.write_text("\n".join(["image,caption,similarity,similarity_status", *lines, ""]))
    for command in ("threshold", "audit", "curate"):
        assert pairsift([command, str(path)]) == 0
    assert pairsift(["report", str(path), "-o", str(tmp_path / "r.html")]) == 0
    assert "Traceback" not in capsys.readouterr().err
