"""``--overwrite`` beside a process that is still at work on the same run."""

from pathlib import Path
from typing import Any

import pytest

from pairsift import open_run
from pairsift.config import OutputConfig
from pairsift.engines import outputs
from pairsift.engines.local import run_folder, score_file
from pairsift.errors import JobError, RunFolderError
from pairsift.job import Progress
from tests.engines.test_resuming import NUM_ROWS, Builder, configure, score, table

__all__ = ["table"]

ANEW: dict[str, Any] = {"output": OutputConfig(overwrite=True), "measure": "euclidean"}


def test_it_is_refused_while_somebody_is_at_work(table: Path) -> None:
    output = table.with_name("out.csv")

    def disturb(progress: Progress) -> None:
        if progress.rows_done == 12:
            with pytest.raises(RunFolderError, match=r"process \d+ is at work on .*--run"):
                score(table, output, **ANEW)

    score_file(configure(), table, output_path=output, build=Builder(), on_progress=disturb)
    assert open_run(output).info["measure"] == "cosine"
    score(table, output, **ANEW)  # nobody is, now
    assert open_run(output).info["measure"] == "euclidean"


@pytest.mark.parametrize("is_stopped", [True, False])
def test_two_runs_are_never_mixed(
    table: Path, is_stopped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process of another machine, which cannot be seen from here, starts the run anew."""
    monkeypatch.setattr(outputs, "find_worker", lambda _: None)
    whole, output = table.with_name("whole.csv"), table.with_name("out.csv")
    score(table, whole, **ANEW)

    def disturb(progress: Progress) -> None:
        if progress.rows_done == 12 and is_stopped:
            with pytest.raises(KeyboardInterrupt):
                score(table, output, stop_after=5, **ANEW)
        elif progress.rows_done == 12:
            score(table, output, **ANEW)

    with pytest.raises(JobError, match=r"started anew by another process"):
        score_file(configure(), table, output_path=output, build=Builder(), on_progress=disturb)
    assert not list((run_folder(output) / "attempts").iterdir())
    score(table, output, measure="euclidean")
    run = open_run(output)
    assert (run.info["measure"], run.num_rows) == ("euclidean", NUM_ROWS)
    assert output.read_bytes() == whole.read_bytes()
