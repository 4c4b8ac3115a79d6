"""A run folder takes nothing of anybody else's, and removes nothing of theirs."""

from pathlib import Path

import pytest

from pairsift.config import OutputConfig
from pairsift.engines.outputs import clear_run
from pairsift.errors import RunFolderError
from pairsift.runs.layout import EMBEDDINGS, RUN, SUMMARY
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
