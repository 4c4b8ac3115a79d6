from pathlib import Path

import numpy as np
import pytest

from pairsift.curation import scales
from pairsift.curation.contrast import exact_contrast
from pairsift.curation.rows import read_labels, read_rows
from pairsift.curation.scales import contrast_run, logit_scale_of, scale_run
from pairsift.errors import UsageError
from tests.curation.runs import run_of
from tests.curation.worlds import make_world


def test_a_run_is_calibrated(tmp_path: Path) -> None:
    world = make_world(2000, seed=1, swapped=0.1)
    failed = np.arange(2000) % 50 == 0
    run = run_of(tmp_path, world, failed=failed)
    rows = read_rows(run)
    found = scale_run(run, rows)
    assert found.has_null
    assert found.null.num_rows == 1960
    assert found.share_low < 0.1 < found.share_high
    assert found.share == pytest.approx(0.1, abs=0.03)
    for values in (found.percentiles, found.p_values, found.probabilities):
        assert np.isnan(values).tolist() == failed.tolist()
    wrong = world.wrong[~failed]
    assert found.probabilities[~failed][wrong].mean() < 0.2
    assert found.probabilities[~failed][~wrong].mean() > 0.95


def test_the_seed_makes_it_repeatable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scales, "NULL_ROWS", 100)
    run = run_of(tmp_path, make_world(500, seed=1))
    rows = read_rows(run)
    first, again, other = (scale_run(run, rows, seed=seed).p_values for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_strata_have_their_own_null(tmp_path: Path) -> None:
    run = run_of(tmp_path, make_world(600, seed=1))
    rows = read_rows(run)
    found = scale_run(run, rows, labels=read_labels(run, rows, "category").labels)
    assert list(found.null.by_stratum) == [0, 1, 2]
    assert np.isfinite(found.p_values).all()


def test_a_sample_of_embeddings_will_do(tmp_path: Path) -> None:
    run = run_of(tmp_path, make_world(2000, seed=1, swapped=0.1), embeddings="sample")
    found = scale_run(run, read_rows(run))
    assert 50 < found.null.num_rows < 300
    assert np.isfinite(found.p_values).all()
    assert found.share == pytest.approx(0.1, abs=0.04)


@pytest.mark.parametrize("num", [0, 1])
def test_too_few_rows_have_percentiles_only(tmp_path: Path, num: int) -> None:
    run = run_of(tmp_path, make_world(num, seed=1))
    found = scale_run(run, read_rows(run))
    assert not found.has_null
    assert found.percentiles.tolist() == [50.0] * num
    assert np.isnan(found.p_values).tolist() == [True] * num


def test_without_embeddings_there_are_percentiles_only(tmp_path: Path) -> None:
    run = run_of(tmp_path, make_world(100, seed=1), embeddings="none")
    found = scale_run(run, read_rows(run))
    assert not found.has_null
    assert np.isfinite(found.percentiles).all()


def test_all_rows_failed(tmp_path: Path) -> None:
    run = run_of(tmp_path, make_world(20, seed=1), failed=np.ones(20, dtype=bool))
    found = scale_run(run, read_rows(run))
    assert np.isnan(found.percentiles).all()
    assert found.share == 1.0


@pytest.mark.parametrize(("num", "is_known"), [(2, False), (9, False), (100, True)])
def test_few_pairs_do_not_tell_what_share_is_mismatched(
    tmp_path: Path, num: int, is_known: bool
) -> None:
    run = run_of(tmp_path, make_world(num, seed=1))
    assert scale_run(run, read_rows(run)).is_share_known == is_known


def test_the_contrast_takes_the_embeddings_of_all_rows(tmp_path: Path) -> None:
    run = run_of(tmp_path, make_world(100, seed=1), embeddings="sample")
    run.info["embeddings"] = "sample"
    with pytest.raises(UsageError, match="the embeddings of all rows"):
        contrast_run(run, read_rows(run), logit_scale=20.0)


def test_small_runs_have_the_exact_contrast(tmp_path: Path) -> None:
    world = make_world(300, seed=1)
    failed = np.arange(300) == 7
    run = run_of(tmp_path, world, failed=failed)
    found = contrast_run(run, read_rows(run), logit_scale=20.0)
    expected = exact_contrast(world.images[~failed], world.captions[~failed], logit_scale=20.0)
    assert found.error is None
    assert np.isnan(found.values[7])
    assert found.values[~failed] == pytest.approx(expected, abs=0.05)  # float16 on disk


def test_large_runs_state_the_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scales, "EXACT_ROWS", 900)
    monkeypatch.setattr(scales, "SAMPLE_ROWS", 800)
    monkeypatch.setattr(scales, "CHECK_ROWS", 100)
    world = make_world(1500, seed=1, swapped=0.1)
    run = run_of(tmp_path, world)
    found = contrast_run(run, read_rows(run), logit_scale=10.0)
    assert found.error is not None
    assert found.error.num_checked == 100
    exact = exact_contrast(world.images, world.captions, logit_scale=10.0)
    beside = np.abs(found.values - exact - found.error.offset)
    assert np.median(beside) == pytest.approx(found.error.median, rel=0.5)
    assert found.error.rank_correlation > 0.95


def test_the_scale_comes_from_the_record_or_the_models_files(tmp_path: Path) -> None:
    run = run_of(tmp_path, make_world(5, seed=1))
    run.info["config"]["model"]["model"] = "storybook"
    run.info["model_record"] = None
    assert 1.0 < logit_scale_of(run) < 200.0
    run.info["model_record"] = {"logit_scale": 41.5}
    assert logit_scale_of(run) == 41.5
    run.info["model_record"] = {"logit_scale": None}
    run.info["config"]["model"]["model"] = "no-such-model"
    with pytest.raises(UsageError, match="neither recorded nor on this disk"):
        contrast_run(run, read_rows(run))
