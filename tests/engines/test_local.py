import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pairsift.build import build_scorer
from pairsift.config import ModelConfig, OutputConfig, ScoreConfig, TableConfig
from pairsift.engines.local import choose_rows, run_folder, score_file
from pairsift.errors import ColumnError, OutputExistsError, TableFormatError, UsageError
from pairsift.job import JobSummary, Progress
from pairsift.statuses import RowStatus
from tests.bad_inputs import bad_rows, encoded, picture, write_files

FAKE = ModelConfig(runtime="fake")


def make_table(folder: Path, *, num_rows: int = 30) -> Path:
    lines = ["id,image,caption"]
    for row in range(num_rows):
        name = f"{row % 7}.png"
        (folder / name).write_bytes(encoded(picture(row % 7), "PNG"))
        lines.append(f"{row:03},{name},colours number {row}")
    table = folder / "pairs.csv"
    table.write_text("\r\n".join(lines) + "\r\n", encoding="utf-8", newline="")
    return table


def score(path: Path, output_path: Path | None, /, **parts: object) -> JobSummary:
    config = ScoreConfig(model=FAKE, **parts)  # type: ignore[arg-type]
    return score_file(config, path, output_path=output_path, build=build_scorer)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_row_comes_back_with_a_number(tmp_path: Path) -> None:
    table = make_table(tmp_path)
    summary = score(table, tmp_path / "scored.csv")
    rows = read(tmp_path / "scored.csv")
    assert [row["id"] for row in rows] == [f"{row:03}" for row in range(30)]
    assert all(row["similarity_status"] == "ok" and row["similarity"] for row in rows)
    assert (summary.num_rows, summary.num_failed) == (30, 0)
    folder = run_folder(tmp_path / "scored.csv")
    assert json.loads((folder / "summary.json").read_text("utf-8"))["counts"] == {"ok": 30}
    facts = json.loads((folder / "run.json").read_text("utf-8"))
    assert facts["config"]["model"]["runtime"] == "fake"


def test_bad_rows_in_one_csv(tmp_path: Path) -> None:
    root = tmp_path / "root"
    write_files(root)
    lines = [b"image,caption"]
    expected = []
    for number, row in enumerate(bad_rows()):
        (root / f"{number}.png").write_bytes(encoded(picture(number), "PNG"))
        lines += [b'"%s","%s"' % (row.image, row.caption), b"%d.png,fine %d" % (number, number)]
        expected += [str(row.status), "ok"]
    lines += [b"good.png", b"good.png,one,more", b"good.png,last"]
    expected += ["row_malformed", "row_malformed", "ok"]
    table = root / "pairs.csv"
    table.write_bytes(b"\n".join(lines) + b"\n")
    summary = score(table, tmp_path / "scored.csv")
    out = (tmp_path / "scored.csv").read_bytes().split(b"\n")
    assert summary.num_rows == len(expected)
    assert summary.counts[RowStatus.ROW_MALFORMED] == 2
    for status, line in zip(expected, out[1:-1], strict=True):
        assert status.encode() in line.split(b",", 2)[-1]
    # The good rows alone give the same bytes.
    fine = [line for line, status in zip(lines[1:], expected, strict=True) if status == "ok"]
    table.write_bytes(b"\n".join([lines[0], *fine]) + b"\n")
    score(table, tmp_path / "fine.csv")
    kept = [line for line, status in zip(out[1:], expected, strict=False) if status == "ok"]
    assert kept == (tmp_path / "fine.csv").read_bytes().split(b"\n")[1:-1]


def test_parquet_keeps_types_and_carries_provenance(tmp_path: Path) -> None:
    images = [encoded(picture(seed), "PNG") for seed in range(5)]
    table = pa.table(
        {
            "key": pa.array([b"\x00", b"b", None, b"d", b"e"], pa.binary()),
            "image": pa.array(images, pa.large_binary()),
            "text": pa.array(["a", "b", None, "d", "e"]).dictionary_encode(),
        }
    )
    pq.write_table(table, tmp_path / "in.parquet")
    summary = score(
        tmp_path / "in.parquet", tmp_path / "out.parquet", output=OutputConfig(copy_images=True)
    )
    out = pq.read_table(tmp_path / "out.parquet")
    assert out.select(table.column_names).equals(pq.read_table(tmp_path / "in.parquet"))
    assert summary.caption_column == "text"
    assert out["similarity_status"].to_pylist()[2] == "caption_null"
    assert b"measure" in out.schema.metadata[b"pairsift"]


def test_limit_and_sample(tmp_path: Path) -> None:
    table = make_table(tmp_path)
    score(table, tmp_path / "a.csv", table=TableConfig(limit=4))
    assert [row["id"] for row in read(tmp_path / "a.csv")] == ["000", "001", "002", "003"]
    score(table, tmp_path / "b.csv", table=TableConfig(sample=6, seed=3))
    score(table, tmp_path / "c.csv", table=TableConfig(sample=6, seed=3))
    assert (tmp_path / "b.csv").read_bytes() == (tmp_path / "c.csv").read_bytes()
    ids = [row["id"] for row in read(tmp_path / "b.csv")]
    assert len(ids) == 6
    assert ids == sorted(ids)


def test_choose_rows() -> None:
    assert choose_rows(lambda: 10, TableConfig()) is None
    assert choose_rows(lambda: 10, TableConfig(sample=99)) == range(10)
    assert choose_rows(lambda: 10, TableConfig(limit=0)) == range(0)
    both = choose_rows(lambda: 100, TableConfig(limit=10, sample=5))
    assert both is not None
    assert max(both) < 10


def test_existing_output_is_kept(tmp_path: Path) -> None:
    table = make_table(tmp_path)
    (tmp_path / "out.csv").write_text("precious", encoding="utf-8")
    with pytest.raises(OutputExistsError, match="--overwrite"):
        score(table, tmp_path / "out.csv")
    with pytest.raises(OutputExistsError, match="input itself"):
        score(table, table, output=OutputConfig(overwrite=True))
    assert (tmp_path / "out.csv").read_text(encoding="utf-8") == "precious"
    score(table, tmp_path / "out.csv", output=OutputConfig(overwrite=True))
    assert len(read(tmp_path / "out.csv")) == 30


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"a,b\n1,2\n", ColumnError),
        ("image,caption\na,b\n".encode("utf-16"), TableFormatError),
        (b"", TableFormatError),
        (b"image,caption,similarity\na,b,1\n", ColumnError),
    ],
)
def test_a_table_that_cannot_be_scored_leaves_nothing(
    tmp_path: Path, content: bytes, error: type[UsageError]
) -> None:
    table = tmp_path / "in.csv"
    table.write_bytes(content)
    with pytest.raises(error):
        score(table, tmp_path / "out.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_header_only(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes(b"image,caption\n")
    assert score(tmp_path / "in.csv", tmp_path / "out.csv").num_rows == 0
    header = b"image,caption,similarity,similarity_status,similarity_error\n"
    assert (tmp_path / "out.csv").read_bytes() == header


def test_an_interrupt_leaves_no_output(tmp_path: Path) -> None:
    table = make_table(tmp_path)

    def interrupt(_: Progress) -> None:
        raise KeyboardInterrupt

    config = ScoreConfig(model=FAKE)
    with pytest.raises(KeyboardInterrupt):
        score_file(
            config, table, output_path=tmp_path / "o.csv", build=build_scorer, on_progress=interrupt
        )
    assert not (tmp_path / "o.csv").exists()
    assert not list((run_folder(tmp_path / "o.csv") / "attempts").iterdir())
    score(table, tmp_path / "o.csv")
    assert len(read(tmp_path / "o.csv")) == 30


def test_prefix(tmp_path: Path) -> None:
    table = make_table(tmp_path, num_rows=2)
    summary = score(table, tmp_path / "o.csv", output=OutputConfig(column_prefix="clip_"))
    assert summary.added_columns[0] == "clip_similarity"
    assert "clip_similarity_status" in read(tmp_path / "o.csv")[0]


def test_captions_that_are_cut_are_counted(tmp_path: Path) -> None:
    table = make_table(tmp_path, num_rows=3)
    table.write_text(f"image,caption\n0.png,{'x' * 65}\n1.png,short\n2.png,{'y' * 900}\n")
    config = ScoreConfig(model=FAKE)
    out = tmp_path / "o.csv"
    summary = score_file(config, table, output_path=out, build=build_scorer)
    assert summary.truncated_captions == 2
    facts = json.loads((run_folder(out) / "summary.json").read_text())
    assert facts["truncated_captions"] == 2
