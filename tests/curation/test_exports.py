import csv
import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from pairsift.config import AuditConfig, ExportConfig
from pairsift.curation.curated import write_curation
from pairsift.curation.curating import curate_run
from pairsift.curation.exports import check_exports
from pairsift.curation.recipe import parse_recipe
from pairsift.errors import ColumnError, JobError, UsageError
from pairsift.runs import Run
from tests.curation.curated_runs import COPY, MISSING, NUM, scored_run

ADDED = ["similarity", "similarity_percentile", "match_p_value", "match_probability"]
RECIPE = '[[rule]]\nkind = "status"\n[[rule]]\nkind = "duplicates"\ncaptions = "all"\n'


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return scored_run(tmp_path_factory.mktemp("exports") / "set")


@pytest.fixture
def own_run(tmp_path: Path) -> Run:
    return scored_run(tmp_path / "set")


def export(run: Run, folder: Path, config: ExportConfig, recipe: str = RECIPE) -> dict[str, Any]:
    curation = curate_run(run, parse_recipe(recipe), AuditConfig())
    record = write_curation(curation, folder, config=config, prefix="", overwrite=False)
    exports: dict[str, Any] = record["exports"][0]
    return exports


def kept_rows(folder: Path) -> list[int]:
    keep = pq.read_table(folder / "decisions.parquet")["keep"].to_pylist()
    return [row for row, kept in enumerate(keep) if kept]


def test_kept_rows_keep_their_bytes(run: Run, tmp_path: Path) -> None:
    told = export(run, tmp_path / "out", ExportConfig(export=("input",)))
    assert (told["rows"], told["files"]) == (NUM - 2, ["table/pairs.csv"])
    lines = (tmp_path / "out" / "table" / "pairs.csv").read_bytes().split(b"\r\n")
    assert lines[0].decode() == ",".join(["image,caption,theme,note", *ADDED, "captions"])
    original = Path(run.info["inputs"][0]["path"]).read_bytes().split(b"\r\n")
    kept = kept_rows(tmp_path / "out")
    assert MISSING not in kept
    assert len(kept) == NUM - 2
    for line, row in zip(lines[1:-1], kept, strict=True):
        assert line.startswith(original[row + 1] + b",")


def test_all_rows_come_with_the_verdict(run: Run, tmp_path: Path) -> None:
    config = ExportConfig(export=("parquet",), export_rows="all")
    told = export(run, tmp_path / "out", config)
    assert told["rows"] == NUM
    table = pq.read_table(tmp_path / "out" / "parquet" / "pairs.parquet")
    assert table.column_names[4:] == [*ADDED, "keep", "drop_reasons", "captions"]
    assert table["drop_reasons"].to_pylist()[MISSING] == ["not_scored"]
    assert table["note"].to_pylist() == ["007"] * NUM
    captions = [each for each in table["captions"].to_pylist() if each]
    assert [sorted(each) for each in captions] == [
        ["caption of picture 2", f"caption of picture {COPY}"]
    ]
    assert table.schema.metadata is not None


def test_captions_that_an_earlier_rule_dropped_are_not_collected(
    own_run: Run, tmp_path: Path
) -> None:
    wrong = f'[[rule]]\nkind = "where"\nwhere = "row <> {COPY}"\n'
    export(own_run, tmp_path / "out", ExportConfig(export=("datacomp",)), wrong + RECIPE)
    captions = pq.read_table(tmp_path / "out" / "decisions.parquet")["captions"].to_pylist()
    assert [each for each in captions if each] == [["caption of picture 2"]]


def test_text_has_no_lists(run: Run, tmp_path: Path) -> None:
    export(run, tmp_path / "out", ExportConfig(export=("input",), export_rows="all"))
    text = (tmp_path / "out" / "table" / "pairs.csv").read_text()
    assert text.splitlines()[MISSING + 1].endswith(",,,,,false,not_scored,")
    assert '"[""caption of picture ' in text


def test_tars_hold_what_was_scored(run: Run, tmp_path: Path) -> None:
    config = ExportConfig(export=("webdataset",), shard_pairs=4)
    told = export(run, tmp_path / "out", config)
    assert told == {
        "export": "webdataset",
        "path": "webdataset",
        "shards": 3,
        "pairs": NUM - 2,
        "left_out": 0,
        "left_out_rows": [],
    }
    rows = []
    for shard in range(3):
        with tarfile.open(tmp_path / "out" / "webdataset" / f"{shard:05}.tar") as archive:
            names = archive.getnames()
            for image, text, record in zip(names[::3], names[1::3], names[2::3], strict=True):
                key = image.removesuffix(".png")
                assert (text, record) == (f"{key}.txt", f"{key}.json")
                row = int(key.removeprefix("00000-"))
                rows.append(row)
                data = read_member(archive, image)
                folder = Path(run.info["inputs"][0]["path"]).parent
                assert data == (folder / f"{row}.png").read_bytes()
                assert read_member(archive, text) == f"caption of picture {row}".encode()
                facts = json.loads(read_member(archive, record))
                assert facts["image_sha256"] == hashlib.sha256(data).hexdigest()
                assert (facts["theme"], facts["note"]) == ("ab"[row % 2], "007")
                assert set(ADDED) < set(facts)
    assert rows == kept_rows(tmp_path / "out")


def test_the_same_pairs_are_the_same_tar(run: Run, tmp_path: Path) -> None:
    for name in ("one", "two"):
        export(run, tmp_path / name, ExportConfig(export=("webdataset",)))
    one, two = ((tmp_path / name / "webdataset" / "00000.tar") for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_pictures_that_went_or_changed_are_left_out_and_told(own_run: Run, tmp_path: Path) -> None:
    (tmp_path / "set" / "0.png").unlink()
    Image.new("RGB", (9, 9)).save(tmp_path / "set" / "1.png")
    told = export(own_run, tmp_path / "out", ExportConfig(export=("webdataset",)))
    assert (told["pairs"], told["left_out"]) == (NUM - 4, 2)
    assert [(item["file"], item["row"]) for item in told["left_out_rows"]] == [(0, 0), (0, 1)]
    assert "another picture" in told["left_out_rows"][1]["reason"]


def test_tars_can_be_scored_again(run: Run, tmp_path: Path) -> None:
    from pairsift.cli import run as command  # noqa: PLC0415 - a name like the fixture's

    export(run, tmp_path / "out", ExportConfig(export=("webdataset",)))
    shard = tmp_path / "out" / "webdataset" / "00000.tar"
    arguments = ["score", str(shard), "-o", str(tmp_path / "again.csv"), "--runtime", "fake"]
    assert command(arguments) == 0
    with (tmp_path / "again.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["similarity_status"] for line in lines] == ["ok"] * (NUM - 2)


def test_uids_load_as_documented(run: Run, tmp_path: Path) -> None:
    told = export(run, tmp_path / "out", ExportConfig(export=("datacomp",)))
    assert told == {"export": "datacomp", "path": "uids.npy", "uids": NUM - 2, "uid_column": None}
    uids = np.load(tmp_path / "out" / "uids.npy", allow_pickle=False)
    assert uids.dtype == np.dtype("u8,u8")
    assert uids.tolist() == sorted(uids.tolist())
    folder = Path(run.info["inputs"][0]["path"]).parent
    expected = []
    for row in kept_rows(tmp_path / "out"):
        digest = hashlib.sha256((folder / f"{row}.png").read_bytes()).hexdigest()
        joined = f"{digest}caption of picture {row}"
        uid = hashlib.sha256(joined.encode()).hexdigest()[:32]
        expected.append((int(uid[:16], 16), int(uid[16:], 16)))
    assert uids.tolist() == sorted(expected)


def test_uids_come_from_the_users_column(own_run: Run, tmp_path: Path) -> None:
    table = tmp_path / "set" / "pairs.csv"
    text = table.read_bytes().decode()
    for row in range(NUM):
        text = text.replace(f'picture {row}",{"ab"[row % 2]},007', f'picture {row}",x,{row:032x}')
    table.write_bytes(text.encode())
    config = ExportConfig(export=("datacomp",), uid_column="note")
    export(own_run, tmp_path / "out", config)
    uids = np.load(tmp_path / "out" / "uids.npy", allow_pickle=False)
    assert uids.tolist() == [(0, row) for row in kept_rows(tmp_path / "out")]
    with pytest.raises(UsageError, match="'x' of kept pair 0 is not 32 hex digits"):
        export(own_run, tmp_path / "new", ExportConfig(export=("datacomp",), uid_column="theme"))


def test_what_cannot_be_exported_is_refused_first(run: Run) -> None:
    with pytest.raises(UsageError, match="accepted: input, parquet, webdataset, datacomp"):
        check_exports(run, ExportConfig(export=("excel",)), prefix="")
    with pytest.raises(ColumnError, match="`uid` not found"):
        check_exports(run, ExportConfig(export=("datacomp",), uid_column="uid"), prefix="")
    check_exports(run, ExportConfig(export=("input", "datacomp")), prefix="")


@pytest.mark.parametrize("name", [b"keep", b"similarity", b"match_p_value"])
def test_a_column_that_is_there_already_is_refused_first(
    own_run: Run, tmp_path: Path, name: bytes
) -> None:
    table = tmp_path / "set" / "pairs.csv"
    table.write_bytes(table.read_bytes().replace(b"theme", name))
    with pytest.raises(ColumnError, match="--column-prefix"):
        check_exports(own_run, ExportConfig(export=("input",)), prefix="")
    check_exports(own_run, ExportConfig(export=("input",)), prefix="new_")


def test_an_input_that_lost_rows_is_told(own_run: Run, tmp_path: Path) -> None:
    table = tmp_path / "set" / "pairs.csv"
    table.write_bytes(b"".join(table.read_bytes().splitlines(keepends=True)[:-2]))
    with pytest.raises(JobError, match="not what was scored any more"):
        export(own_run, tmp_path / "out", ExportConfig(export=("input",)))


def read_member(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.extractfile(name)
    assert member is not None
    return member.read()
