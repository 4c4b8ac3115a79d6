"""From a scored table to findings, as the commands do."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from pairsift import open_run
from pairsift.cli import run as pairsift
from pairsift.curation.hash_file import HASHES
from pairsift.curation.kept import DUPLICATES, MISMATCHES
from pairsift.curation.searching import search_duplicates, search_mismatches
from tests.curation.runs import run_of
from tests.curation.scenes import copies_of, draw
from tests.curation.worlds import make_world


def write_table(folder: Path, *, num: int = 12) -> Path:
    """Pictures, of which 2 and 3 are near copies of 0, 4 is 1 byte for byte, 5 is no picture."""
    images = draw(num)
    images[2], images[3] = copies_of(images[0])[0], copies_of(images[0])[4]
    images[4] = images[1]
    for place, image in enumerate(images):
        image.save(folder / f"{place}.png")
    (folder / "5.png").write_text("no picture")
    lines = [f"{i}.png,a drawing of thing {chr(97 + i)}" for i in range(num)]
    (folder / "pairs.csv").write_text("\n".join(["image,caption", *lines, ""]))
    return folder / "pairs.csv"


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scored")
    table = write_table(folder)
    code = pairsift(["score", str(table), "-o", str(folder / "out.csv"), "--runtime", "fake"])
    assert code == 0
    return folder / "out.csv"


def test_duplicates_of_a_run(scored: Path) -> None:
    run = open_run(scored)
    found = search_duplicates(run, all_captions=True)
    groups = found.duplicates.group
    assert groups[0] == groups[2] == groups[3] >= 0
    assert groups[1] == groups[4] >= 0
    assert found.duplicates.num_groups == 2
    assert (found.num_hashed, groups[5]) == (11, -1)
    table = pq.read_table(run.store.readable(DUPLICATES))
    assert table.num_rows == 5
    assert sum(table.column("kept").to_pylist()) == 2
    first = table.to_pylist()[0]
    assert first["kept"]
    assert len(first["captions"]) == 3


def test_hashes_are_kept_and_not_made_again(scored: Path) -> None:
    run = open_run(scored)
    search_duplicates(run)
    kept = pq.read_table(run.store.readable(HASHES))
    assert kept.num_rows == 10  # different files
    seen: list[int] = []
    search_duplicates(run, report=lambda done, _total: seen.append(done))
    # What could not be read is tried again, and nothing else.
    assert sum(seen) <= 1
    assert pq.read_table(run.store.readable(HASHES)).equals(kept)


def test_what_was_read_before_an_interruption_is_kept(tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    table = write_table(tmp_path)
    assert pairsift(["score", str(table), "-o", str(output), "--runtime", "fake"]) == 0
    run = open_run(output)

    def interrupt(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search_duplicates(run, report=interrupt)
    assert pq.read_table(run.store.readable(HASHES)).num_rows == 10
    assert search_duplicates(run).duplicates.num_groups == 2


def test_exact_only_reads_no_picture(scored: Path) -> None:
    found = search_duplicates(open_run(scored), exact_only=True)
    assert found.num_hashed == 0
    assert np.flatnonzero(found.duplicates.group >= 0).tolist() == [1, 4]


def test_a_picture_that_changed_is_not_compared(tmp_path: Path) -> None:
    table = write_table(tmp_path)
    output = tmp_path / "out.csv"
    assert pairsift(["score", str(table), "-o", str(output), "--runtime", "fake"]) == 0
    draw(40)[39].save(tmp_path / "2.png")
    found = search_duplicates(open_run(output))
    assert found.num_hashed == 10
    assert found.duplicates.group[2] == -1
    assert found.duplicates.group[0] == found.duplicates.group[3] >= 0


def test_mismatches_of_a_run(tmp_path: Path) -> None:
    world = make_world(1000, seed=4, swapped=0.02)
    run = run_of(tmp_path, world)
    found = search_mismatches(run)
    assert 8 <= len(found.swaps) <= 10
    rows = {int(found.pairs.rows[place]) for s in found.swaps for place in (s.first, s.second)}
    assert rows <= set(np.flatnonzero(world.wrong).tolist())
    assert pq.read_table(run.store.readable(MISMATCHES)).equals(found.to_arrow())


@pytest.mark.parametrize(("num", "failed"), [(1, False), (7, False), (40, True)])
def test_few_rows_or_none_scored(tmp_path: Path, num: int, failed: bool) -> None:
    run = run_of(tmp_path, make_world(num, seed=1), failed=np.full(num, failed))
    assert search_mismatches(run).to_arrow().num_rows == 0
    assert search_duplicates(run, exact_only=True).to_arrow().num_rows == 0


def test_no_embeddings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = run_of(tmp_path, make_world(50, seed=1), embeddings="none")
    assert pairsift(["mismatches", run.location]) == 0
    assert "no pair has embeddings" in capsys.readouterr().out


def run_json(
    capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0
) -> list[dict[str, object]]:
    assert pairsift(list(arguments)) == code
    found: list[dict[str, object]] = json.loads(capsys.readouterr().out)
    return found


def test_the_commands(scored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert pairsift(["duplicates", str(scored)]) == 0
    assert "2  groups of rows with one picture" in capsys.readouterr().out
    assert len(run_json(capsys, "duplicates", str(scored), "--json")) == 5
    assert pairsift(["mismatches", str(scored)]) == 0
    assert "pairs swapped their captions" in capsys.readouterr().out
    assert run_json(capsys, "mismatches", str(scored), "--json") == []


def test_the_corrected_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = run_of(tmp_path, make_world(1000, seed=4, swapped=0.02))
    fixed = tmp_path / "fixed.csv"
    arguments = ["mismatches", run.location, "--fix", "swaps,shift", "-o", str(fixed)]
    assert pairsift(arguments) == 0
    moved = int(capsys.readouterr().err.split()[0])
    assert 16 <= moved <= 20
    before = (tmp_path / "pairs.csv").read_text().splitlines()
    after = fixed.read_text().splitlines()
    assert sum(a != b for a, b in zip(before, after, strict=True)) == moved
    assert pairsift(arguments) == 2
    assert "--overwrite" in capsys.readouterr().err


def test_fix_and_output_go_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = run_of(tmp_path, make_world(20, seed=4))
    for more in (["--fix", "swaps"], ["-o", str(tmp_path / "x.csv")]):
        assert pairsift(["mismatches", run.location, *more]) == 2
    assert "go together" in capsys.readouterr().err
