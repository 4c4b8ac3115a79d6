import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from pairsift.config import AuditConfig, ExportConfig
from pairsift.curation.curated import check_curation_path, write_curation
from pairsift.curation.curating import Curation, curate_run
from pairsift.curation.recipe import parse_recipe, read_recipe
from pairsift.errors import OutputExistsError, UsageError
from pairsift.runs import Run
from tests.curation.runs import run_of
from tests.curation.worlds import make_world

STEP = "[[rule]]\nkind = "
BALANCED = (
    f'{STEP}"status"\n{STEP}"balance"\nby = "category"\nsize = 15\nmax_repeats = 3\n'
    f'{STEP}"duplicates"\ncaptions = "all"\n'
)


def curated(run: Run, text: str | None = None) -> Curation:
    recipe = read_recipe(None) if text is None else parse_recipe(text)
    return curate_run(run, recipe, AuditConfig())


def write(curation: Curation, folder: Path, *, overwrite: bool = False) -> dict[str, object]:
    return write_curation(curation, folder, config=ExportConfig(), prefix="", overwrite=overwrite)


def test_every_row_is_there_with_its_reasons(tmp_path: Path) -> None:
    failed = np.arange(300) % 20 == 3
    run = run_of(tmp_path / "run", make_world(300, seed=1, swapped=0.1), failed=failed)
    curation = curated(run)
    record = write(curation, tmp_path / "out")
    table = pq.read_table(tmp_path / "out" / "decisions.parquet")
    assert table.column_names == [
        *("file", "row", "similarity"),
        *("similarity_percentile", "match_p_value", "match_probability"),
        *("keep", "drop_reasons"),
    ]
    assert table["row"].to_pylist() == list(range(300))
    reasons = table["drop_reasons"].to_pylist()
    assert [not each for each in reasons] == table["keep"].to_pylist()
    assert [each == ["not_scored"] for each in reasons] == failed.tolist()
    assert ["swap", "below_threshold"] in reasons
    funnel = record["funnel"]
    assert isinstance(funnel, list)
    assert funnel[-1]["left"] == record["kept"] == sum(table["keep"].to_pylist())
    stored = json.loads((tmp_path / "out" / "curation.json").read_text(encoding="utf-8"))
    assert stored == json.loads(json.dumps(record))
    assert stored["run"]["provenance"] == run.info["provenance"]
    assert stored["reasons"]["not_scored"] == 15
    text = (tmp_path / "out" / "recipe.toml").read_text(encoding="utf-8")
    assert (text, stored["recipe_sha256"]) == (read_recipe(None).text, read_recipe(None).sha256)
    assert (tmp_path / "out" / "_SUCCESS").is_file()


def test_the_same_recipe_decides_the_same(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", make_world(90, seed=1))
    first, again = curated(run, BALANCED), curated(run, BALANCED)
    assert (first.verdict.bits == again.verdict.bits).all()
    assert (first.verdict.repeats == again.verdict.repeats).all()


def test_repeats_and_captions_have_columns_where_a_recipe_makes_them(tmp_path: Path) -> None:
    world = make_world(60, seed=1)
    failed = np.arange(60) % 3 == 1
    failed[:6] = False
    run = run_of(tmp_path / "run", world, failed=failed)
    write(curated(run, BALANCED), tmp_path / "out")
    table = pq.read_table(tmp_path / "out" / "decisions.parquet")
    assert table.column_names[-2:] == ["repeats", "captions"]
    assert sum(table["repeats"].to_pylist()) == 15
    assert table["captions"].null_count == 60
    kept = [r > 0 for r in table["repeats"].to_pylist()]
    assert kept == table["keep"].to_pylist()


def test_nothing_is_left_when_writing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    curation = curated(run_of(tmp_path / "run", make_world(30, seed=1)))
    write(curation, tmp_path / "out")
    before = (tmp_path / "out" / "curation.json").read_text(encoding="utf-8")

    def fail(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("pairsift.curation.curated.write_exports", fail)
    with pytest.raises(OSError, match="disk full"):
        write(curation, tmp_path / "out", overwrite=True)
    with pytest.raises(OSError, match="disk full"):
        write(curation, tmp_path / "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "run"]
    assert (tmp_path / "out" / "curation.json").read_text(encoding="utf-8") == before


def test_places_that_cannot_be_written_are_refused_first(tmp_path: Path) -> None:
    with pytest.raises(OutputExistsError, match="no such folder"):
        check_curation_path(tmp_path / "nowhere" / "out", overwrite=False)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    with pytest.raises(OutputExistsError, match="--overwrite"):
        check_curation_path(tmp_path / "mine", overwrite=False)
    with pytest.raises(OutputExistsError, match="no curation"):
        check_curation_path(tmp_path / "mine", overwrite=True)
    with pytest.raises(OutputExistsError, match="no curation"):
        check_curation_path(tmp_path / "mine" / "thesis.txt", overwrite=True)


def test_an_earlier_curation_is_replaced(tmp_path: Path) -> None:
    curation = curated(run_of(tmp_path / "run", make_world(30, seed=1)))
    write(curation, tmp_path / "out")
    (tmp_path / "out" / "leftover").write_text("")
    with pytest.raises(OutputExistsError, match="--overwrite"):
        write(curation, tmp_path / "out")
    write(curation, tmp_path / "out", overwrite=True)
    assert not (tmp_path / "out" / "leftover").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "run"]


@pytest.mark.parametrize("num", [0, 1, 9])
def test_few_rows(tmp_path: Path, num: int) -> None:
    curation = curated(run_of(tmp_path / "run", make_world(num, seed=1)))
    record = write(curation, tmp_path / "out")
    assert (record["rows"], record["kept"]) == (num, -(-num * 3 // 10))
    table = pq.read_table(tmp_path / "out" / "decisions.parquet")
    assert table.num_rows == num
    json.dumps(record, allow_nan=False)


def test_all_rows_failed(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", make_world(9, seed=1), failed=np.ones(9, dtype=bool))
    record = write(curated(run), tmp_path / "out")
    assert (record["kept"], record["reasons"]) == (
        0,
        {
            "not_scored": 9,
            **dict.fromkeys(["swap", "shift", "boilerplate"], 0),
            **dict.fromkeys(["caption_url", "caption_file_name", "caption_number"], 0),
            **dict.fromkeys(["duplicate_exact", "below_threshold"], 0),
        },
    )


def test_no_embeddings(tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", make_world(40, seed=1), embeddings="none")
    with pytest.raises(UsageError, match="--embeddings all"):
        curated(run)
    record = write(curated(run, f'{STEP}"status"\n{STEP}"threshold"\n'), tmp_path / "out")
    assert (record["kept"], record["calibration"]) == (12, None)
    table = pq.read_table(tmp_path / "out" / "decisions.parquet")
    assert table["match_p_value"].null_count == 40
