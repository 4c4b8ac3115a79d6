"""A run folder takes nothing of anybody else's, and removes nothing of theirs."""

from pathlib import Path
from typing import Any

import pytest

from pairsift.config import OutputConfig
from pairsift.engines.finishing import _Scores as FinishedScores
from pairsift.engines.outputs import clear_run
from pairsift.errors import OutputExistsError, RunFolderError
from pairsift.runs.layout import EMBEDDINGS, NAMING, RUN, SUMMARY
from pairsift.runs.store import FolderStore
from tests.engines.test_resuming import score, table

__all__ = ["table"]

ANEW = OutputConfig(overwrite=True)


@pytest.mark.parametrize("output", [ANEW, OutputConfig()])
@pytest.mark.parametrize("name", ["embeddings/thesis.npy", "summary.json", "scores/notes.txt"])
def test_a_folder_that_is_no_run_is_left_alone(
    table: Path, name: str, output: OutputConfig
) -> None:
    mine = table.with_name("mine")
    (mine / name).parent.mkdir(parents=True, exist_ok=True)
    (mine / name).write_bytes(b"years of work")
    with pytest.raises(RunFolderError, match=f"mine holds {name}, which is no part of a run"):
        score(table, table.with_name("out.csv"), output=output, run={"run": str(mine)})
    assert [path.name for path in mine.rglob("*") if path.is_file()] == [Path(name).name]


def test_an_empty_folder_is_taken(table: Path) -> None:
    mine = table.with_name("mine")
    (mine / EMBEDDINGS).mkdir(parents=True)
    assert score(table, table.with_name("out.csv"), output=ANEW, run={"run": str(mine)}).num_rows


def test_what_lies_among_a_run_s_files_is_left_there(table: Path) -> None:
    output = table.with_name("out.csv")
    score(table, output)
    store = FolderStore(output.with_name("out.csv.pairsift"))
    store.put("embeddings/thesis.npy", b"years of work")
    clear_run(store)
    left = [path for path in store.root.rglob("*") if path.is_file()]
    assert [path.name for path in left] == ["thesis.npy"]


def test_clearing_that_was_stopped_can_be_done_again(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = table.with_name("out.csv")
    score(table, output)
    store = FolderStore(output.with_name("out.csv.pairsift"))
    delete = store.delete

    def stop(name: str) -> None:
        if name == SUMMARY:
            raise KeyboardInterrupt
        delete(name)

    monkeypatch.setattr(store, "delete", stop)
    with pytest.raises(KeyboardInterrupt):
        clear_run(store)
    monkeypatch.undo()
    assert store.exists(RUN)
    clear_run(store)
    assert not store.exists(RUN)


def kill_before(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let nothing happen any more from the moment when an object is to be put."""
    put = FolderStore.put

    def stop(store: FolderStore, wanted: str, *arguments: Any, **named: Any) -> None:
        if wanted == name:
            raise KeyboardInterrupt
        put(store, wanted, *arguments, **named)

    monkeypatch.setattr(FolderStore, "put", stop)


def test_a_run_that_was_killed_knows_the_table_that_it_wrote(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, whole = table.with_name("out.csv"), table.with_name("whole.csv")
    score(table, whole)
    with monkeypatch.context() as patch:
        kill_before(patch, SUMMARY)
        with pytest.raises(KeyboardInterrupt):
            score(table, output)
    assert output.read_bytes() == whole.read_bytes()
    assert score(table, output).session_rows == 0
    assert not list((output.with_name("out.csv.pairsift") / NAMING).iterdir())


@pytest.mark.parametrize("moment", [SUMMARY, None])
def test_a_stranger_s_file_is_not_replaced_after_a_kill(
    table: Path, moment: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the run was stopped behind the table's name, or while it wrote the table."""
    output = table.with_name("out.csv")
    with monkeypatch.context() as patch:
        if moment is None:
            patch.setattr(FinishedScores, "end", lambda _: stop())
        else:
            kill_before(patch, moment)
        with pytest.raises(KeyboardInterrupt):
            score(table, output)
    assert output.exists() is (moment is not None)
    output.write_text("precious\n")
    with pytest.raises(OutputExistsError, match="is not what the run in"):
        score(table, output)
    assert output.read_text() == "precious\n"


def stop() -> None:
    raise KeyboardInterrupt
