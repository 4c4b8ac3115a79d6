from pathlib import Path

import numpy as np
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pytest

from pairsift.config import ChoiceConfig
from pairsift.curation.choice import Choice, choose_rows
from pairsift.curation.decisions import check_decision_path, decision_table, write_decisions
from pairsift.errors import OutputExistsError, UsageError
from tests.curation.runs import run_of
from tests.curation.worlds import make_world


@pytest.fixture
def choice(tmp_path: Path) -> Choice:
    failed = np.arange(20) == 3
    run = run_of(tmp_path / "run", make_world(20, seed=1), failed=failed)
    return choose_rows(run, ChoiceConfig())


def test_every_row_has_its_line_and_its_reason(choice: Choice) -> None:
    table = decision_table(choice)
    assert table.column_names == [
        *("file", "row", "similarity"),
        *("similarity_percentile", "match_p_value", "match_probability"),
        *("keep", "drop_reasons"),
    ]
    assert table["row"].to_pylist() == list(range(20))
    assert table["keep"].to_pylist() == choice.keep.tolist()
    reasons = table["drop_reasons"].to_pylist()
    assert reasons[3] == ["not_scored"]
    assert table["similarity"][3].as_py() is None
    assert table["match_p_value"].null_count == 1
    for kept, reason in zip(choice.keep.tolist(), reasons, strict=True):
        assert (reason == []) == kept
    assert reasons.count(["below_threshold"]) == 13


@pytest.mark.parametrize("name", ["out.parquet", "out.csv"])
def test_both_formats_hold_the_same(choice: Choice, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write_decisions(choice, path)
    read = pq.read_table(path) if name.endswith("parquet") else arrow_csv.read_csv(path)
    expected = decision_table(choice)
    assert read["keep"].to_pylist() == expected["keep"].to_pylist()
    if name.endswith("csv"):
        expected_reasons = [";".join(each) for each in expected["drop_reasons"].to_pylist()]
        assert read["drop_reasons"].to_pylist() == expected_reasons
    assert read["match_p_value"].to_pylist() == expected["match_p_value"].to_pylist()


def test_places_that_cannot_be_written_are_refused_first(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.parquet or \.csv"):
        check_decision_path(tmp_path / "out.xlsx", overwrite=False)
    with pytest.raises(OutputExistsError, match="no such folder"):
        check_decision_path(tmp_path / "nowhere" / "out.csv", overwrite=False)
    (tmp_path / "out.csv").write_text("")
    with pytest.raises(OutputExistsError, match="--overwrite"):
        check_decision_path(tmp_path / "out.csv", overwrite=False)
    check_decision_path(tmp_path / "out.csv", overwrite=True)
