"""A run held against its own mismatched pairs."""

from pathlib import Path

import numpy as np
import pytest

from pairsift.config import CalibrationConfig
from pairsift.curation.calibrating import calibrate_run
from pairsift.curation.decisions import calibration_table
from pairsift.errors import UsageError
from tests.curation.runs import run_of
from tests.curation.worlds import make_world


def test_pairs_stand_above_mismatched_ones(tmp_path: Path) -> None:
    found = calibrate_run(run_of(tmp_path, make_world(400, seed=1)), CalibrationConfig())
    for _, pair, other in found.quantiles():
        assert other is not None
        assert pair > other
    table = calibration_table(found)
    assert table.column_names == [
        *("file", "row", "similarity", "similarity_percentile"),
        *("match_p_value", "match_probability"),
    ]
    assert table["match_p_value"].null_count == 0


def test_without_embeddings_there_are_percentiles(tmp_path: Path) -> None:
    run = run_of(tmp_path, make_world(40, seed=1), embeddings="none")
    found = calibrate_run(run, CalibrationConfig())
    assert all(other is None for _, _, other in found.quantiles())
    table = calibration_table(found)
    assert table["match_p_value"].null_count == 40
    assert table["similarity_percentile"].null_count == 0
    with pytest.raises(UsageError, match="made from the embeddings of all rows"):
        calibrate_run(run, CalibrationConfig(contrast=True))


@pytest.mark.parametrize(("num", "failed"), [(0, False), (1, False), (9, False), (12, True)])
def test_few_rows_or_none_scored(tmp_path: Path, num: int, failed: bool) -> None:
    run = run_of(tmp_path, make_world(num, seed=1), failed=np.full(num, failed))
    found = calibrate_run(run, CalibrationConfig())
    assert len(found.quantiles()) == (0 if failed or num == 0 else 7)
    assert calibration_table(found).num_rows == num
