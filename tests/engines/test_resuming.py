"""Stopped and gone on with: the same table, nothing scored twice, nothing of another job."""

import csv
import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pairsift import open_run
from pairsift.config import (
    ImageConfig,
    ModelConfig,
    OutputConfig,
    RunConfig,
    ScoreConfig,
    TableConfig,
)
from pairsift.encoders.fake import FakeEncoder
from pairsift.engines import resuming
from pairsift.engines.local import run_folder, score_file
from pairsift.errors import JobError, OutputExistsError, RunFolderError, UsageError
from pairsift.job import JobSummary, Progress
from pairsift.measures import find_measure
from pairsift.memory import Reuse
from pairsift.protocols import FloatArray, PixelArray, TokenizedCaption
from pairsift.scoring import PairScorer
from pairsift.sources import Sources
from pairsift.statuses import RowStatus
from tests.bad_inputs import encoded, picture

NUM_ROWS = 30
SHARD_ROWS = 4


class CountingEncoder(FakeEncoder):
    """The fake, remembering how many images and captions it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.num_images = 0
        self.num_texts = 0

    def encode_images(self, pixels: Sequence[PixelArray]) -> FloatArray:
        self.num_images += len(pixels)
        return super().encode_images(pixels)

    def encode_texts(self, captions: Sequence[TokenizedCaption]) -> FloatArray:
        self.num_texts += len(captions)
        return super().encode_texts(captions)


class Builder:
    """Builds scorers around one counting encoder."""

    def __init__(self) -> None:
        self.encoder = CountingEncoder()

    def __call__(self, config: ScoreConfig, root: Path) -> PairScorer:
        return PairScorer(
            encoder=self.encoder,
            measure=find_measure(config.measure, self.encoder.record),
            sources=Sources(root, config.image),
            image_config=config.image,
            details=config.output.details,
            reuse=Reuse(not config.run.no_dedupe, config.run.cache_mb << 20),
        )


def configure(**changed: Any) -> ScoreConfig:
    run = RunConfig(**{"shard_rows": SHARD_ROWS, **changed.pop("run", {})})
    return ScoreConfig(model=ModelConfig(runtime="fake"), run=run, **changed)


def score(
    table: Path,
    output: Path,
    /,
    *,
    build: Builder | None = None,
    stop_after: int | None = None,
    **changed: Any,
) -> JobSummary:
    """Score a table; with ``stop_after`` as many rows, interrupt it then."""

    def watch(progress: Progress) -> None:
        if stop_after is not None and progress.rows_done - progress.rows_before >= stop_after:
            raise KeyboardInterrupt

    return score_file(
        configure(**changed),
        table,
        output_path=output,
        build=build or Builder(),
        on_progress=watch,
    )


def write_rows(path: Path, rows: Sequence[int]) -> None:
    lines = ["id,image,caption", *(f"{row:03},{row % 7}.png,colours {row % 11}" for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    for seed in range(7):
        (tmp_path / f"{seed}.png").write_bytes(encoded(picture(seed), "PNG"))
    path = tmp_path / "pairs.csv"
    write_rows(path, range(NUM_ROWS))
    return path


def statuses(path: Path) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return [row["similarity_status"] for row in csv.DictReader(file)]


@pytest.mark.parametrize("stop_after", [1, 5, 13, 29])
def test_a_stopped_run_goes_on_where_it_was(table: Path, stop_after: int) -> None:
    whole, output = table.with_name("whole.csv"), table.with_name("out.csv")
    score(table, whole)
    with pytest.raises(KeyboardInterrupt):
        score(table, output, stop_after=stop_after)
    assert not output.exists()
    kept = open_run(run_folder(output), allow_partial=True).num_rows
    summary = score(table, output)
    assert output.read_bytes() == whole.read_bytes()
    assert (summary.num_rows, summary.resumed_rows) == (NUM_ROWS, kept)
    assert summary.num_shards == 8
    assert summary.similarities.total == NUM_ROWS
    folder = run_folder(output)
    assert open_run(folder).num_rows == NUM_ROWS
    assert not list((folder / "attempts").iterdir())
    assert not (folder / "writing.json").exists()


def test_a_long_run_says_that_it_uses_its_tables(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[list[Path]] = []
    monkeypatch.setattr(resuming, "keep_copies", lambda paths: told.append(list(paths)))
    score(table, table.with_name("short.csv"))
    assert told == []
    monkeypatch.setattr(resuming, "KEEP_SECONDS", 0.0)
    score(table, table.with_name("long.csv"))
    assert told == [[table]] * 8


def test_a_parquet_table_goes_on_too(table: Path) -> None:
    rows = {"image": [f"{row % 7}.png" for row in range(50)], "caption": ["a", "b"] * 25}
    parquet = table.with_name("pairs.parquet")
    pq.write_table(pa.table(rows), parquet, row_group_size=15)
    whole, output = table.with_name("whole.parquet"), table.with_name("out.parquet")
    score(parquet, whole)
    with pytest.raises(KeyboardInterrupt):
        score(parquet, output, stop_after=20)
    assert score(parquet, output).resumed_rows > 0
    assert output.read_bytes() == whole.read_bytes()


def test_a_finished_run_has_nothing_to_do(table: Path) -> None:
    output, build = table.with_name("out.csv"), Builder()
    first = score(table, output, build=build)
    before, encoded_before = output.stat(), build.encoder.num_images
    again = score(table, output, build=build)
    assert again.note is not None
    assert "nothing to do" in again.note
    assert output.stat() == before
    assert build.encoder.num_images == encoded_before
    assert again.counts == first.counts


def test_a_table_that_somebody_changed_is_kept(table: Path) -> None:
    output = table.with_name("out.csv")
    score(table, output)
    output.write_text("precious")
    with pytest.raises(OutputExistsError, match="--overwrite"):
        score(table, output)
    assert output.read_text() == "precious"
    score(table, output, output=OutputConfig(overwrite=True))
    assert len(statuses(output)) == NUM_ROWS


def test_a_lost_table_is_written_again_without_scoring(table: Path) -> None:
    output, build = table.with_name("out.csv"), Builder()
    score(table, output, build=build)
    before = output.read_bytes()
    output.unlink()
    encoded_before = build.encoder.num_images
    score(table, output, build=build)
    assert output.read_bytes() == before
    assert build.encoder.num_images == encoded_before


def test_other_columns_of_the_same_scores_need_no_scoring(table: Path) -> None:
    output, build = table.with_name("out.csv"), Builder()
    score(table, output, build=build)
    encoded_before = build.encoder.num_images
    score(table, output, build=build, output=OutputConfig(details=True, column_prefix="x_"))
    header = output.read_text().splitlines()[0]
    assert "x_image_sha256" in header
    assert build.encoder.num_images == encoded_before


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"measure": "euclidean"}, "measure was cosine, now euclidean"),
        ({"image": ImageConfig(exact_decode=True)}, "exact_decode was False, now True"),
        ({"table": TableConfig(limit=9)}, "limit was not set, now 9"),
        ({"table": TableConfig(caption_column="id")}, "caption_column was caption, now id"),
    ],
)
def test_another_configuration_is_refused_by_name(
    table: Path, changed: dict[str, Any], words: str
) -> None:
    output = table.with_name("out.csv")
    with pytest.raises(KeyboardInterrupt):
        score(table, output, stop_after=9)
    with pytest.raises(RunFolderError, match=words):
        score(table, output, **changed)
    score(table, output)


def test_what_only_decides_about_speed_is_free(table: Path) -> None:
    output, whole = table.with_name("out.csv"), table.with_name("whole.csv")
    with pytest.raises(KeyboardInterrupt):
        score(table, output, stop_after=9)
    score(table, output, run={"shard_rows": 7, "cache_mb": 0, "embeddings": "none"})
    score(table, whole)
    assert output.read_bytes() == whole.read_bytes()


def test_overwrite_starts_anew(table: Path) -> None:
    output = table.with_name("out.csv")
    score(table, output)
    summary = score(table, output, measure="euclidean", output=OutputConfig(overwrite=True))
    assert summary.resumed_rows == 0
    assert open_run(output).info["measure"] == "euclidean"


def test_rows_that_were_added_are_scored_alone(table: Path) -> None:
    output, whole, build = table.with_name("out.csv"), table.with_name("whole.csv"), Builder()
    score(table, output, build=build)
    commits = {path: path.read_bytes() for path in (run_folder(output) / "commits").iterdir()}
    write_rows(table, range(NUM_ROWS + 7))
    summary = score(table, output)
    assert summary.resumed_rows == NUM_ROWS
    assert {path: path.read_bytes() for path in commits} == commits
    score(table, whole)
    assert output.read_bytes() == whole.read_bytes()
    assert open_run(output).scores(["row"])["row"].to_pylist() == list(range(NUM_ROWS + 7))


def test_rows_that_changed_are_noticed(table: Path) -> None:
    output = table.with_name("out.csv")
    with pytest.raises(KeyboardInterrupt):
        score(table, output, stop_after=9)
    table.write_text(table.read_text().replace("002,2.png", "002,3.png"))
    with pytest.raises(JobError, match="changed since rows 1 to 4 were scored"):
        score(table, output)
    assert not output.exists()


def test_rows_that_are_gone_are_noticed(table: Path) -> None:
    output = table.with_name("out.csv")
    score(table, output)
    write_rows(table, range(NUM_ROWS - 3))
    with pytest.raises(JobError, match=r"fewer rows|changed since"):
        score(table, output)


def test_failed_rows_are_scored_again_and_only_those(table: Path) -> None:
    output, whole, build = table.with_name("out.csv"), table.with_name("whole.csv"), Builder()
    score(table, whole)
    shutil.move(table.with_name("3.png"), table.with_name("away.png"))
    score(table, output, build=build)
    assert statuses(output).count("image_not_found") == 4
    assert score(table, output, build=build).note  # it is not tried again unasked
    shutil.move(table.with_name("away.png"), table.with_name("3.png"))
    encoded_before = build.encoder.num_images
    summary = score(table, output, run={"retry": "failed"}, build=build)
    assert output.read_bytes() == whole.read_bytes()
    assert (summary.num_rows, summary.num_failed, summary.session_rows) == (NUM_ROWS, 0, 4)
    assert build.encoder.num_images == encoded_before + 1
    run = open_run(output)
    assert run.counts == {RowStatus.OK: NUM_ROWS}
    assert {commit.key.generation for commit in run.commits} == {0, 1}
    rows = [row for shard in run.embeddings() for row in shard.rows.tolist()]
    assert rows == list(range(NUM_ROWS))


def test_retrying_takes_the_statuses_that_were_named(table: Path) -> None:
    output = table.with_name("out.csv")
    table.write_text("image,caption\nnone.png,a\n0.png,\n1.png,b\n")
    score(table, output)
    table.with_name("none.png").write_bytes(encoded(picture(1), "PNG"))
    summary = score(table, output, run={"retry": "caption_empty"})
    assert summary.session_rows == 1
    assert statuses(output) == ["image_not_found", "caption_empty", "ok"]
    score(table, output, run={"retry": "image_not_found,image_corrupt"})
    assert statuses(output) == ["ok", "caption_empty", "ok"]
    with pytest.raises(UsageError, match="image_not_found"):
        score(table, output, run={"retry": "image_missing"})


def test_a_status_that_is_none_leaves_no_run_folder(table: Path) -> None:
    output = table.with_name("out.csv")
    with pytest.raises(UsageError, match="image_not_found"):
        score(table, output, run={"retry": "nonsense"})
    assert not output.with_name("out.csv.pairsift").exists()


def test_a_stopped_retry_goes_on(table: Path) -> None:
    output = table.with_name("out.csv")
    for seed in range(7):
        shutil.move(table.with_name(f"{seed}.png"), table.with_name(f"{seed}.away"))
    score(table, output)
    for seed in range(7):
        shutil.move(table.with_name(f"{seed}.away"), table.with_name(f"{seed}.png"))
    with pytest.raises(KeyboardInterrupt):
        score(table, output, run={"retry": "failed"}, stop_after=12)
    kept = open_run(output, allow_partial=True).counts[RowStatus.OK]
    assert 0 < kept < NUM_ROWS
    summary = score(table, output, run={"retry": "failed"})
    assert summary.session_rows == NUM_ROWS - kept
    assert statuses(output) == ["ok"] * NUM_ROWS


def test_a_retry_after_a_rewrite_that_was_stopped_is_a_new_one(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, away = table.with_name("out.csv"), table.with_name("away.png")
    shutil.move(table.with_name("3.png"), away)
    score(table, output)
    assert score(table, output, run={"retry": "failed"}).num_failed == 4

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(resuming, "write_table", stop)
        with pytest.raises(KeyboardInterrupt):
            score(table, output, output=OutputConfig(details=True))
    shutil.move(away, table.with_name("3.png"))
    summary = score(table, output, run={"retry": "failed"})
    assert (summary.session_rows, summary.num_failed) == (4, 0)


def test_a_retry_that_scored_its_rows_is_finished_without_its_table(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, away = table.with_name("out.csv"), table.with_name("away.png")
    shutil.move(table.with_name("3.png"), away)
    score(table, output)

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(resuming, "write_table", stop)
        with pytest.raises(KeyboardInterrupt):
            score(table, output, run={"retry": "failed"})
    shutil.move(away, table.with_name("3.png"))
    assert score(table, output, run={"retry": "image_not_found"}).num_failed == 0


def test_what_a_killed_process_left_is_swept_up(table: Path) -> None:
    output = table.with_name("out.csv")
    with pytest.raises(KeyboardInterrupt):
        score(table, output, stop_after=9)
    folder = run_folder(output)
    left = [folder / "scores" / ".x.parquet.ab.part", table.with_name(".out.csv.ab.part")]
    for path in left:
        path.write_text("half")
        os.utime(path, (0, 0))
    young = folder / "scores" / ".y.parquet.cd.part"
    young.write_text("another process is at it")
    commit = next((folder / "commits").iterdir())
    mark = folder / "attempts" / f"{commit.stem}-0123abcd.json"
    mark.write_text("{}")  # killed after the commit
    (folder / "writing.json").write_text("{}")
    other = table.with_name(".other.csv.ab.part")
    other.write_text("somebody else's")
    os.utime(other, (0, 0))
    score(table, output)
    assert [path for path in left if path.exists()] == []
    assert other.exists()
    assert young.exists()
    assert not mark.exists()


def test_a_sample_goes_on(table: Path) -> None:
    output, whole = table.with_name("out.csv"), table.with_name("whole.csv")
    wanted = TableConfig(sample=17, seed=5)
    with pytest.raises(KeyboardInterrupt):
        score(table, output, stop_after=6, table=wanted)
    score(table, output, table=wanted)
    score(table, whole, table=wanted)
    assert output.read_bytes() == whole.read_bytes()
    run = open_run(output)
    assert run.num_rows == 17
    own = pa.Table.from_batches(run.table(["id"]))
    assert [int(text) for text in own["id"].to_pylist()] == own["row"].to_pylist()
    assert own["row"].to_pylist() == run.scores(["row"])["row"].to_pylist()


def in_order(row: int) -> int:
    return row // 5


def shuffled(row: int) -> int:
    return (row * 7919) % 1000 // 5


@pytest.mark.parametrize(("place", "most"), [(in_order, 0.21), (shuffled, 0.5)])
def test_five_captions_an_image(tmp_path: Path, place: Callable[[int], int], most: float) -> None:
    for seed in range(200):
        (tmp_path / f"{seed}.png").write_bytes(encoded(picture(seed), "PNG"))
    table = tmp_path / "pairs.csv"
    lines = [f"{place(row)}.png,caption {row}" for row in range(1000)]
    table.write_text("image,caption\n" + "\n".join(lines) + "\n")
    build, single = Builder(), Builder()
    summary = score(table, tmp_path / "out.csv", build=build, run={"shard_rows": 45})
    assert summary.num_shards >= 20
    assert build.encoder.num_images <= most * 1000
    assert summary.work.encoded_images == build.encoder.num_images
    details = OutputConfig(details=True)
    apart = {"shard_rows": 45, "no_dedupe": True}
    score(table, tmp_path / "apart.csv", build=single, run=apart, output=details)
    assert single.encoder.num_images == 1000
    score(table, tmp_path / "out.csv", build=build, run={"shard_rows": 45}, output=details)
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "apart.csv").read_bytes()


def test_a_folder_of_other_things_is_left_alone(table: Path) -> None:
    folder = table.parent / "mine"
    folder.mkdir()
    (folder / "thesis.txt").write_text("precious")
    for overwrite in (False, True):
        with pytest.raises(RunFolderError, match=r"thesis\.txt"):
            score(
                table,
                table.with_name("out.csv"),
                run={"run": str(folder)},
                output=OutputConfig(overwrite=overwrite),
            )
    assert (folder / "thesis.txt").read_text() == "precious"


def test_one_json_line_a_shard(table: Path) -> None:
    log = table.with_name("log.jsonl")
    score(table, table.with_name("out.csv"), run={"log_json": str(log)})
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["first_row"] for line in lines] == list(range(0, NUM_ROWS, SHARD_ROWS))
    assert sum(line["rows"] for line in lines) == NUM_ROWS
