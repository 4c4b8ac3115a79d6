"""Failures are counted and shown."""

from pathlib import Path

from pairsift import open_run
from pairsift.report.failures import failures_section, find_failures
from pairsift.runs.layout import ShardKey
from tests.report.reading import read_page
from tests.runs.shards import make_run, make_shard, put_shard

MISSING = "image_not_found"


def make(tmp_path: Path, *shards: list[str]) -> Path:
    table = tmp_path / "pairs.csv"
    table.write_text("image,caption\n")
    store = make_run(tmp_path / "run", table)
    first = 0
    for statuses in shards:
        put_shard(store, make_shard(ShardKey(0, first), statuses))
        first += len(statuses)
    return store.root


def test_examples_come_from_the_first_rows_of_any_shard(tmp_path: Path) -> None:
    folder = make(tmp_path, ["ok", MISSING, "caption_null"], [MISSING] * 5)
    counts, examples = find_failures(open_run(folder))
    assert counts == {MISSING: 6, "caption_null": 1}
    assert examples[MISSING] == [(0, 1, "row 1"), (0, 3, "row 3"), (0, 4, "row 4")]


def test_the_most_frequent_reason_comes_first(tmp_path: Path) -> None:
    section = failures_section(open_run(make(tmp_path, ["ok", "caption_null", MISSING, MISSING])))
    codes = [e.text for e in read_page(section.body.text).named("code")]
    assert codes == [MISSING, "caption_null"]
    assert section.findings == (
        "3 rows of 4 (75 %) failed, most often because there is no such file, page or object.",
    )


def test_nothing_failed(tmp_path: Path) -> None:
    assert (
        "Every row has a similarity" in failures_section(open_run(make(tmp_path, ["ok"]))).body.text
    )
