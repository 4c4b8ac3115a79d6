"""The whole page: complete, safe, small, and sensible whatever the run is like."""

import base64
import hashlib
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pairsift import open_run
from pairsift.config import ReportConfig
from pairsift.encoders.fake import FAKE_RECORD
from pairsift.errors import ColumnError, OutputExistsError, RunFolderError, UsageError
from pairsift.measures import find_measure
from pairsift.report.making import make_report, write_report
from tests.report.conftest import HOSTILE
from tests.report.large import write_large_run
from tests.report.reading import Page, read_page, references
from tests.report.scored import score_folder, write_pictures

SECTIONS = [
    *("findings", "provenance", "failures", "distribution", "categories"),
    *("pairs", "mismatches", "duplicates", "audit", "worth-a-look", "reproduce"),
]


def page_of(run: Path, **config: object) -> Page:
    html = make_report(
        open_run(run, allow_partial=True),
        config=ReportConfig(**config),  # type: ignore[arg-type]
    )
    return read_page(html)


def test_every_section_is_there(run: Path) -> None:
    page = page_of(run)
    assert [e.attributes["id"] for e in page.named("section")] == SECTIONS
    assert page.unclosed == []
    assert "11 of 12 pairs" in page.text
    assert "no such file: pictures/none.png" in page.text


def test_nothing_is_loaded_and_nothing_runs(hostile_run: Path) -> None:
    page = page_of(hostile_run)
    assert page.named("script", "iframe", "object", "embed", "link", "base", "form") == []
    assert all(r.startswith(("data:image/webp;base64,", "#")) for r in references(page))
    assert [n for e in page.elements for n in e.attributes if n.startswith("on")] == []
    assert page.attribute("style") == []  # the policy would block it


def test_the_policy_allows_the_style_and_no_more(run: Path) -> None:
    html = make_report(open_run(run))
    page = read_page(html)
    policy = next(e for e in page.named("meta") if "http-equiv" in e.attributes)
    style = page.named("style")[0].text
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.attributes["content"] == (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )
    assert html.index("Content-Security-Policy") < html.index("<style>")


def test_hostile_captions_are_shown_as_text(hostile_run: Path) -> None:
    page = page_of(hostile_run)
    captions = [e.text for e in page.named("bdi") if "span" in e.parents]
    for caption in HOSTILE:
        shown = re.sub("[\x00\x1b\x7f]", "�", caption.replace("\x00", ""))[:200]
        assert shown in captions
    assert "(50,000 letters in all)" in page.text
    assert re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", page.text) is None


def test_alternative_texts_are_the_captions(run: Path) -> None:
    alts = [e.attributes["alt"] for e in page_of(run).named("img")]
    assert alts
    assert all(re.fullmatch(r"a picture of thing \d+", alt or "") for alt in alts)


def test_structure_for_readers_of_any_kind(run: Path) -> None:
    page = page_of(run)
    assert page.named("html")[0].attributes["lang"] == "en"
    assert [len(page.named(name)) for name in ("header", "nav", "main", "footer", "h1")] == [1] * 5
    levels = [int(e.name[1]) for e in page.named("h1", "h2", "h3", "h4")]
    assert all(below - above <= 1 for above, below in pairwise(levels))
    ids = page.attribute("id")
    assert len(ids) == len(set(ids))
    targets = [href[1:] for href in page.attribute("href")]
    assert targets
    assert set(targets) <= set(ids)
    assert {e.attributes.get("scope") for e in page.named("th")} == {"row", "col"}
    charts = [e for e in page.elements if e.attributes.get("role") == "img"]
    assert len(charts) == 3  # similarities, categories, the audit
    assert all(chart.attributes["aria-label"] for chart in charts)
    assert all(svg.attributes["aria-hidden"] == "true" for svg in page.named("svg"))


def test_without_thumbnails(run: Path) -> None:
    page = page_of(run, no_thumbnails=True)
    assert page.named("img") == []
    assert "a picture of thing 3" in page.text


def test_one_row(tmp_path: Path, make_table: Callable[..., Path]) -> None:
    page = page_of(score_folder(make_table(["one thing"]), tmp_path / "run"))
    assert [e.attributes["id"] for e in page.named("section")] == SECTIONS
    assert "1 of 1 pair" in page.text
    assert "too few pairs" in page.text
    assert len(page.named("img")) >= 1


def test_no_row(tmp_path: Path, make_table: Callable[..., Path]) -> None:
    page = page_of(score_folder(make_table([]), tmp_path / "run"))
    assert "0 of 0 pairs" in page.text
    assert "nothing to show" in page.text


def test_all_failed(tmp_path: Path) -> None:
    table = tmp_path / "pairs.csv"
    table.write_text("image,caption\nnone.png,a\ngone.png,b\n")
    page = page_of(score_folder(table, tmp_path / "run"))
    assert "0 of 2 pairs" in page.text
    assert "2 rows of 2 (100 %) failed" in page.text
    assert page.named("img") == []


def test_no_embeddings(tmp_path: Path, make_table: Callable[..., Path]) -> None:
    table = make_table([f"thing {i}" for i in range(6)])
    page = page_of(score_folder(table, tmp_path / "run", embeddings="none"))
    assert "the run keeps no embeddings (score with --embeddings all, or sample)" in page.text
    page = page_of(tmp_path / "run", rule="fdr:1%")
    assert "No cut: the rule fdr:1% needs embeddings" in page.text


def test_an_unfinished_run_says_so(tmp_path: Path, make_table: Callable[..., Path]) -> None:
    table = make_table([f"thing {i}" for i in range(6)])
    page = page_of(score_folder(table, tmp_path / "run", is_finished=False))
    assert "This run is not finished" in page.text


def test_the_table_is_gone(run: Path) -> None:
    (run.parent / "pairs.csv").unlink()
    page = page_of(run)
    assert page.named("img") == []
    assert "pairs.csv is no longer where it was" in page.text
    assert "cannot be read any more" in page.text


def test_the_table_has_changed(run: Path) -> None:
    table = run.parent / "pairs.csv"
    table.write_text("\n".join(table.read_text().splitlines()[:4]) + "\n")
    page = page_of(run)
    assert "pairs.csv has changed since it was scored" in page.text
    assert "is not what was scored any more" in page.text


@pytest.mark.parametrize("name", ["euclidean", "logit", "siglip-probability", "clip-score"])
def test_other_measures(tmp_path: Path, make_table: Callable[..., Path], name: str) -> None:
    measure = find_measure(name, FAKE_RECORD)
    table = make_table([f"thing {i}" for i in range(9)])
    page = page_of(score_folder(table, tmp_path / "run", measure=measure))
    assert name in page.text
    assert "8 of 9 pairs" in page.text


@pytest.mark.parametrize("rule", ["top:50%", "similarity>=0.1", "fdr:50%", "probability>=0.5"])
def test_rules(run: Path, rule: str) -> None:
    assert f"The rule {rule} keeps" in page_of(run, rule=rule).text


def test_a_named_category(run: Path) -> None:
    assert "By caption" in page_of(run, by="caption").text
    with pytest.raises(ColumnError, match="available: image, caption, category"):
        page_of(run, by="colour")


def test_a_rule_that_is_none(run: Path) -> None:
    with pytest.raises(UsageError, match="rules look like"):
        page_of(run, rule="best")


def test_writing(run: Path, tmp_path: Path) -> None:
    output = tmp_path / "report.html"
    assert write_report(run, output) == output
    assert output.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert output.stat().st_size < 300_000
    write_report(run.with_suffix(""), output)  # the enriched table leads to its run
    with pytest.raises(OutputExistsError, match="name a file"):
        write_report(run, tmp_path)
    with pytest.raises(OutputExistsError, match="no such folder"):
        write_report(run, tmp_path / "none" / "report.html")
    with pytest.raises(RunFolderError, match="not a run folder"):
        write_report(tmp_path, output)


@pytest.mark.slow
def test_a_hundred_thousand_rows_stay_small(tmp_path: Path) -> None:
    run = write_large_run(tmp_path, num_rows=100_000, generator=np.random.default_rng(0))
    output = write_report(run, tmp_path / "report.html")
    assert output.stat().st_size < 5_000_000
    assert "100,000 of 100,000 pairs" in read_page(output.read_text(encoding="utf-8")).text


def test_a_category_that_is_no_text_is_told(tmp_path: Path) -> None:
    names = write_pictures(tmp_path / "pictures", 3)
    table = tmp_path / "pairs.parquet"
    paths = [f"pictures/{name}" for name in names]
    pq.write_table(pa.table({"image": paths, "caption": names, "tags": [["a"], ["b"], []]}), table)
    run = score_folder(table, tmp_path / "run")
    with pytest.raises(ColumnError, match="`tags` has type list"):
        page_of(run, by="tags")
    assert "No column looks like a category" in page_of(run).text
