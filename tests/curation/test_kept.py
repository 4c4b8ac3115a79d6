"""Findings in a run folder: read by others, and known to be old once more was scored."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pairsift import open_run
from pairsift.curation import material as material_module
from pairsift.curation.kept import MISMATCHES, SEED, keep_findings, read_findings
from pairsift.curation.material import Material
from pairsift.curation.searching import search_duplicates, search_mismatches
from pairsift.runs.layout import ShardKey
from tests.curation.curated_runs import scored_run
from tests.curation.runs import run_of
from tests.curation.worlds import make_world
from tests.runs.shards import make_shard, put_shard


def test_findings_come_back(tmp_path: Path) -> None:
    run = run_of(tmp_path, make_world(30, seed=1))
    assert read_findings(run, MISMATCHES) is None
    table = pa.table({"row": [3]})
    keep_findings(run, MISMATCHES, table, {SEED: "7"})
    kept = read_findings(run, MISMATCHES)
    assert kept is not None
    assert (kept.table, kept.facts[SEED], kept.is_current) == (table, "7", True)


def test_new_scores_make_findings_old(tmp_path: Path) -> None:
    run = run_of(tmp_path, make_world(30, seed=1))
    keep_findings(run, MISMATCHES, pa.table({"row": [3]}), {})
    put_shard(run.store, make_shard(ShardKey(0, 30), ["ok"]))
    kept = read_findings(open_run(run.location), MISMATCHES)
    assert kept is not None
    assert not kept.is_current


def test_a_damaged_file_counts_as_none(tmp_path: Path) -> None:
    run = run_of(tmp_path, make_world(30, seed=1))
    run.store.put(MISMATCHES, b"no parquet")
    assert read_findings(run, MISMATCHES) is None


def test_curation_takes_wrong_pairs_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_of(tmp_path, make_world(1000, seed=4, swapped=0.02))
    searched = Material(run, seed=0).findings
    search_mismatches(run, seed=0)
    monkeypatch.setattr(material_module, "search_mismatches", None)
    kept = Material(run, seed=0).findings
    assert searched["swap"].any()
    assert all(np.array_equal(searched[kind], kept[kind]) for kind in searched)
    with pytest.raises(TypeError):  # another seed: it would have to search
        _ = Material(run, seed=1).findings


def test_curation_takes_copies_from_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = scored_run(tmp_path)
    search_duplicates(run, exact_only=True)
    with monkeypatch.context() as patched:
        patched.setattr(material_module, "search_duplicates", None)
        with pytest.raises(TypeError):  # it does not know what only looks the same
            _ = Material(run, seed=0).near_copies
    searched = search_duplicates(run).duplicates.group
    monkeypatch.setattr(material_module, "search_duplicates", None)
    assert Material(run, seed=0).near_copies.tolist() == searched.tolist()
