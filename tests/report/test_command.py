"""``pairsift report`` at the command line."""

from pathlib import Path

import pytest

from pairsift.cli import run as run_command


def test_the_page_is_written_and_named(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "page.html"
    assert run_command(["report", str(run), "-o", str(output), "--no-thumbnails"]) == 0
    assert capsys.readouterr().out == f"{output}\n"
    assert "data:image" not in output.read_text(encoding="utf-8")


def test_what_is_no_run_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["report", str(tmp_path), "-o", str(tmp_path / "page.html")]) == 2
    assert "not a run folder" in capsys.readouterr().err
    assert not (tmp_path / "page.html").exists()
