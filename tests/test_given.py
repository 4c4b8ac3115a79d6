"""From embeddings that others made to a run folder: no model is there, and none is asked for."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import pairsift
from pairsift.cli import run as run_command
from pairsift.config import ModelConfig, OutputConfig, RunConfig, ScoreConfig, TableConfig
from pairsift.errors import PairsiftError, RunFolderError, UsageError
from pairsift.job import Progress
from pairsift.measures import angular_distance, cosine_similarity, euclidean_distance

WIDTH = 24
PARTS = (40, 0, 61)
GIVEN = ScoreConfig(
    table=TableConfig(from_embeddings="auto"),
    model=ModelConfig(offline=True),
    run=RunConfig(shard_rows=8),
)


def unit(rows: Any) -> Any:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def pool(tmp_path: Path) -> tuple[Path, Any, Any]:
    """DataComp's layout: a folder, and the image and caption vectors of all its rows."""
    dice = np.random.default_rng(5)
    images = dice.normal(size=(sum(PARTS), WIDTH)).astype(np.float16)
    captions = (images * 0.7 + dice.normal(size=images.shape)).astype(np.float16)
    captions[3] = captions[2]
    images[[5, 60]], captions[70, 2], images[71, 0] = 0, np.nan, np.inf
    folder = tmp_path / "pool"
    folder.mkdir()
    first = 0
    for number, count in enumerate(PARTS):
        rows = slice(first, first + count)
        first += count
        np.savez(folder / f"{number}.npz", l14_img=images[rows], l14_txt=captions[rows])
        texts = [f"picture {i}" for i in range(rows.start, rows.stop)]
        table = pa.table({"uid": pa.array(texts, pa.string()), "url": texts, "text": texts})
        pq.write_table(
            table.cast(pa.schema([(n, pa.string()) for n in table.column_names])),
            folder / f"{number}.parquet",
        )
    return folder, images, captions


@pytest.mark.parametrize(
    ("measure", "formula"),
    [
        ("cosine", cosine_similarity),
        ("euclidean", euclidean_distance),
        ("angular", angular_distance),
    ],
)
def test_scores_follow_from_the_vectors(
    tmp_path: Path, pool: tuple[Path, Any, Any], measure: str, formula: Any
) -> None:
    folder, images, captions = pool
    out = tmp_path / "out.parquet"
    summary = pairsift.score_file(folder, out, config=replace(GIVEN, measure=measure))
    table = pq.read_table(out)
    bad = {5: "zero", 60: "zero", 70: "not finite", 71: "not finite"}
    statuses = table["similarity_status"].to_pylist()
    assert [i for i, status in enumerate(statuses) if status != "ok"] == sorted(bad)
    assert {statuses[i] for i in bad} == {"embedding_invalid"}
    reasons = table["similarity_error"].to_pylist()
    assert reasons[5] == "the image's embedding is zero"
    assert reasons[70] == "the caption's embedding is not finite"
    good = [i for i in range(sum(PARTS)) if i not in bad]
    sound = (unit(rows[good].astype(np.float64)) for rows in (images, captions))
    expected = formula(*(rows.astype(np.float32) for rows in sound))
    column = "distance" if measure != "cosine" else "similarity"
    found = table[column].take(good).to_numpy()
    np.testing.assert_allclose(found, expected, atol=2e-6)
    assert table["similarity"].null_count == 4
    assert table.column_names[:3] == ["uid", "url", "text"]
    assert table["uid"].to_pylist() == [f"picture {i}" for i in range(sum(PARTS))]
    assert summary.num_rows == sum(PARTS)
    assert summary.provenance.model == "unknown"


def test_the_run_is_like_any_other(tmp_path: Path, pool: tuple[Path, Any, Any]) -> None:
    folder, images, captions = pool
    out = tmp_path / "out.csv"
    pairsift.score_file(folder, out, config=GIVEN)
    run = pairsift.open_run(out)
    shards = list(run.embeddings())
    kept = np.concatenate([shard.images for shard in shards])
    good = [i for i in range(sum(PARTS)) if i not in (5, 60, 70, 71)]
    np.testing.assert_allclose(kept, unit(images[good].astype(np.float64)), atol=1e-3)
    kept = np.concatenate([shard.captions for shard in shards])
    np.testing.assert_allclose(kept, unit(captions[good].astype(np.float64)), atol=1e-3)
    own = pa.Table.from_batches(list(run.table(["text"])))
    assert own["text"].to_pylist() == [f"picture {i}" for i in range(sum(PARTS))]
    for command in (
        ["status", str(out)],
        ["threshold", str(out), "--rule", "fdr:5%"],
        ["audit", str(out)],
        ["mismatches", str(out)],
        ["report", str(out), "-o", str(tmp_path / "report.html")],
        ["curate", str(out), "-o", str(tmp_path / "cur"), "--export", "input"],
    ):
        assert run_command(command) == 0, command
    assert sorted(path.name for path in (tmp_path / "cur/table").iterdir()) == [
        f"{number}.parquet" for number in range(3)
    ]


def test_a_stopped_run_goes_on_to_the_same_bytes(
    tmp_path: Path, pool: tuple[Path, Any, Any]
) -> None:
    folder = pool[0]
    whole, parts = tmp_path / "whole.jsonl", tmp_path / "parts.jsonl"
    pairsift.score_file(folder, whole, config=GIVEN)

    def stop(progress: Progress) -> None:
        if progress.rows_done >= 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pairsift.score_file(folder, parts, config=GIVEN, on_progress=stop)
    done = pairsift.open_run(f"{parts}.pairsift", allow_partial=True).num_rows
    assert 0 < done < sum(PARTS)
    summary = pairsift.score_file(folder, parts, config=GIVEN)
    assert summary.resumed_rows == done
    assert parts.read_bytes() == whole.read_bytes()


def test_other_vectors_are_noticed(tmp_path: Path, pool: tuple[Path, Any, Any]) -> None:
    folder, images, captions = pool
    out = tmp_path / "out.jsonl"
    pairsift.score_file(folder, out, config=GIVEN)
    out.unlink()
    np.savez(folder / "0.npz", l14_img=images[:40], l14_txt=captions[:40][::-1])
    with pytest.raises(PairsiftError, match=r"0\.npz changed since rows 1 to 8 were scored"):
        pairsift.score_file(folder, out, config=GIVEN)


def test_other_arrays_are_another_run(tmp_path: Path, pool: tuple[Path, Any, Any]) -> None:
    path = tmp_path / "two.npz"
    arrays = {"l14_img": pool[1], "l14_txt": pool[2]}
    np.savez(path, **arrays, b32_img=pool[1], b32_txt=pool[2][::-1])
    config = replace(GIVEN, table=TableConfig(from_embeddings="l14"))
    out = tmp_path / "out.jsonl"
    pairsift.score_file(path, out, config=config)
    config = replace(GIVEN, table=TableConfig(from_embeddings="b32"))
    with pytest.raises(RunFolderError, match="image_recipe was embeddings, l14_img, now"):
        pairsift.score_file(path, out, config=config)
    with pytest.raises(UsageError, match="available: b32, l14"):
        pairsift.score_file(path, out, config=GIVEN)


def test_a_scale_needs_the_models_name(tmp_path: Path, pool: tuple[Path, Any, Any]) -> None:
    logit = replace(GIVEN, measure="logit")
    out = tmp_path / "out.parquet"
    with pytest.raises(UsageError, match=r"needs the scale of the model .* by --model"):
        pairsift.score_file(pool[0], out, config=logit)
    named = replace(logit, model=ModelConfig(model="clip-vit-base-patch32", offline=True))
    with pytest.raises(UsageError, match=r"24 dimensions, but model .* has 512"):
        pairsift.score_file(pool[0], out, config=named)
    wide = tmp_path / "wide.npz"
    rows = np.random.default_rng(0).normal(size=(4, 512)).astype(np.float32)
    np.savez(wide, a_img=rows, a_txt=rows)
    pairsift.score_file(wide, out, config=named)
    table = pq.read_table(out)
    np.testing.assert_allclose(table["similarity"].to_numpy(), 100, atol=1e-3)
    assert (
        json.loads((tmp_path / "out.parquet.pairsift/run.json").read_bytes())["provenance"]["model"]
        == "clip-vit-base-patch32"
    )
    with pytest.raises(UsageError, match="'A photo depicts ' before each caption"):
        pairsift.score_file(wide, tmp_path / "x.csv", config=replace(GIVEN, measure="clip-score"))


def test_what_is_not_known_is_not_guessed(
    tmp_path: Path, pool: tuple[Path, Any, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.csv"
    pairsift.score_file(pool[0], out, config=GIVEN)
    for command in (
        ["audit", str(out), "--categories", "cat,dog"],
        ["threshold", str(out), "--score", "negative-clip-loss"],
    ):
        assert run_command(command) == 2
        assert "nobody said which model made these embeddings" in capsys.readouterr().err
    for command, hint in (
        (["duplicates", str(out)], "copies are told by image_sha256"),
        (["audit", str(out), "--pixels"], "which pictures were scored is told by image_sha256"),
        (["curate", str(out), "-o", str(tmp_path / "c"), "--export", "webdataset"], "needs pictu"),
    ):
        assert run_command(command) == 2
        told = capsys.readouterr().err.splitlines()[-1]
        assert hint in told
        assert "the embeddings were handed in" in told


def test_what_is_not_known_is_said_to_be_so(
    tmp_path: Path, pool: tuple[Path, Any, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    out, page = tmp_path / "out.parquet", tmp_path / "report.html"
    pairsift.score_file(pool[0], out, config=GIVEN)
    assert run_command(["audit", str(out)]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "not known here: cut captions, small pictures, extreme shapes, blank pictures" in told
    assert "longer than the model reads" not in told
    assert "--pixels" not in told
    assert run_command(["audit", str(out), "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert "caption_truncated" in plain["not_known"]
    assert {sign["name"] for sign in plain["worth_a_look"]} == {"negative_similarity"}
    assert run_command(["report", str(out), "-o", str(page)]) == 0
    html = page.read_text(encoding="utf-8")
    assert "Not known here: cut captions, small pictures" in html
    assert "Not known: the embeddings were handed in" in html
    assert "Caption cut" not in html
    assert "No picture could be read" not in html
    assert "distinct picture" not in html
    assert run_command(["curate", str(out)]) == 0
    assert "copies are not looked for: the embeddings were handed in" in capsys.readouterr().err


def test_conditions_on_what_is_not_known(
    tmp_path: Path, pool: tuple[Path, Any, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    for number, count in enumerate(PARTS):
        path = pool[0] / f"{number}.parquet"
        table = pq.read_table(path)
        widths = pa.array(range(count), pa.int64())
        pq.write_table(table.append_column("image_width", widths), path)
    out, recipe = tmp_path / "out.parquet", tmp_path / "recipe.toml"
    pairsift.score_file(pool[0], out, config=GIVEN)
    recipe.write_text('[[rule]]\nkind = "where"\nwhere = "caption_tokens < 64"\n')
    assert run_command(["curate", str(out), "--recipe", str(recipe)]) == 2
    assert "`caption_tokens` is not known: the embeddings" in capsys.readouterr().err
    # A column of the user's own under that name is known.
    recipe.write_text('[[rule]]\nkind = "where"\nwhere = "image_width >= 30"\n')
    assert run_command(["curate", str(out), "--recipe", str(recipe)]) == 0
    assert "keeps 41 of 101 rows" in capsys.readouterr().out


def test_outputs_that_have_no_place_for_scores(tmp_path: Path, pool: tuple[Path, Any, Any]) -> None:
    with pytest.raises(UsageError, match="not as embeddings"):
        pairsift.score_file(pool[0], tmp_path / "out.npz", config=GIVEN)
    assert not (tmp_path / "out.npz.pairsift").exists()


def test_a_table_in_memory(pool: tuple[Path, Any, Any]) -> None:
    config = replace(GIVEN, output=OutputConfig(details=True))
    table = pairsift.score_table(pool[0] / "0.npz", config=config)
    assert table["similarity"].null_count == 1
    assert table["caption_tokens"].null_count == len(table) == 40
    with pytest.raises(UsageError, match=r"name one \.npz"):
        pairsift.score_table(pool[0], config=config)


def test_equal_vectors_are_kept_once(tmp_path: Path, pool: tuple[Path, Any, Any]) -> None:
    indices = []
    for no_dedupe in (False, True):
        out = tmp_path / f"{no_dedupe}.jsonl"
        config = replace(GIVEN, run=RunConfig(no_dedupe=no_dedupe))
        pairsift.score_file(pool[0] / "0.npz", out, config=config)
        indices.append(pairsift.open_run(out).scores(["caption_index"])["caption_index"][:4])
    assert [column.to_pylist() for column in indices] == [[0, 1, 2, 2], [0, 1, 2, 3]]
    assert (tmp_path / "True.jsonl").read_bytes() == (tmp_path / "False.jsonl").read_bytes()
