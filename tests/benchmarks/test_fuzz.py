import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.fuzz import image_cases, table_cases
from benchmarks.fuzz.chunks import run_all, run_chunk
from benchmarks.fuzz.image_cases import check_images, image_case
from benchmarks.fuzz.layouts import FIND_PARTS
from benchmarks.fuzz.mutations import STEPS, mutate
from benchmarks.fuzz.pictures import PICTURES, picture
from benchmarks.fuzz.reports import Report, from_json
from benchmarks.fuzz.table_cases import check_tables, table_case
from benchmarks.fuzz.tables import TABLES

WORKER = """
import json, os, sys, time
from pathlib import Path
_, what, seed, path, *indices = sys.argv
if "3" in indices:
    {trouble}
empty = dict(outcomes={{what: {{"fine": len(indices)}}}}, sniffed={{}}, findings=[], num_rows=0,
             num_kept=0, peak_rss_kib=1, native_lines=0)
Path(path).write_text(json.dumps(empty))
"""


def test_nothing_that_is_broken_costs_more_than_its_row() -> None:
    said: list[str] = []
    report = run_all(200, 48, seed=20_261_124, say=said.append)
    assert report.findings == []
    assert len(said) == 3
    images = {kind: counts for kind, counts in report.outcomes.items() if kind in PICTURES}
    assert sum(sum(counts.values()) for counts in images.values()) == 200
    assert sum(sum(counts.values()) for counts in report.outcomes.values()) == 248
    assert sum(report.sniffed.values()) >= 0.3 * 200
    assert report.num_kept > 200
    # Several times what the pictures need, and far below what their headers promise.
    assert report.peak_rss_kib < 2 << 20


@pytest.mark.parametrize("kind", PICTURES)
def test_the_parts_lie_inside_the_file(kind: str) -> None:
    for flavour in PICTURES[kind]:
        data = picture(kind, flavour, 0)
        layout = FIND_PARTS[kind](data)
        assert layout.parts
        assert layout.sizes
        assert all(0 <= begin < end <= len(data) for begin, end in layout.parts)
        assert all(number.end <= len(data) for number in (*layout.sizes, *layout.lengths))
        sizes = {number.read(bytearray(data)) & 0x3FFF for number in layout.sizes}
        # The width of drawing 0, or one less, or with the bits of the height above it.
        assert sizes & {63, 64}, flavour


def test_a_case_follows_from_seed_and_index_alone() -> None:
    assert image_case(1, 7) == image_case(1, 7)
    assert table_case(1, 7) == table_case(1, 7)
    assert image_case(1, 7).broken != image_case(2, 7).broken
    assert table_case(1, 8).broken != table_case(2, 8).broken
    assert {image_case(1, index).kind for index in range(6)} == set(PICTURES)
    assert {table_case(1, index).kind for index in range(len(TABLES))} == set(TABLES)


def test_every_step_changes_something() -> None:
    data = picture("JPEG", "exif and profile", 1)
    taken = set()
    for seed in range(120):
        generator = np.random.default_rng(seed)
        broken, steps = mutate(data, "JPEG", generator, other=picture("PNG", "rgb", 1))
        if broken != data:
            taken.update(steps)
    assert taken == set(STEPS)


@pytest.mark.parametrize(
    ("trouble", "words"),
    [("os.abort()", "exit -6"), ("time.sleep(60)", "no end"), ("1 / 0", "ZeroDivisionError")],
)
def test_a_crash_and_a_hang_have_a_name(tmp_path: Path, trouble: str, words: str) -> None:
    script = tmp_path / "worker.py"
    script.write_text(WORKER.format(trouble=trouble), encoding="utf-8")
    worker = (sys.executable, str(script))
    report = run_chunk("images", 5, [2, 3], worker=worker, deadline_seconds=1.0)
    assert [finding["case"] for finding in report.findings] == ["images 3 of seed 5"]
    assert words in report.findings[0]["what"]
    assert report.outcomes == {"images": {"fine": 1, "crashed or hung": 1}}


def test_trouble_that_needs_company_is_still_told(tmp_path: Path) -> None:
    script = tmp_path / "worker.py"
    lonely = "len(indices) > 1 and os.abort()"
    script.write_text(WORKER.format(trouble=lonely), encoding="utf-8")
    report = run_chunk("images", 5, [2, 3], worker=(sys.executable, str(script)))
    assert "only together" in report.findings[0]["what"]


def test_a_warning_on_standard_error_is_a_finding(tmp_path: Path) -> None:
    script = tmp_path / "worker.py"
    noisy = "print('x.py:1: RuntimeWarning: odd', file=sys.stderr)"
    script.write_text(WORKER.format(trouble=noisy), encoding="utf-8")
    report = run_chunk("images", 5, [3], worker=(sys.executable, str(script)))
    assert "RuntimeWarning" in report.findings[0]["what"]
    assert report.native_lines == 1


def test_a_lost_row_and_a_changed_number_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [image_case(1, index) for index in range(4)]
    honest = image_cases._score
    calls = []

    def turned(images: list[bytes], captions: list[str]) -> pa.Table:
        calls.append(len(images))
        whole = honest(images, captions)
        return whole.take(list(range(whole.num_rows))[::-1]) if len(calls) == 2 else whole

    def short(images: list[bytes], captions: list[str]) -> pa.Table:
        return honest(images, captions).slice(1)

    reports = []
    for number, scorer in enumerate((honest, turned, short)):
        monkeypatch.setattr(image_cases, "_score", scorer)
        folder = tmp_path / str(number)
        folder.mkdir()
        reports.append(Report())
        check_images(cases, reports[-1], folder)
    assert reports[0].findings == []
    assert any("a whole picture changed" in finding["what"] for finding in reports[1].findings)
    assert "rows in" in reports[2].findings[0]["what"]


def test_a_table_that_comes_back_otherwise_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A case that goes through, so that there is an output to tamper with.
    index = next(i for i in range(0, 400, len(TABLES)) if len(table_case(1, i).steps) == 1)
    case = table_case(1, index)
    honest = table_cases.score

    def tampered(source: Path, target: Path) -> tuple[int, str]:
        code, words = honest(source, target)
        if not source.name.startswith("whole"):
            lines = target.read_bytes().splitlines(keepends=True)
            target.write_bytes(b"".join(lines[:-1]) + b"x" + lines[-1])
        return code, words

    def rude(source: Path, target: Path) -> tuple[int, str]:  # noqa: ARG001
        return 2, "Traceback (most recent call last):\n  oh\n"

    said = []
    for number, command in enumerate((honest, tampered, rude)):
        monkeypatch.setattr(table_cases, "score", command)
        folder = tmp_path / str(number)
        folder.mkdir()
        report = Report()
        check_tables([case], report, folder)
        said.append([finding["what"] for finding in report.findings])
    assert said[0] == []
    assert "without the added columns the output is not the input" in said[1]
    assert said[2][0].startswith("exit 2: Traceback")


def test_reports_add_up_and_survive_json() -> None:
    one, two = Report(), Report()
    one.count("PNG", "ok")
    two.count("PNG", "ok")
    two.find("case", "what")
    two.peak_rss_kib = 7
    one.add(from_json(two.to_json()))
    assert one.outcomes["PNG"]["ok"] == 2
    assert one.peak_rss_kib == 7
    assert [finding["case"] for finding in one.findings] == ["case"]
